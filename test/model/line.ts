/**
 * A model of a loaded line in virtual time, for the parts of searchbw that are pure or have their effects
 * injected. The real line is tested in the lab; this one makes thousands of lines in seconds.
 *
 * One direction is loaded by TCP that fills whatever the shaper lets through. The far queue is a fluid: it grows
 * by what arrives above the raw rate, up to the modem's buffer, and drains at what is left of it. On top of it
 * comes the standing queue of a busy line, which grows without bound towards the raw rate (M/D/1 form).
 */
import type { Clock } from '../../src/line/clock.ts';
import type { LineControl, LineRates } from '../../src/line/control/line.ts';
import type { Direction, PingSample } from '../../src/line/samples/measurement.ts';
import type { Pinger } from '../../src/line/ping/pinger.ts';

export interface ModelLine {
  direction: Direction;
  /** True raw rate of the loaded direction, bit/s. */
  rawBitPerSec: number;
  atm: boolean;
  overheadBytes: number;
  bufferMs: number;
  baseRttMs: number;
  /** Spread of the answer times, ms (exponential). */
  jitterMs: number;
  /** Standard deviation of the arriving rate from second to second, as a share. */
  rateNoise: number;
  /** Share of the setting that the load reaches. */
  fill: number;
  /** The most the load can do, bit/s raw; infinite for a good load. */
  loadLimitBitPerSec: number;
  /** Lost pings as a share, apart from the line's own. */
  pingLossShare: number;
  seed: number;
  /** Pings that are lost whatever the line does. */
  pingLoss?: (nowMs: number) => boolean;
  /** What window pacing makes of the line: a share of the setting that arrives, and ms of queue; absent: impossible. */
  pacing?: { fill: number; queueMs: number; loweredShare?: number };
  /** What is different from some time on: a collapse, a second user. */
  disturbance?: (nowMs: number) => { loadFactor?: number; otherBitPerSec?: number };
}

export const ADSL: ModelLine = {
  direction: 'down',
  rawBitPerSec: 1_750_000,
  atm: true,
  overheadBytes: 40,
  bufferMs: 1000,
  baseRttMs: 14,
  jitterMs: 2,
  rateNoise: 0.01,
  fill: 0.97,
  loadLimitBitPerSec: Number.POSITIVE_INFINITY,
  pingLossShare: 0,
  seed: 1,
};

const MTU_BYTES = 1492;
const TICK_MS = 20;

export interface Model {
  line: LineControl;
  pinger: Pinger;
  clock: Clock;
  /** Every call on the line, in order. */
  calls: string[];
  rates: () => LineRates | 'as before';
}

