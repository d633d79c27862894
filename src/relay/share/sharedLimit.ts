/** Keeps a relay to its share of a limit that it has in common with relays on other machines, from start to end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { failure } from '../../core/errors.ts';
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import { formatEngine, type ShareSettings } from '../settings/engine.ts';
import type { Log } from '../log.ts';
import { EngineConnection, type Sharer } from './connection.ts';
import { Holding } from './holding.ts';
import { pair, type Pair } from './pair.ts';
import { KEEP_MS, REPORT_MS } from './script.ts';
import { Want } from './want.ts';

/** The relay that shares. */
export interface Sharing {
  /** Its own limit in bytes per second, undefined without one. */
  limit: (direction: Direction) => number | undefined;
  totalBytes: (direction: Direction) => number;
  /** Whether anything has waited for the limit since it was last asked. */
  takeWaits: (direction: Direction) => boolean;
  weight: () => number;
  /** How many relays there are at least, 0 if nobody has said. */
  atLeastRelays: () => number;
  /** The share is this from now on, bytes per second; 0 where there is no limit. */
  apply: (share: Pair) => void;
}

/** For prompt, JSON and metrics. */
export interface ShareStatus {
  /** Without user and password. */
  readonly engine: string;
  readonly name: string;
  /** `alone`: the engine does not answer, each relay has its part by weight. */
  readonly state: 'shared' | 'alone';
  /** Since when the engine does not answer and why, null while it does. */
  readonly lostSince: string | null;
  readonly lostBecause: string | null;
  /** How many relays share, as last heard; null if never. */
  readonly relays: number | null;
  readonly weight: number;
  /** Bytes per second that this relay may send; null where there is no limit. */
  readonly share: Readonly<Record<Direction, number | null>>;
}

/** So often the first report is tried. */
const FIRST_REPORTS = 10;

/** A share that grows by less is left as it is: each change of a limit costs a little precision. */
const WORTH_IT = 1.005;

