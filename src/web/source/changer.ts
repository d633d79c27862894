/**
 * The privileged side of changes: it alone knows the token, checks all that it is told anew, and has the change made by the command
 * itself, `inetgw DEV UP DOWN` or `inetgw DEV clear`, as a child: so it is the same code under the same lock, with the same
 * checks and messages, and whatever happens to it, this service goes on.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { deviceNameProblem } from '../../core/deviceNames.ts';
import { EXIT, UserError } from '../../core/errors.ts';
import { formatRate } from '../../core/units.ts';
import { readState, recordedDevices, type DeviceState } from '../../system/record/state.ts';
import { withLock } from '../../system/record/lock.ts';
import {
  begunPauses,
  isPauseBegun,
  isPauseGone,
  pausedDevices,
  removePaused,
  writePaused,
  type Paused,
} from '../../system/record/paused.ts';
import { Attempts } from '../feed/attempts.ts';
import { parseChange, type Change } from '../feed/change.ts';
import type { ChangedLine, ChangeLine } from '../feed/snapshot.ts';
import {
  busyWith,
  clearCommand,
  clearForPauseCommand,
  refusalOfSetUp,
  runCommand,
  setUpCommand,
  type SetUp,
} from './command.ts';

export interface ChangerOptions {
  token: string;
  /** The one device that is served; undefined: all. */
  only: string | undefined;
  /** A line of the log: who, what, and what came of it. */
  log: (text: string) => void;
}

type Outcome = Pick<ChangedLine, 'status' | 'message' | 'warnings'>;

/** Whether a pause is over, or somebody else has ended it. */
const LOOK_EVERY_MS = 1000;
/** A device that is not there, as of a line that is down, may be back then. */
const AGAIN_AFTER_MS = 30_000;

const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

export class Changer {
  readonly #token: Buffer;
  readonly #options: ChangerOptions;
  readonly #attempts = new Attempts();
  readonly #paused = new Map<string, Paused>();
  /** What a service that was killed had begun: not settled yet. */
  readonly #begun = new Map<string, Paused>();
  /** Why a device could not be resumed, and when it is tried again. */
  readonly #failed = new Map<string, { why: string; againMs: number }>();
  /** One is made at a time. */
  #making: Promise<unknown> | undefined;
  /** A change waits for its end: mostly it is over at once. */
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closing = false;

  private constructor(options: ChangerOptions) {
    this.#options = options;
    this.#token = digestOf(options.token);
  }

  /** Takes up what was paused when it ended last; what was begun then is settled after `begin`. */
  static async open(options: ChangerOptions): Promise<Changer> {
    const changer = new Changer(options);
    for (const each of await pausedDevices())
      if (isServed(each, options)) changer.#paused.set(each.device, each);
    for (const each of await begunPauses())
      if (isServed(each, options)) changer.#begun.set(each.device, each);
    return changer;
  }