/** A linear congruential generator (Numerical Recipes): repeatable noise. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
}

export function makeModel(options: ModelLine): Model {
  const random = generator(options.seed);
  let nowMs = 0;
  let queueMs = 0;
  let begunPackets = 0;
  let noise = 0;
  let arrivingBitPerSec = 0;
  let rates: LineRates | 'as before' = 'as before';
  let paced: ModelLine['pacing'];
  const counters = { rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 };
  const calls: string[] = [];
  const wireBytes = (bytes: number): number =>
    options.atm ? Math.ceil((bytes + options.overheadBytes) / 48) * 53 : bytes + options.overheadBytes;

  const tick = (): void => {
    const { loadFactor = 1, otherBitPerSec = 0 } = options.disturbance?.(nowMs) ?? {};
    const shaped =
      rates === 'as before' ? null : options.direction === 'down' ? rates.downBitPerSec : rates.upBitPerSec;
    noise = 0.95 * noise + 0.31 * (random() + random() + random() - 1.5) * 2 * options.rateNoise;
    // Without a shaper TCP pushes until the modem's buffer overflows, and then hovers just below that.
    const pushed =
      shaped === null
        ? options.rawBitPerSec * (queueMs < 0.85 * options.bufferMs ? 1.5 : 1)
        : shaped * (paced?.fill ?? options.fill) * (1 + noise);
    arrivingBitPerSec = Math.min(pushed, options.loadLimitBitPerSec) * loadFactor;
    const carried = queueMs > 1 ? options.rawBitPerSec : Math.min(options.rawBitPerSec, arrivingBitPerSec);
    queueMs += ((arrivingBitPerSec - options.rawBitPerSec) / options.rawBitPerSec) * TICK_MS;
    queueMs = Math.min(options.bufferMs, Math.max(0, queueMs));
    begunPackets += (carried * TICK_MS) / 8000 / wireBytes(MTU_BYTES);
    // A device counts whole packets: at 150 kbit/s there are twelve of them in a second.
    const packets = Math.floor(begunPackets);
    begunPackets -= packets;
    const data = { bytes: packets * MTU_BYTES, packets };
    const acks = { bytes: (packets / 2) * 52, packets: packets / 2 };
    const otherPackets = (otherBitPerSec * TICK_MS) / 8000 / MTU_BYTES;
    const other = { bytes: acks.bytes + otherPackets * MTU_BYTES, packets: acks.packets + otherPackets };
    const [rx, tx] = options.direction === 'down' ? [data, other] : [other, data];
    counters.rxBytes += rx.bytes;
    counters.rxPackets += rx.packets;
    counters.txBytes += tx.bytes;
    counters.txPackets += tx.packets;
    nowMs += TICK_MS;
  };
  const advanceTo = (ms: number): void => {
    while (nowMs < ms) tick();
  };
  const answerMs = (): number | null => {
    if (random() < options.pingLossShare || options.pingLoss?.(nowMs) === true) return null;
    const packetMs = (wireBytes(MTU_BYTES) * 8000) / options.rawBitPerSec;
    const load = Math.min(0.995, arrivingBitPerSec / options.rawBitPerSec);
    // Policed packets arrive as their senders please; those that the shaper sends come one after the other.
    const waitingMs = options.direction === 'up' ? 0 : (packetMs * load) / (2 * (1 - load));
    const standingMs = queueMs > 0 ? packetMs : (paced?.queueMs ?? waitingMs);
    const jitter = -Math.log(random()) * options.jitterMs;
    return options.baseRttMs + queueMs + Math.min(standingMs, options.bufferMs) * (0.5 + random()) + jitter;
  };

  const clock: Clock = {
    nowMs: () => nowMs,
    sleep(ms, signal) {
      signal.throwIfAborted();
      advanceTo(nowMs + ms);
      return Promise.resolve();
    },
  };
  const pinger: Pinger = {
    series({ count, intervalMs, signal }) {
      const samples: PingSample[] = [];
      let lastAnswerMs = nowMs;
      const startMs = nowMs;
      for (let index = 0; index < count; index++) {
        advanceTo(startMs + index * intervalMs);
        signal.throwIfAborted();
        const rttMs = answerMs();
        samples.push({ atMs: nowMs, rttMs });
        lastAnswerMs = Math.max(lastAnswerMs, nowMs + (rttMs ?? 5000));
      }
      advanceTo(lastAnswerMs);
      return Promise.resolve(samples);
    },
  };
  const line: LineControl = {
    describe: () => ({
      device: 'ppp0',
      kind: 'ppp',
      framing: options.atm ? 'atm, overhead 40' : 'ethernet, overhead 22',
      mtuBytes: MTU_BYTES,
      kernel: 'model',
      versions: {},
    }),
    framingOptions: () => '',
    hadShaper: () => true,
    isThere: () => Promise.resolve(true),
    wireBytes,
    prepare() {
      calls.push('prepare');
      return Promise.resolve();
    },
    setRates(next) {
      calls.push('setRates');
      rates = next;
      return Promise.resolve();
    },
    readCounters: () => Promise.resolve({ ...counters, atMs: nowMs }),
    setPacing(wanted, next) {
      calls.push(wanted ? 'pacing on' : 'pacing off');
      if (wanted && options.pacing === undefined) return Promise.resolve('no window pacing here: model');
      paced = wanted ? options.pacing : undefined;
      rates = next;
      return Promise.resolve(undefined);
    },
    readLoweredWindows: () => Promise.resolve(Math.round(counters.txPackets * (paced?.loweredShare ?? 0.9))),
    restore() {
      calls.push('restore');
      rates = 'as before';
      return Promise.resolve();
    },
  };
  return { line, pinger, clock, calls, rates: () => rates };
}
