/** Where the run is and how long it will still take, on one line of standard error; only on a terminal. */
import { formatDuration, kbit } from '../../core/units.ts';
import type { SessionEvent } from './session.ts';

export class Progress {
  private readonly stream: NodeJS.WriteStream;
  private readonly enabled: boolean;
  private readonly endMs: number;
  private shown = false;

  constructor(stream: NodeJS.WriteStream, quiet: boolean, expectedMs: number) {
    this.stream = stream;
    this.enabled = stream.isTTY && !quiet && process.env['TERM'] !== 'dumb';
    this.endMs = performance.now() + expectedMs;
  }

  show(text: string): void {
    if (!this.enabled) return;
    const width = Math.max(20, this.stream.columns - 1);
    this.stream.write(`\r\x1b[K${text.slice(0, width)}`);
    this.shown = true;
  }

  /** Takes the line away, before something else is written. */
  clear(): void {
    if (this.shown) this.stream.write('\r\x1b[K');
    this.shown = false;
  }

  event(event: SessionEvent): void {
    const text = describe(event);
    if (text === undefined) return;
    const leftMs = this.endMs - performance.now();
    const left =
      event.kind === 'step' ? `, ${leftMs > 1000 ? `about ${formatDuration(leftMs)}` : 'not much'} left` : '';
    this.show(`${text}${left}`);
  }
}

function describe(event: SessionEvent): string | undefined {
  switch (event.kind) {
    case 'preparing':
      return 'setting up the shaper';
    case 'direction':
      return `${event.task.direction.toUpperCase()}: waiting for the load`;
    case 'step': {
      const rate = event.rateBitPerSec === null ? 'unshaped' : `${kbit(event.rateBitPerSec)} kbit/s`;
      const place =
        event.total === null ? `measurement ${event.index + 1}` : `line ${event.index + 1} of ${event.total}`;
      const again = event.attempt > 1 ? `, try ${event.attempt}` : '';
      return `${event.direction.toUpperCase()} ${rate}: ${place}${again}`;
    }
    case 'restoring':
      return 'putting back what was in force before';
    case 'line':
    case 'pacing':
    case 'reasoning':
    case 'load-trouble':
    case 'recommendation':
      return undefined;
  }
}
