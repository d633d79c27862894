/** `/events`: server-sent events (WHATWG HTML, "Server-sent events") to all who look. */
import type { ServerResponse } from 'node:http';

/** Each is a page that is open. */
const MAX_LISTENERS = 32;
/** A reader that stands still is left, and comes back by itself. */
const MAX_WAITING_BYTES = 262_144;

export class EventStreams {
  readonly #open = new Set<ServerResponse>();
  readonly #onCount: (count: number) => void;

  constructor(onCount: (count: number) => void) {
    this.#onCount = onCount;
  }

  get isFull(): boolean {
    return this.#open.size >= MAX_LISTENERS;
  }

  /** @param first what is known already */
  add(response: ServerResponse, headers: Readonly<Record<string, string>>, first: string): void {
    // Proxies hold events back otherwise (nginx).
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: 2000\n\n${first}`);
    this.#open.add(response);
    this.#onCount(this.#open.size);
    response.once('close', () => {
      this.#open.delete(response);
      this.#onCount(this.#open.size);
    });
  }

  send(text: string): void {
    for (const response of this.#open) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(text);
    }
  }
}

export const eventText = (name: string, value: unknown): string =>
  `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