export class SharedLimit {
  readonly #settings: ShareSettings;
  readonly #relay: Sharing;
  readonly #log: Log;
  readonly #engine: EngineConnection;
  readonly #holding = new Holding();
  readonly #wants = { up: new Want(), down: new Want() };
  #share: Pair = { up: 0, down: 0 };
  #started = false;
  #lost: { readonly sinceMs: number; why: string } | undefined;
  #reportTimer: NodeJS.Timeout | undefined;
  #keepTimer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(settings: ShareSettings, relayName: string, relay: Sharing, log: Log) {
    this.#settings = settings;
    this.#relay = relay;
    this.#log = log;
    this.#engine = new EngineConnection(settings, relayName);
  }

  /** Begins to share. Throws if the engine does not answer and nobody has said how many relays there are. */
  async start(): Promise<void> {
    const why = await this.#firstReport();
    if (why !== undefined) {
      if (this.#relay.atLeastRelays() === 0)
        throw failure(
          `cannot share the limit by ${this.#place}: ${why}`,
          'to begin without it, with a part of the limit: --set share_relays=N, as many as there are relays',
        );
      this.#hasLost(why);
    }
    this.#started = true;
    this.#apply();
    if (this.#lost === undefined)
      this.#log.info(
        { engine: this.#place, name: this.#settings.name, relays: this.#holding.relays },
        'the limit is shared',
      );
    this.#schedule(REPORT_MS);
  }

  /** Undefined when a report was answered, else why the last of several was not: the engine may start at this moment too. */
  async #firstReport(): Promise<string | undefined> {
    let why = await this.#engine.connect().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    for (let attempt = 1; attempt <= FIRST_REPORTS; attempt++) {
      if (why !== undefined) await sleep(REPORT_MS);
      try {
        await this.#report();
        return undefined;
      } catch (error) {
        why = (error as Error).message;
        // It has answered, and will not say anything else.
        if (/^(?:NOAUTH|WRONGPASS|NOPERM)/.test(why)) break;
      }
    }
    return why;
  }

  /** What this relay had is for the others from now on. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reportTimer);
    clearTimeout(this.#keepTimer);
    await this.#engine.close();
  }

  /** A limit, the weight or the number of relays was changed. */
  changed(): void {
    if (this.#started) this.#apply();
  }

  get status(): ShareStatus {
    const shown = (direction: Direction): number | null => this.#share[direction] || null;
    return {
      engine: this.#place,
      name: this.#settings.name,
      state: this.#holding.isShared(performance.now()) ? 'shared' : 'alone',
      lostSince:
        this.#lost === undefined
          ? null
          : new Date(Date.now() - (performance.now() - this.#lost.sinceMs)).toISOString(),
      lostBecause: this.#lost?.why ?? null,
      relays: this.#holding.relays ?? null,
      weight: this.#relay.weight(),
      share: { up: shown('up'), down: shown('down') },
    };
  }

  /** All relays that share; none while the engine does not answer. */
  async sharers(): Promise<readonly Sharer[]> {
    return this.#engine.sharers().catch(() => []);
  }

  get #place(): string {
    return formatEngine(this.#settings.engine);
  }

  get #limit(): Pair {
    return pair((direction) => this.#relay.limit(direction) ?? 0);
  }

  #schedule(inMs: number): void {
    if (this.#closed) return;
    this.#reportTimer = setTimeout(() => {
      const sentMs = performance.now();
      void this.#report()
        .catch((error: unknown) => {
          this.#hasLost((error as Error).message);
        })
        .finally(() => {
          // Not more than ten a second, however late one was.
          this.#schedule(Math.max(1, Math.min(REPORT_MS, sentMs + REPORT_MS - performance.now())));
        });
    }, inMs);
  }

  async #report(): Promise<void> {
    const limit = this.#limit;
    const sentMs = performance.now();
    const want = pair((direction) => {
      const waits = this.#relay.takeWaits(direction);
      return this.#wants[direction].at(sentMs, this.#relay.totalBytes(direction), waits, limit[direction]);
    });
    const before = this.#holding.relays;
    const answer = await this.#engine.report({
      weight: this.#relay.weight(),
      want,
      limit,
      holds: this.#share,
    });
    if (this.#closed) return;
    if (!this.#holding.answered(answer, sentMs, performance.now())) throw new Error('no answer in time');
    this.#isBack();
    const { relays } = this.#holding;
    if (before !== undefined && before !== relays)
      this.#log.info({ relays }, 'other relays share the limit now');
    clearTimeout(this.#keepTimer);
    this.#keepTimer = setTimeout(
      () => {
        this.#keepsNoLonger();
      },
      Math.ceil(this.#holding.keptUntilMs - performance.now()) + 1,
    );
    if (this.#started) this.#apply();
  }

  #apply(): void {
    const { weight, atLeastRelays } = this.#relay;
    const next = this.#holding.at(performance.now(), this.#limit, weight(), atLeastRelays());
    const differs = DIRECTIONS.some(
      (direction) =>
        next[direction] < this.#share[direction] || next[direction] > this.#share[direction] * WORTH_IT,
    );
    if (!differs) return;
    this.#share = next;
    this.#relay.apply(next);
  }

  #hasLost(why: string): void {
    if (this.#closed) return;
    if (this.#lost === undefined) this.#lost = { sinceMs: performance.now(), why };
    else this.#lost.why = why;
    if (!this.#started) this.#tellLoss();
  }

  #keepsNoLonger(): void {
    this.#lost ??= { sinceMs: performance.now() - KEEP_MS, why: 'no answer' };
    this.#apply();
    this.#tellLoss();
  }

  #tellLoss(): void {
    const { up, down } = this.#holding.at(
      performance.now(),
      this.#limit,
      this.#relay.weight(),
      this.#relay.atLeastRelays(),
    );
    this.#log.warn(
      { engine: this.#place, why: this.#lost?.why, up, down },
      'the engine does not answer: this relay has its part of the limit',
    );
  }

  #isBack(): void {
    if (this.#lost === undefined) return;
    const lostMs = Math.round(performance.now() - this.#lost.sinceMs);
    this.#lost = undefined;
    if (lostMs >= KEEP_MS) this.#log.info({ engine: this.#place, lostMs }, 'the engine is back');
  }
}
