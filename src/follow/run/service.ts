/** The service: all devices that are set up with limits are followed, for as long as it runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../core/errors.ts';
import { BUCKET_MS } from '../../plan/pacing/arrivals.ts';
import { findLink } from '../../system/link/link.ts';
import { isFollowed, readFollowing } from '../../system/record/following.ts';
import { readState, recordedDevices, recordIdentity } from '../../system/record/state.ts';
import { Follower, limitsText, type FollowerOptions } from './follower.ts';

export interface ServiceOptions extends FollowerOptions {
  /** Only this one; undefined: all. */
  device: string | undefined;
  /** Ends the service. */
  signal: AbortSignal;
  /** Called once devices are looked at. */
  ready: () => Promise<void>;
}

/** Devices are set up, cleared and come back: looked for once a second. */
const LOOK_EVERY_MS = 1000;
/** Whether a load begins on an idle line is looked for once in so many. */
const IDLE_BUCKETS = 2;
/** After the end of a bucket, so that it is whole. */
const AFTER_BUCKET_MS = 2;

/** Returns whether all rates that were set up are in force again at its end. */
export async function serve(options: ServiceOptions): Promise<boolean> {
  const service = new Service(options);
  try {
    await service.look();
    await options.ready();
    while (!options.signal.aborted) await service.turn();
    return await service.end();
  } finally {
    // Whatever went wrong: nothing of it is left running.
    service.close();
  }
}

class Service {
  readonly #options: ServiceOptions;
  readonly #followers = new Map<string, Follower>();
  /** Records that nothing can be done about; told once. */
  readonly #refused = new Map<string, string>();
  /** What was told of which record: what fails again each second is told once. */
  readonly #told = new Map<string, { identity: string; texts: Set<string> }>();
  #lookedMs = 0;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  async turn(): Promise<void> {
    // The clock of the program's buckets.
    const now = Number(process.hrtime.bigint()) / 1e6;
    const followers = [...this.#followers.values()];
    const buckets = followers.every(({ isIdle }) => isIdle) ? IDLE_BUCKETS : 1;
    const untilMs =
      followers.length === 0 ? LOOK_EVERY_MS : buckets * BUCKET_MS - (now % BUCKET_MS) + AFTER_BUCKET_MS;
    await sleep(untilMs, undefined, { signal: this.#options.signal }).catch(() => undefined);
    if (this.#options.signal.aborted) return;
    for (const follower of this.#followers.values()) await this.#tick(follower);
    if (performance.now() - this.#lookedMs >= LOOK_EVERY_MS) await this.look();
  }

  async #tick(follower: Follower): Promise<void> {
    try {
      if (follower.canWait()) return;
      if (await follower.isCurrent()) await follower.tick();
      else {
        this.#leave(follower, 'it is being changed');
        this.#lookedMs = 0;
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#leave(follower, error.message);
    }
  }

  #leave(follower: Follower, why: string): void {
    const { device } = follower.plan;
    follower.close();
    this.#followers.delete(device);
    this.#tell(device, follower.identity, `no longer followed: ${why}`);
  }

  #tell(device: string, identity: string, text: string): void {
    const before = this.#told.get(device);
    const told = before?.identity === identity ? before : { identity, texts: new Set<string>() };
    this.#told.set(device, told);
    if (!told.texts.has(text)) this.#options.tell(`${device}: ${text}`);
    told.texts.add(text);
  }

  /** Follows what is to be followed and is not yet. */
  async look(): Promise<void> {
    this.#lookedMs = performance.now();
    const { device: only } = this.#options;
    const recorded = await recordedDevices();
    if (only !== undefined && !recorded.includes(only)) this.#tell(only, '', 'waits: it is not set up');
    for (const device of recorded) {
      if (this.#followers.has(device) || (only !== undefined && device !== only)) continue;
      const identity = await recordIdentity(device);
      if (identity === undefined || this.#refused.get(device) === identity) continue;
      const refusal = await this.#follow(device, identity);
      if (refusal === undefined) continue;
      this.#refused.set(device, identity);
      if (refusal !== '') this.#tell(device, identity, `not followed: ${refusal}`);
      else if (device === only)
        this.#tell(device, identity, 'not followed: it is set up without limits, --down-min');
    }
  }

  /** Undefined: it is followed, or may be in a moment; empty: nobody wants it to be. */
  async #follow(device: string, identity: string): Promise<string | undefined> {
    const reading = await readState(device);
    if (reading.kind !== 'state' || reading.state.phase !== 'active') return undefined;
    const { plan } = reading.state;
    if (plan.follows === undefined) return '';
    if (plan.pacing === undefined) return 'there is no window pacing here, which sees what the line carries';
    if ((await findLink(device))?.ifindex !== plan.link.ifindex) return undefined;
    const before = await readFollowing(device);
    if (
      before !== undefined &&
      before.pid !== process.pid &&
      !this.#options.dryRun &&
      (await isFollowed(before))
    ) {
      // It may end before this one.
      this.#tell(device, identity, `not followed: process ${before.pid} follows it already`);
      return undefined;
    }
    if ((await recordIdentity(device)) !== identity) return undefined;
    try {
      this.#followers.set(device, await Follower.begin(plan, identity, this.#options));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#tell(device, identity, `not followed: ${error.message}`);
      return undefined;
    }
    this.#tell(device, identity, `followed: ${limitsText(plan.follows)}`);
    return undefined;
  }

  async end(): Promise<boolean> {
    let allBack = true;
    for (const follower of this.#followers.values()) {
      try {
        await follower.end();
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        this.#options.tell(
          `${follower.plan.device}: the rates that were set up are not in force: ${error.message}`,
        );
        allBack = false;
      }
    }
    return allBack;
  }

  close(): void {
    for (const follower of this.#followers.values()) follower.close();
  }
}
