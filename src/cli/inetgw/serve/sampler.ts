/** Readings of all devices for whoever looks: once a second while somebody does, else now and then, for the history alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { conditionsOf } from '../../../conditions/find.ts';
import { CONDITIONS } from '../../../conditions/table.ts';
import { UserError } from '../../../core/errors.ts';
import { AnswerSpan } from '../../../report/watch/answerSpan.ts';
import { figuresOf, type WatchReading } from '../../../report/watch/figures.ts';
import { pausedReading, type Paused } from '../../../system/record/paused.ts';
import { recordedDevices } from '../../../system/record/state.ts';
import type { DeviceSnapshot } from '../../../web/feed/snapshot.ts';
import type { Changer } from '../../../web/source/changer.ts';
import type { Listener } from '../../../web/source/listener.ts';
import { HopPings } from '../watch/hopPings.ts';
import type { HostNamer } from '../watch/hostNamer.ts';
import { WatchReader } from '../watch/reader.ts';

const WATCHED_EVERY_MS = 1000;
/** For the history alone: a sample costs programs, one or more a device (docs/monitoring.md, What it costs). */
const IDLE_EVERY_MS = 15_000;
/** With each fourth of them. History has counters alone: what was taken away is found when somebody asks. */
const IDLE_WHOLE_EVERY_MS = 55_000;

interface Sampled {
  reader: WatchReader;
  before: WatchReading | undefined;
  answers: AnswerSpan;
  /** Undefined: nobody looks, or none is to be sent. */
  pings: HopPings | undefined;
}

interface SamplerOptions {
  /** Undefined: all devices that are set up. */
  only: string | undefined;
  names: HostNamer;
  /** So many hosts have series of their own. */
  perHost: number;
  /** One a second to the next hop, while somebody looks. */
  sendsPings: boolean;
  /** Undefined: nothing can be changed. */
  changer: Changer | undefined;
}

export class Sampler {
  readonly #listener: Listener;
  readonly #options: SamplerOptions;
  readonly #devices = new Map<string, Sampled>();

  constructor(listener: Listener, options: SamplerOptions) {
    this.#listener = listener;
    this.#options = options;
  }

  /** Until it is told to end. */
  async run(signal: AbortSignal): Promise<void> {
    let wake = new AbortController();
    this.#listener.onWatched = () => {
      wake.abort();
    };
    let isAsked = true;
    while (!signal.aborted) {
      const beganMs = performance.now();
      wake = new AbortController();
      const devices = await this.#sample(isAsked);
      // It answers whoever has asked meanwhile; after one for history alone, another follows at once.
      if (isAsked) wake = new AbortController();
      await this.#listener.show({
        kind: 'snapshot',
        atMs: Date.now(),
        devices,
        perHost: this.#options.perHost,
        ...(isAsked ? {} : { isForHistory: true }),
      });
      // The last who looked may have left while it was read.
      if (!this.#listener.isWatched) for (const known of this.#devices.values()) endPings(known);
      const everyMs = this.#listener.isWatched ? WATCHED_EVERY_MS : IDLE_EVERY_MS;
      const restMs = Math.max(0, everyMs - (performance.now() - beganMs));
      await sleep(restMs, undefined, { signal: AbortSignal.any([signal, wake.signal]) }).catch(
        () => undefined,
      );
      isAsked = this.#listener.isWatched || wake.signal.aborted;
    }
    for (const device of [...this.#devices.keys()]) this.#forget(device);
  }

  /** @param isAsked somebody will see all of it now */
  async #sample(isAsked: boolean): Promise<DeviceSnapshot[]> {
    const { only } = this.#options;
    const recorded = await recordedDevices();
    const wanted = recorded.filter((device) => only === undefined || device === only);
    for (const device of this.#devices.keys()) if (!wanted.includes(device)) this.#forget(device);
    const snapshots: DeviceSnapshot[] = [];
    // One after the other: a gateway has better to do than many programs at once.
    for (const device of wanted) snapshots.push(await this.#snapshotOf(device, isAsked));
    const paused = this.#options.changer?.paused() ?? [];
    return [...snapshots, ...paused.filter(({ device }) => !wanted.includes(device)).map(pausedSnapshot)];
  }

  #forget(device: string): void {
    const known = this.#devices.get(device);
    if (known !== undefined) endPings(known);
    this.#devices.delete(device);
  }

  async #snapshotOf(device: string, isAsked: boolean): Promise<DeviceSnapshot> {
    const known = this.#devices.get(device) ?? {
      reader: new WatchReader(device, true),
      before: undefined,
      answers: new AnswerSpan(),
      pings: undefined,
    };
    this.#devices.set(device, known);
    // Also where reading fails: nobody may be looking any longer.
    const ping = this.#pingsOf(device, known)?.read();
    try {
      const read = known.reader.read(isAsked ? undefined : IDLE_WHOLE_EVERY_MS);
      const now = { ...(await read), ping };
      const figures = await this.#options.names.name(figuresOf(known.before, now, known.answers.take(now)));
      known.before = now;
      const { phase, conditions, statistics, isWhole } = now;
      return { device, figures, reading: { phase, conditions, statistics, isWhole } };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      known.before = undefined;
      return { device, error: error.message };
    }
  }

  #pingsOf(device: string, known: Sampled): HopPings | undefined {
    const wanted = this.#options.sendsPings && this.#listener.isWatched;
    if (wanted) known.pings ??= new HopPings(device);
    else endPings(known);
    return known.pings;
  }
}

function endPings(known: Sampled): void {
  known.pings?.close();
  known.pings = undefined;
}

/** Nothing is read of it: the pause is all that there is to tell. */
function pausedSnapshot(paused: Paused): DeviceSnapshot {
  const { device, sinceMs, untilMs, upBitPerSec, downBitPerSec } = paused;
  const readings = { device, link: undefined, record: undefined, paused: pausedReading(paused, Date.now()) };
  const conditions = conditionsOf(readings, CONDITIONS);
  return {
    device,
    reading: { phase: undefined, conditions, statistics: undefined, isWhole: false },
    paused: { sinceMs, untilMs, upBitPerSec, downBitPerSec },
  };
}
