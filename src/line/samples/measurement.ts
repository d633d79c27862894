/** One measurement at one bandwidth: what was seen, and the figures that follow from it. Pure. */
import { mean, standardError, summarize, trend, type Summary } from './statistics.ts';

export type Direction = 'down' | 'up';

export interface PingSample {
  /** When it was sent, in ms since the measurement run began. */
  atMs: number;
  /** Null: no answer. */
  rttMs: number | null;
}

/** What the counters grew by between two readings. */
export interface ByteWindow {
  durationMs: number;
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
}

export interface Measurement {
  /** The shaper's rate in the direction under test; null: unshaped. */
  rateBitPerSec: number | null;
  atMs: number;
  settleMs: number;
  /** False: the queue had not come to rest when the time limit for that ran out. */
  settled: boolean;
  /** The fastest answer, those while settling included: nearest to the path without any queue. */
  fastestMs: number | null;
  samples: readonly PingSample[];
  windows: readonly ByteWindow[];
}

/** What the judge needs to know of the line and of what was asked for. */
export interface LineFacts {
  direction: Direction;
  mtuBytes: number;
  wireBytes: (packetBytes: number) => number;
}

export interface Figures {
  durationMs: number;
  sent: number;
  lost: number;
  /** Lost share of the pings, 0 to 1. */
  lossShare: number;
  /** Answer times in ms; null if nothing was answered. */
  rtt: Summary | null;
  /** Standard error of the average answer time, ms; null with fewer than two answers. */
  rttErrorMs: number | null;
  /** By how much the answer time rose over the measurement (ms), and how sure that is (standard errors). */
  rttRise: { riseMs: number; sigmas: number };
  /** User data as the device counts it (IP packets), bit/s. */
  downBitPerSec: number;
  upBitPerSec: number;
  /** The same in the direction under test, with framing: what the raw line carried, bit/s. */
  rawBitPerSec: number;
  /** The other direction with framing, bit/s. */
  otherRawBitPerSec: number;
  /** The other direction without its acknowledgements: what somebody else sends there, bit/s. */
  otherDataBitPerSec: number;
  /** Slowest and median window of the direction under test, bit/s of user data. */
  slowestWindowBitPerSec: number;
  medianWindowBitPerSec: number;
  /** Standard error of the direction under test, as a share of its rate: a slow line carries few packets a second. */
  rateErrorShare: number;
}

/** A pure acknowledgement with time stamps and SACK blocks over IPv6 has at most this length. */
const ACK_BYTES = 100;
/** A pure acknowledgement over IPv4 with time stamps, the most frequent kind. */
const SMALL_PACKET_BYTES = 52;

/** The figures of a measurement. */
export function figuresOf(measurement: Measurement, facts: LineFacts): Figures {
  const answered = measurement.samples.flatMap((sample) => (sample.rttMs === null ? [] : [sample.rttMs]));
  const sent = measurement.samples.length;
  const total = addWindows(measurement.windows);
  const rates = (window: ByteWindow): { down: number; up: number } => ({
    down: perSecond(window.rxBytes * 8, window.durationMs),
    up: perSecond(window.txBytes * 8, window.durationMs),
  });
  const { down, up } = rates(total);
  const loadedIsDown = facts.direction === 'down';
  const rx = { bytes: total.rxBytes, packets: total.rxPackets };
  const tx = { bytes: total.txBytes, packets: total.txPackets };
  const loaded = loadedIsDown ? rx : tx;
  const other = loadedIsDown ? tx : rx;
  const windowRates = measurement.windows.map((window) =>
    loadedIsDown ? rates(window).down : rates(window).up,
  );
  const windowSummary = summarize(windowRates);
  const rise = trend(
    measurement.samples.flatMap(({ atMs, rttMs }) => (rttMs === null ? [] : [{ x: atMs, y: rttMs }])),
  );
  return {
    durationMs: total.durationMs,
    sent,
    lost: sent - answered.length,
    lossShare: sent === 0 ? 0 : (sent - answered.length) / sent,
    rtt: summarize(answered) ?? null,
    rttErrorMs: answered.length < 2 ? null : standardError(answered),
    rttRise: { riseMs: rise.rise, sigmas: rise.sigmas },
    downBitPerSec: down,
    upBitPerSec: up,
    rawBitPerSec: perSecond(rawBytes(loaded, facts) * 8, total.durationMs),
    otherRawBitPerSec: perSecond(rawBytes(other, facts) * 8, total.durationMs),
    otherDataBitPerSec: perSecond(Math.max(0, other.bytes - other.packets * ACK_BYTES) * 8, total.durationMs),
    slowestWindowBitPerSec: windowSummary?.min ?? 0,
    medianWindowBitPerSec: windowSummary?.median ?? 0,
    rateErrorShare: rateErrorShare(windowRates, loaded.packets),
  };
}

/**
 * Bytes on the wire of so many packets. Their sizes are not known, only their sum; on a loaded line they are
 * nearly all full or nearly empty, so they are taken as a mix of those two with the same sum.
 */
function rawBytes(traffic: { bytes: number; packets: number }, facts: LineFacts): number {
  const { bytes, packets } = traffic;
  if (packets <= 0) return 0;
  const average = bytes / packets;
  // Counters of a device with receive offload count merged packets: larger ones than the line ever carried.
  if (average >= facts.mtuBytes) return (bytes / facts.mtuBytes) * facts.wireBytes(facts.mtuBytes);
  if (average <= SMALL_PACKET_BYTES) return packets * facts.wireBytes(Math.ceil(average));
  const fullShare = (average - SMALL_PACKET_BYTES) / (facts.mtuBytes - SMALL_PACKET_BYTES);
  return (
    packets *
    (fullShare * facts.wireBytes(facts.mtuBytes) + (1 - fullShare) * facts.wireBytes(SMALL_PACKET_BYTES))
  );
}

/** Of a count between two moments that fall anywhere between two packets (difference of two uniform values). */
const COUNT_ERROR_PACKETS = Math.sqrt(1 / 6);

/** From how the windows differ, and never less than what counting whole packets costs. */
function rateErrorShare(windowRates: readonly number[], packets: number): number {
  if (packets <= 0) return 0;
  const ofWindows = windowRates.length < 2 ? 0 : standardError(windowRates) / mean(windowRates);
  return Math.max(ofWindows, COUNT_ERROR_PACKETS / packets);
}

export function addWindows(windows: readonly ByteWindow[]): ByteWindow {
  const sum = { durationMs: 0, rxBytes: 0, txBytes: 0, rxPackets: 0, txPackets: 0 };
  for (const window of windows) {
    sum.durationMs += window.durationMs;
    sum.rxBytes += window.rxBytes;
    sum.txBytes += window.txBytes;
    sum.rxPackets += window.rxPackets;
    sum.txPackets += window.txPackets;
  }
  return sum;
}

function perSecond(amount: number, durationMs: number): number {
  return durationMs <= 0 ? 0 : (amount * 1000) / durationMs;
}

/** The average of the answers, in ms; undefined if there was none. */
export function averageRtt(samples: readonly PingSample[]): number | undefined {
  const answered = samples.flatMap(({ rttMs }) => (rttMs === null ? [] : [rttMs]));
  return answered.length === 0 ? undefined : mean(answered);
}
