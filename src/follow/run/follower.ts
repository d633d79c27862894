/** One device whose rates follow its line: what is seen of it, many times a second, and what is done about it. */
import { UserError } from '../../core/errors.ts';
import { formatRate } from '../../core/units.ts';
import { lineBitPerSec, planAt, rateChangeLines, ratesOfPlan } from '../../plan/followed.ts';
import type { RawRates } from '../../plan/input/framing.ts';
import { BUCKET_MS, type Arrivals } from '../../plan/pacing/arrivals.ts';
import type { FollowPlan, Plan } from '../../plan/plan.ts';
import { bucketNow, LineMeter, NO_OTHER_RATE } from '../../system/device/lineMeter.ts';
import { LinkCounters, type Counted } from '../../system/device/linkCounters.ts';
import { TcProcess } from '../../system/device/tcProcess.ts';
import { startTime } from '../../system/exec/process.ts';
import { isOfPlan, readFollowing, removeFollowing, writeFollowing } from '../../system/record/following.ts';
import { otherHolder, withLock } from '../../system/record/lock.ts';
import { recordIdentity } from '../../system/record/state.ts';
import { decide, pingIntervalMs, startFollowing, type Decision, type FollowState } from '../decide/decide.ts';
import type { Sample } from '../decide/sample.ts';
import { traceLine } from '../decide/trace.ts';
import { decisionText } from '../decide/decisionText.ts';
import { LinePings } from './linePings.ts';
import { Rest } from './rest.ts';
import { Sent } from './sent.ts';

export interface FollowerOptions {
  /** Decisions are told, nothing is set. */
  dryRun: boolean;
  /** To the next hop, where nothing else tells how long packets wait. */
  sendsPings: boolean;
  tell: (text: string) => void;
  /** Told of each decision that comes for another reason than the one before it. */
  decided?: ((device: string, text: string) => void) | undefined;
  /** Takes the lines of a trace. */
  record?: ((line: string) => void) | undefined;
}

/** A window costs a write into a map, a queue a line of tc and, at ingress, a bucket that is filled anew. */
const LEAST_CHANGE = { windows: 0.01, queues: 0.04 } as const;
/** What is left of a change is set once it stays. */
const SETTLED_MS = 1000;
const TOLD_EVERY_MS = 1000;

export class Follower {
  readonly plan: Plan;
  /** Of the record that it was read from. */
  readonly identity: string;
  readonly #follows: FollowPlan;
  readonly #options: FollowerOptions;
  readonly #meter: LineMeter;
  readonly #tc = new TcProcess();
  /** Undefined: none is sent. */
  readonly #pings: LinePings | undefined;
  #state: FollowState;
  #since = { up: new Date(), down: new Date() };
  readonly #counters: LinkCounters;
  readonly #sent = new Sent();
  readonly #rest = new Rest();
  #forgetBeforeNs = 0n;
  /** What windows are for, and what queues and buckets are at; undefined: nobody knows. */
  #windowsBitPerSec: number | undefined;
  #queues: RawRates | undefined;
  #queuesSetMs = 0;
  #changing: Promise<void> | undefined;
  #toldMs = -Infinity;
  #told = '';
  #complaint = '';
  #closed = false;

  private constructor(
    plan: Plan,
    identity: string,
    rates: RawRates,
    options: FollowerOptions,
    counters: LinkCounters,
  ) {
    if (plan.follows === undefined || plan.pacing === undefined)
      throw new Error(`${plan.device} cannot be followed`);
    this.plan = plan;
    this.identity = identity;
    this.#follows = plan.follows;
    this.#options = options;
    this.#counters = counters;
    this.#count();
    options.record?.(
      traceLine({ format: 'inetgw-trace', version: 1, limits: plan.follows.limits, ...rates }),
    );
    // Programs are started from here on.
    this.#meter = new LineMeter(plan.pacing.mapSuffix);
    this.#state = startFollowing(rates, Number(process.hrtime.bigint() / 1_000_000n));
    this.#pings = options.sendsPings
      ? new LinePings(plan.device, pingIntervalMs(plan.upBitPerSec), (text) => {
          options.tell(`${plan.device}: ${text}`);
        })
      : undefined;
  }

