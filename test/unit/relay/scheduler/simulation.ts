import { Scheduler } from '../../../../src/relay/scheduler/scheduler.ts';
import type { Flow, Group, Share } from '../../../../src/relay/scheduler/flows.ts';

/** What a connection has to send: bytes queued, at most `chunkBytes` of them ready at once. */
export interface Source {
  flow: Flow;
  backlogBytes: number;
  sentBytes: number;
}

/** More than any test needs: what never comes to its end is to fail, and not to keep the machine busy. */
const MOST_RUNS = 200_000;
const MOST_GRANTS = 2_000_000;

/** Drives a scheduler in virtual time, as the relay's timer would: at the asked moment, rounded up to ms. */
export class Simulation {
  nowMs = 0;
  readonly scheduler = new Scheduler(0);
  readonly sources: Source[] = [];
  readonly #bySource = new Map<Flow, Source>();
  /** Every grant: when and how much. */
  readonly grants: { atMs: number; bytes: number; source: Source }[] = [];
  /** How late the timer fires, in ms. */
  lateMs: () => number = () => 0;
  readonly chunkBytes: number;

  constructor(chunkBytes = 131_072) {
    this.chunkBytes = chunkBytes;
  }

  add(groups: Group | readonly Group[], backlogBytes = Infinity, share?: Share): Source {
    const flow = this.scheduler.addFlow(groups, this.nowMs, share);
    const source: Source = { flow, backlogBytes: 0, sentBytes: 0 };
    this.sources.push(source);
    this.#bySource.set(source.flow, source);
    this.queue(source, backlogBytes);
    return source;
  }

  queue(source: Source, bytes: number): void {
    source.backlogBytes += bytes;
    this.#ready(source);
  }

  #ready(source: Source): void {
    this.scheduler.setReady(source.flow, Math.min(source.backlogBytes, this.chunkBytes), this.nowMs);
  }

  /** Lets the time pass up to `untilMs`, granting what the scheduler grants. */
  runUntil(untilMs: number): void {
    for (let runs = 0; ; runs++) {
      if (runs > MOST_RUNS) throw new Error(`woken ${runs} times up to ${this.nowMs} ms`);
      const wakeMs = this.scheduler.run(this.nowMs, (flow, bytes) => this.#send(flow, bytes));
      const nextMs =
        wakeMs === undefined ? Infinity : Math.max(this.nowMs + 1, Math.ceil(wakeMs) + this.lateMs());
      if (nextMs > untilMs) break;
      this.nowMs = nextMs;
    }
    this.nowMs = untilMs;
  }

  #send(flow: Flow, bytes: number): number {
    const source = this.#bySource.get(flow);
    if (source === undefined) throw new Error('a grant for nobody');
    if (!Number.isInteger(bytes) || bytes <= 0) throw new Error(`a grant of ${bytes} bytes`);
    if (bytes > source.backlogBytes) throw new Error('a grant for more than there is');
    if (this.grants.length > MOST_GRANTS) throw new Error(`${MOST_GRANTS} grants up to ${this.nowMs} ms`);
    source.backlogBytes -= bytes;
    source.sentBytes += bytes;
    this.grants.push({ atMs: this.nowMs, bytes, source });
    this.#ready(source);
    return bytes;
  }

  sentBetween(fromMs: number, toMs: number): number {
    let sum = 0;
    for (const { atMs, bytes } of this.grants) {
      if (atMs > fromMs && atMs <= toMs) sum += bytes;
    }
    return sum;
  }
}

/** Jain's index of fairness: 1 is equal shares, 1/n is one who has all. */
export function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return (sum * sum) / (shares.length * squares);
}