  /** From now on pauses end when their time is over. */
  begin(): void {
    this.#timer = setInterval(() => {
      // Of a slow one there is one; a change is not disturbed.
      if (
        this.#paused.size + this.#begun.size === 0 ||
        this.#making !== undefined ||
        this.#looking !== undefined
      )
        return;
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, LOOK_EVERY_MS);
  }

  /** As the page is told of it. */
  paused(): Paused[] {
    return [...this.#paused.values()];
  }

  /** The answer to what the process that listens was asked; nothing in it is believed. */
  async answer(line: ChangeLine): Promise<ChangedLine> {
    const refused = this.#refusedToken(line);
    const outcome = refused ?? (await this.#loggedOutcome(line));
    return { kind: 'changed', id: line.id, ...outcome };
  }

  /** Puts back what is paused. False: some of it could not be. */
  async close(): Promise<boolean> {
    this.#closing = true;
    clearInterval(this.#timer);
    await this.#looking;
    await this.#making;
    let allBack = true;
    for (const device of [...this.#paused.keys()]) {
      const isBack = await this.#alone(() => this.#putBack(device)).catch((error: unknown) => {
        if (!(error instanceof UserError)) throw error;
        this.#options.log(`${device}: ${error.message}`);
        return false;
      });
      allBack &&= isBack;
    }
    return allBack;
  }

  async #putBack(device: string): Promise<boolean> {
    // What somebody else has made of it meanwhile stays.
    if (!(await this.#isStillPaused(device))) return true;
    const { status, message } = await this.#resume(device, 'it ends with the service');
    this.#options.log(`${device}: ${message}`);
    return status === 200;
  }

  #refusedToken({ from, token }: ChangeLine): Omit<ChangedLine, 'kind' | 'id'> | undefined {
    const nowMs = performance.now();
    const waitMs = this.#attempts.waitMs(from, nowMs);
    const afterSec = Math.ceil(waitMs / 1000);
    if (waitMs > 0)
      return {
        status: 429,
        message: `too many wrong tokens: wait ${afterSec} s`,
        afterSec,
      };
    // Of equal length, and telling nothing of what was right by how long it takes.
    if (timingSafeEqual(digestOf(token), this.#token)) return undefined;
    const isTooMany = this.#attempts.wrong(from, nowMs);
    this.#options.log(
      `a change was asked for with a wrong token, by ${from}${isTooMany ? ': too many, it is not heard for a while' : ''}`,
    );
    return { status: 401, message: 'that is not the token for changes' };
  }

  async #loggedOutcome(line: ChangeLine): Promise<Outcome> {
    const change = parseChange(line.word, line.body);
    const outcome: Outcome =
      'problem' in change ? { status: 400, message: change.problem } : await this.#made(line.device, change);
    const { status, message } = outcome;
    const what = `${line.device}: ${'problem' in change ? line.word : wordsOf(change)}, by ${line.from}`;
    this.#options.log(`${what}: ${status === 200 ? 'done' : 'refused'}: ${message}`);
    return outcome;
  }

  async #made(device: string, change: Change): Promise<Outcome> {
    const problem = deviceNameProblem(device) ?? (await this.#unknown(device));
    if (problem !== undefined) return { status: 404, message: problem };
    await this.#looking;
    if (this.#closing) return { status: 409, message: 'the service is ending' };
    if (this.#making !== undefined)
      return { status: 409, message: 'another change is being made at this moment: ask again when it is' };
    return this.#alone(() => this.#make(device, change)).catch((error: unknown): Outcome => {
      if (!(error instanceof UserError)) throw error;
      return { status: 500, message: error.message };
    });
  }

  /** Why there is nothing to change. */
  async #unknown(device: string): Promise<string | undefined> {
    const { only } = this.#options;
    if (only !== undefined && only !== device) return `${device} is not served here: ${only} alone is`;
    const isKnown = this.#paused.has(device) || this.#begun.has(device);
    if (isKnown || (await recordedDevices()).includes(device)) return undefined;
    return `nothing is set up on ${device}: inetgw ${device} UP DOWN sets it up`;
  }

  async #alone<T>(body: () => Promise<T>): Promise<T> {
    const making = body();
    this.#making = making.catch(() => undefined);
    try {
      return await making;
    } finally {
      this.#making = undefined;
    }
  }

  async #make(device: string, change: Change): Promise<Outcome> {
    const busy = await busyWith(device);
    if (busy !== undefined) return { status: 409, message: busy };
    const begun = this.#begun.get(device);
    if (begun !== undefined) await this.#takeUp(begun);
    const isPaused = await this.#isStillPaused(device);
    switch (change.word) {
      case 'rates':
        return this.#setRates(device, change);
      case 'pause':
        return this.#pause(device, change.minutes);
      case 'resume':
        return isPaused
          ? this.#resume(device, 'somebody wants it back')
          : { status: 409, message: `${device} is not paused` };
      case 'clear':
        return this.#clear(device);
    }
  }

  async #setRates(
    device: string,
    { upBitPerSec, downBitPerSec }: Extract<Change, { word: 'rates' }>,
  ): Promise<Outcome> {
    if (this.#paused.has(device)) return { status: 409, message: `${device} is paused: resume it first` };
    const now = await setUpOf(device);
    if ('message' in now) return now;
    const wanted: SetUp = {
      ...now,
      upBitPerSec: upBitPerSec ?? now.upBitPerSec,
      downBitPerSec: downBitPerSec ?? now.downBitPerSec,
    };
    const refusal = refusalOfSetUp(wanted);
    if (refusal !== undefined) return { status: 400, message: refusal };
    return done(device, await runCommand(setUpCommand(wanted)));
  }

  async #pause(device: string, minutes: number | undefined): Promise<Outcome> {
    if (this.#paused.has(device)) return { status: 409, message: `${device} is paused already` };
    const now = await setUpOf(device);
    if ('message' in now) return now;
    const sinceMs = Date.now();
    const paused = { ...now, sinceMs, untilMs: minutes === undefined ? null : sinceMs + minutes * 60_000 };
    // Noted first: killed from here on, the next service knows what is to come back.
    await writePaused({ ...paused, isBegun: true });
    const cleared = await this.#clearForPause(paused);
    if (cleared.status !== 200) return cleared;
    const until = minutes === undefined ? 'until it is resumed' : `for ${minutes} min`;
    return { ...cleared, message: `${device}: paused ${until}: nothing is shaped meanwhile` };
  }

  /** What is noted as begun. */
  async #clearForPause(paused: Paused): Promise<Outcome> {
    const { device } = paused;
    const cleared = await done(device, await runCommand(clearForPauseCommand(device)));
    if (cleared.status === 200) {
      this.#paused.set(device, paused);
      return cleared;
    }
    // What somebody else has made of it meanwhile stays.
    if (!(await isPauseBegun(device)))
      return { status: 409, message: 'not paused: somebody else has set it up or cleared it meanwhile' };
    if (cleared.status === 409) {
      await removePaused(device);
      return cleared;
    }
    // It may be half cleared.
    const back = await done(device, await runCommand(setUpCommand(paused)));
    const message = `not paused: ${cleared.message}; set up again: ${back.message}`;
    if (back.status === 200) return { ...cleared, message };
    const over = { ...paused, untilMs: Date.now() };
    this.#paused.set(device, over);
    await writePaused(over);
    return { ...cleared, message: `${message}; it is tried again` };
  }

  /** Of a service that was killed at it: either all of it is in force, or it is paused as somebody wanted. */
  async #takeUp({ isBegun: _, ...paused }: Paused): Promise<void> {
    const { device } = paused;
    const before = this.#failed.get(device);
    if (before !== undefined && performance.now() < before.againMs) return;
    const what = `${device}: a pause that was begun when the service was killed`;
    try {
      const text = await this.#settle(paused);
      this.#begun.delete(device);
      this.#failed.delete(device);
      this.#options.log(`${what}${text}`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.message !== before?.why) this.#options.log(`${what}: ${error.message}`);
      this.#failed.set(device, { why: error.message, againMs: performance.now() + AGAIN_AFTER_MS });
    }
  }

  /** What came of it. */
  async #settle(paused: Paused): Promise<string> {
    const { device } = paused;
    const isOpen = await withLock(device, async () => {
      const reading = await readState(device);
      const isInForce = reading.kind === 'state' && reading.state.phase === 'active';
      // A clear that waits for the lock now is refused after this.
      if (isInForce) await removePaused(device);
      return isPauseBegun(device);
    });
    if (!isOpen) return ' is not made: it is set up, or was cleared';
    const { status, message } = await this.#clearForPause(paused);
    return `: ${status === 200 ? 'paused' : message}`;
  }

  async #resume(device: string, why: string): Promise<Outcome> {
    const paused = this.#paused.get(device);
    if (paused === undefined) return { status: 409, message: `${device} is not paused` };
    const outcome = await done(device, await runCommand(setUpCommand(paused)));
    if (outcome.status !== 200) return { ...outcome, message: `it stays paused: ${outcome.message}` };
    await this.#forget(device);
    return { ...outcome, message: `resumed, ${why}: ${outcome.message}` };
  }

  async #clear(device: string): Promise<Outcome> {
    const outcome = await done(device, await runCommand(clearCommand(device)));
    if (outcome.status === 200) await this.#forget(device);
    return outcome;
  }

  async #forget(device: string): Promise<void> {
    this.#paused.delete(device);
    this.#begun.delete(device);
    this.#failed.delete(device);
    await removePaused(device);
  }

  /** Resumes what was paused for long enough, and forgets what somebody else has set up or cleared. */
  async #look(): Promise<void> {
    try {
      for (const begun of [...this.#begun.values()]) await this.#takeUp(begun);
      for (const paused of [...this.#paused.values()]) await this.#lookAt(paused);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#options.log(error.message);
    }
  }

  /** Whether a device is paused; a pause that somebody else has ended is forgotten. */
  async #isStillPaused(device: string): Promise<boolean> {
    if (!this.#paused.has(device)) return false;
    const reading = await readState(device);
    // A run is setting it up, or was killed at it: that is not known to hold yet.
    const isChanging = reading.kind === 'state' && reading.state.phase === 'changing';
    const isSetUp = reading.kind !== 'none' && !isChanging;
    if (!isSetUp && !(await isPauseGone(device))) return true;
    await this.#forget(device);
    this.#options.log(`${device}: no longer paused: it was ${isSetUp ? 'set up' : 'cleared'} meanwhile`);
    return false;
  }

  async #lookAt({ device, untilMs }: Paused): Promise<void> {
    if (!(await this.#isStillPaused(device))) return;
    if (untilMs === null || Date.now() < untilMs) return;
    const before = this.#failed.get(device);
    if (before !== undefined && performance.now() < before.againMs) return;
    const { status, message } = await this.#resume(device, 'its time is over');
    if (status === 200 || message !== before?.why) this.#options.log(`${device}: ${message}`);
    if (status !== 200)
      this.#failed.set(device, { why: message, againMs: performance.now() + AGAIN_AFTER_MS });
  }
}

const isServed = ({ device }: Paused, { only }: ChangerOptions): boolean =>
  only === undefined || device === only;

/** What is in force on a device, as it would be said again; an outcome: that is not known. */
async function setUpOf(device: string): Promise<SetUp | Outcome> {
  const reading = await readState(device);
  const state: DeviceState | undefined = reading.kind === 'state' ? reading.state : undefined;
  const why =
    reading.kind === 'unreadable'
      ? reading.why
      : state?.phase !== 'active'
        ? `what is in force on ${device} is not known`
        : state.said === undefined
          ? `${device} was set up by an earlier version, which did not keep what was said`
          : undefined;
  if (state?.said === undefined || why !== undefined)
    return {
      status: 409,
      message: `${why ?? 'nothing is in force'}; set it up once: inetgw ${device} UP DOWN`,
    };
  const { plan, said } = state;
  return { device, upBitPerSec: plan.upBitPerSec, downBitPerSec: plan.downBitPerSec, said };
}

/** What the command said, as an answer. */
async function done(
  device: string,
  { code, said, warnings }: Awaited<ReturnType<typeof runCommand>>,
): Promise<Outcome> {
  if (code === EXIT.ok) return { status: 200, message: said, warnings };
  const message = warnings.join('; ');
  if (code === EXIT.usage || code === EXIT.config) return { status: 400, message };
  // Somebody else may have begun meanwhile.
  return { status: (await busyWith(device)) === undefined ? 500 : 409, message };
}

function wordsOf(change: Change): string {
  if (change.word === 'pause')
    return change.minutes === undefined ? 'pause' : `pause for ${change.minutes} min`;
  if (change.word !== 'rates') return change.word;
  const parts = (['up', 'down'] as const).flatMap((direction) => {
    const rate = change[`${direction}BitPerSec`];
    return rate === undefined ? [] : [`${direction} ${formatRate(rate)}`];
  });
  return `rates ${parts.join(', ')}`;
}