  /** Takes up the rates of a service before this one, where they are those of the same plan. */
  static async begin(plan: Plan, identity: string, options: FollowerOptions): Promise<Follower> {
    const before = await readFollowing(plan.device);
    const rates =
      before !== undefined && isOfPlan(before, plan)
        ? { upBitPerSec: before.up.bitPerSec, downBitPerSec: before.down.bitPerSec }
        : ratesOfPlan(plan);
    const counters = new LinkCounters(plan.device);
    try {
      return new Follower(plan, identity, rates, options, counters);
    } catch (error) {
      counters.close();
      throw error;
    }
  }

  get rates(): RawRates {
    return { upBitPerSec: this.#state.up.rateBitPerSec, downBitPerSec: this.#state.down.rateBitPerSec };
  }

  get isIdle(): boolean {
    return this.#rest.isIdle;
  }

  /** Whether the line is idle, and nothing is lost by a later look. @throws UserError where the device went away */
  canWait(): boolean {
    return this.isIdle && this.#rest.canWait(performance.now(), this.#count());
  }

  /** Decides on what has come in since the last time, and sets what follows from that. */
  async tick(): Promise<void> {
    const arrived = await this.#meter.arrivals();
    if (arrived.length === 0) return;
    this.#rest.looked(performance.now(), this.#count());
    const pingMs = this.#pings?.takeExcessMs();
    for (const each of arrived) this.#decide(this.#sampleOf(each, pingMs));
    this.#sent.forgetBefore((arrived.at(-1)?.number ?? 0) + 1);
    if (this.#options.dryRun) return;
    await this.#setWindows();
    this.#setQueues();
    await this.#tell();
  }

  #count(): Counted {
    const counted = this.#counters.read();
    this.#sent.read(bucketNow(), counted);
    return counted;
  }

  #decide(sample: Sample): void {
    const before = this.#state;
    const { state, decision } = decide(before, sample, this.#follows.limits);
    this.#state = state;
    this.#rest.decided(sample, decision);
    const changed = (['up', 'down'] as const).filter((each) => state[each].phase !== before[each].phase);
    for (const direction of changed) this.#since[direction] = new Date();
    if (decision.forgetLeast) {
      this.#forgetBeforeNs = process.hrtime.bigint();
      this.#windowsBitPerSec = undefined;
    }
    if (decision.forgetLeastPing) this.#pings?.forgetLeast();
    this.#pings?.want(decision.pings, this.#rest.isIdle);
    this.#options.record?.(traceLine(Object.assign({}, sample, decided(decision))));
    const { decided: tellDecided, dryRun } = this.#options;
    const isNews = changed.length > 0 || decision.forgetLeast;
    const text =
      dryRun || (isNews && tellDecided !== undefined) ? decisionText(before, decision, sample) : undefined;
    if (text === undefined) return;
    if (dryRun) this.#options.tell(`${this.plan.device}: ${text}`);
    if (isNews) tellDecided?.(this.plan.device, text);
  }

  #sampleOf(arrived: Arrivals, pingMs: number | undefined): Sample {
    return {
      atMs: (arrived.number + 1) * BUCKET_MS,
      spanMs: BUCKET_MS,
      downBitPerSec: lineBitPerSec(this.plan, arrived, BUCKET_MS),
      upBitPerSec: lineBitPerSec(this.plan, this.#sent.during(arrived.number), BUCKET_MS),
      ...(arrived.leastDelayMs === undefined ? {} : { downQueueMs: arrived.leastDelayMs }),
      ...(arrived.leastRoundTripMs === undefined ? {} : { roundTripMs: arrived.leastRoundTripMs }),
      ...(pingMs === undefined ? {} : { pingMs }),
    };
  }

  async #setWindows(): Promise<void> {
    const { downBitPerSec } = this.rates;
    if (!differs(this.#windowsBitPerSec, downBitPerSec, LEAST_CHANGE.windows)) return;
    const { pacing } = planAt(this.plan, this.rates);
    const planned = this.plan.pacing?.config.payloadBytesPerSec;
    if (pacing === undefined || planned === undefined) return;
    const { payloadBytesPerSec, queueUs } = pacing.config;
    await this.#meter.follow({
      ...{ payloadBytesPerSec, plannedBytesPerSec: planned, queueUs },
      forgetBeforeNs: this.#forgetBeforeNs,
    });
    this.#windowsBitPerSec = downBitPerSec;
  }

