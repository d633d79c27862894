/**
 * Gives the schedulers a clock. They run once per turn of the event loop in which something became ready,
 * and when credit that somebody waits for has been earned; never when nobody has anything to send.
 */
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import type { Flow } from '../scheduler/flows.ts';
import { Scheduler } from '../scheduler/scheduler.ts';

/** Sends for a flow; registered when the flow is made. */
export type Sender = (maxBytes: number) => number;

export class Pump {
  readonly schedulers: Readonly<Record<Direction, Scheduler>>;
  readonly #senders = new Map<Flow, Sender>();
  #soon: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;

  constructor() {
    const nowMs = performance.now();
    this.schedulers = { up: new Scheduler(nowMs), down: new Scheduler(nowMs) };
  }

  register(flow: Flow, sender: Sender): void {
    this.#senders.set(flow, sender);
  }

  unregister(flow: Flow): void {
    this.#senders.delete(flow);
  }

  /** Something became ready, or a limit changed. All that becomes ready in this turn of the loop competes. */
  schedule(): void {
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined;
      this.#run();
    });
  }

  stop(): void {
    clearImmediate(this.#soon);
    clearTimeout(this.#timer);
    this.#soon = undefined;
    this.#timer = undefined;
  }

  #run(): void {
    const nowMs = performance.now();
    let wakeMs = Infinity;
    for (const direction of DIRECTIONS) {
      const wake = this.schedulers[direction].run(nowMs, (flow, maxBytes) =>
        (this.#senders.get(flow) ?? nothing)(maxBytes),
      );
      if (wake !== undefined && wake < wakeMs) wakeMs = wake;
    }
    this.#arm(wakeMs, nowMs);
  }

  #arm(wakeMs: number, nowMs: number): void {
    // A timer that fires too early costs one look; moving it each time would cost more.
    if (this.#timer !== undefined && this.#timerAtMs <= wakeMs && this.#timerAtMs > nowMs) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    if (wakeMs === Infinity) return;
    this.#timerAtMs = wakeMs;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#timerAtMs = Infinity;
        this.#run();
      },
      // Node's timers take 1 ms to 2^31 - 1 ms.
      Math.min(Math.max(1, Math.ceil(wakeMs - nowMs)), 0x7fff_ffff),
    );
  }
}

const nothing: Sender = () => 0;
