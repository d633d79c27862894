/** The two devices through which the agent speaks: the virtio port to the host, and the panic device. */
import { constants, openSync, readFileSync, readSync, readdirSync, writeSync } from 'node:fs';
import { LineReader } from '../lines.ts';
import { panicDevice } from './halt.ts';

export class Port {
  readonly #port = openSync(portDevice(), constants.O_RDWR | constants.O_NONBLOCK);
  /** Halts the virtual processor; returns when the host lets it go on. */
  readonly halt = panicDevice();
  readonly #chunk = Buffer.alloc(65536);
  readonly #lines: string[] = [];
  readonly #reader = new LineReader((line) => this.#lines.push(line));

  /**
   * Waits for a request without sleeping: were the processor idle, the virtual clock would run ahead as far
   * as the host takes to send.
   */
  receive(): string {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      const count = this.#retry(() => readSync(this.#port, this.#chunk));
      this.#reader.push(this.#chunk.toString('utf8', 0, count));
    }
  }

  send(line: string): void {
    const data = Buffer.from(`${line}\n`);
    for (let sent = 0; sent < data.length;) {
      sent += this.#retry(() => writeSync(this.#port, data, sent, Math.min(data.length - sent, 4096)));
    }
  }

  #retry(action: () => number): number {
    for (;;) {
      try {
        return action();
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      }
    }
  }
}

function portDevice(): string {
  for (const name of readdirSync('/sys/class/virtio-ports')) {
    const label = readFileSync(`/sys/class/virtio-ports/${name}/name`, 'utf8').trim();
    if (label === 'agent') return `/dev/${name}`;
  }
  throw new Error('there is no virtio port named agent');
}