  /** In the background: whoever works on the device at this moment is waited for, and what is seen meanwhile is not lost. */
  #setQueues(): void {
    if (this.#changing !== undefined) return;
    const { rates } = this;
    const isSettled = performance.now() - this.#queuesSetMs > SETTLED_MS;
    const least = isSettled ? LEAST_CHANGE.windows : LEAST_CHANGE.queues;
    const isWorth =
      differs(this.#queues?.downBitPerSec, rates.downBitPerSec, least) ||
      differs(this.#queues?.upBitPerSec, rates.upBitPerSec, least);
    if (!isWorth) return;
    this.#changing = this.#changeQueues(rates)
      .catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        this.#queues = undefined;
        if (error.message !== this.#complaint)
          this.#options.tell(
            `${this.plan.device}: the rates of its queues could not be set: ${error.message}`,
          );
        this.#complaint = error.message;
      })
      .finally(() => {
        this.#changing = undefined;
      });
  }

  async #changeQueues(rates: RawRates): Promise<void> {
    const { device } = this.plan;
    if ((await otherHolder(device)) !== undefined || !(await this.isCurrent())) return;
    await withLock(device, () => this.#changeLocked(rates));
  }

  async #changeLocked(rates: RawRates): Promise<void> {
    if (this.#closed || !(await this.isCurrent())) return;
    await this.#tc.change(rateChangeLines(this.plan, this.#queues, rates));
    this.#queues = rates;
    this.#queuesSetMs = performance.now();
  }

  /** Whether the record is the one that it began with. */
  async isCurrent(): Promise<boolean> {
    return (await recordIdentity(this.plan.device)) === this.identity;
  }

  async #tell(): Promise<void> {
    const { up, down } = this.#state;
    const text = [up.phase, down.phase, up.rateBitPerSec.toPrecision(2), down.rateBitPerSec.toPrecision(2)];
    const now = performance.now();
    if (text.join() === this.#told || now - this.#toldMs < TOLD_EVERY_MS) return;
    this.#toldMs = now;
    this.#told = text.join();
    const direction = (of: 'up' | 'down') => ({
      bitPerSec: Math.round(this.#state[of].rateBitPerSec),
      phase: this.#state[of].phase,
      since: this.#since[of].toISOString(),
    });
    await writeFollowing(this.plan.device, {
      ...{
        pid: process.pid,
        started: (await startTime(process.pid)) ?? '?',
        ifindex: this.plan.link.ifindex,
      },
      ...{ plannedUpBitPerSec: this.plan.upBitPerSec, plannedDownBitPerSec: this.plan.downBitPerSec },
      ...{ up: direction('up'), down: direction('down') },
    });
  }

  /** Sets the rates that the device was set up with, and no longer follows it. */
  async end(): Promise<void> {
    try {
      await this.#changing;
      if (this.#options.dryRun || !(await this.isCurrent())) return;
      await this.#meter.follow({
        ...NO_OTHER_RATE,
        forgetBeforeNs: this.#forgetBeforeNs,
      });
      this.#queues = undefined;
      // Whoever works on the device at this moment is waited for.
      await withLock(this.plan.device, () => this.#changeLocked(ratesOfPlan(this.plan)));
      await removeFollowing(this.plan.device);
    } finally {
      this.close();
    }
  }

  /** The rates set last stay in force. */
  close(): void {
    this.#closed = true;
    this.#pings?.close();
    this.#meter.close();
    this.#counters.close();
    this.#tc.close();
  }
}

const decided = ({ downBitPerSec, upBitPerSec, why }: Decision) => ({
  decided: { downBitPerSec, upBitPerSec, why },
});

function differs(from: number | undefined, to: number, share: number): boolean {
  return from === undefined || Math.abs(from - to) > share * Math.min(from, to);
}

/** `3 to 20 Mbit/s`, for people. */
export function limitsText({ limits }: FollowPlan): string {
  const range = ({ leastBitPerSec, mostBitPerSec }: FollowPlan['limits']['up']): string =>
    leastBitPerSec === mostBitPerSec
      ? `${formatRate(mostBitPerSec)}, fixed`
      : `${formatRate(leastBitPerSec)} to ${formatRate(mostBitPerSec)}`;
  return `down ${range(limits.down)}; up ${range(limits.up)}`;
}
