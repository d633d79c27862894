/** Bursts, quanta and codel parameters from the rate and the longest packet. Pure arithmetic, one place. */
import type { QdiscSpec } from '../../tc/objects.ts';
import { framedBytes, serialisationMs, type Framing } from '../input/framing.ts';

/** HTB warns below 1000 and above 200000 bytes (net/sched/sch_htb.c). */
const MIN_HTB_QUANTUM_BYTES = 1000;
const MAX_HTB_QUANTUM_BYTES = 200_000;

/** Bytes that `rateBitPerSec` carries in `ms`, rounded up. */
export function bytesIn(rateBitPerSec: number, ms: number): number {
  return Math.ceil((rateBitPerSec * ms) / 8000);
}

/**
 * tc turns a burst into ticks of 64 ns at the rate and rounds down (tc_core.c): a bucket of exactly one
 * packet would come out a byte too small, and no full packet would ever conform. Seen on a real kernel.
 */
function roundingBytes(rateBitPerSec: number): number {
  return Math.ceil((rateBitPerSec * 64e-9) / 8) + 1;
}

/**
 * Size of a policer's bucket: `wantedBytes`, but at least two of the longest packets as the line sees them.
 * One is needed for a full packet to conform at all. With less than two, a bucket that just misses a packet
 * overflows before the next one comes, and the rate is not reached: 950 instead of 1343 kbit/s were measured
 * with 1.3 packets on the 1750 kbit/s line.
 */
export function policeBurstBytes(
  framing: Framing,
  rateBitPerSec: number,
  mtuBytes: number,
  wantedBytes: number,
): number {
  return Math.max(wantedBytes, 2 * framedBytes(framing, mtuBytes)) + roundingBytes(rateBitPerSec);
}

/**
 * HTB burst: 1 ms of the rate, so that a 10 Gbit/s class is not bound to the timer's resolution, and never
 * less than one packet as the line sees it, or that packet could never be sent at full rate.
 */
export function htbBurstBytes(framing: Framing, rateBitPerSec: number, mtuBytes: number): number {
  return Math.max(bytesIn(rateBitPerSec, 1), framedBytes(framing, mtuBytes)) + roundingBytes(rateBitPerSec);
}

/** HTB quantum: one packet on slow links, 1 ms of the rate on fast ones, within what the kernel accepts. */
export function htbQuantumBytes(framing: Framing, rateBitPerSec: number, mtuBytes: number): number {
  const wanted = Math.max(bytesIn(rateBitPerSec, 1), framedBytes(framing, mtuBytes));
  return Math.min(Math.max(wanted, MIN_HTB_QUANTUM_BYTES), MAX_HTB_QUANTUM_BYTES);
}

/** cake's interval for a target of codel's: its target is a twentieth of the interval (tc-cake(8), `rtt`). */
export function cakeRttUs(targetUs: number): number {
  return 20 * targetUs;
}

/** What a full packet takes of memory at most: cake counts what the driver has allocated, often a page for each. */
const PACKET_MEMORY_BYTES = 4096;

export function cakeMemoryBytes(packets: number): number {
  return packets * PACKET_MEMORY_BYTES;
}

export type FqCodelParameters = Omit<Extract<QdiscSpec, { kind: 'fq_codel' }>, 'kind'>;

/** RFC 8289's default target and interval. */
const CODEL_TARGET_MS = 5;
const CODEL_INTERVAL_MS = 100;

/**
 * fq_codel for a class that gets at least `rateBitPerSec`.
 * - target: 5 ms, but at least 1.5 packets: below that codel would drop the only packet that waits.
 * - interval: 100 ms and what the target grew by.
 * - quantum 300 below 100 Mbit/s lets small packets of new flows pass between large ones.
 * - limit: what the class sends in one second, at least 64 packets: TCP must find room to grow, memory
 *   must stay small.
 */
export function fqCodelParameters(
  framing: Framing,
  rateBitPerSec: number,
  mtuBytes: number,
): FqCodelParameters {
  const targetMs = Math.max(CODEL_TARGET_MS, 1.5 * serialisationMs(framing, mtuBytes, rateBitPerSec));
  const packetsPerSec = rateBitPerSec / 8 / framedBytes(framing, mtuBytes);
  return {
    limitPackets: Math.round(Math.min(Math.max(packetsPerSec, 64), 10_240)),
    flows: 1024,
    quantumBytes: rateBitPerSec < 100e6 ? 300 : mtuBytes + 14,
    targetUs: Math.round(targetMs * 1000),
    intervalUs: Math.round((CODEL_INTERVAL_MS + targetMs - CODEL_TARGET_MS) * 1000),
    ecn: true,
  };
}
