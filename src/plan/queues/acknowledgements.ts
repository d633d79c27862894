/** What the acknowledgements of downloads need of the uplink. Pure arithmetic. */
import { framedBytes, type Framing } from '../input/framing.ts';
import { EGRESS_CLASSES } from './egressClasses.ts';

/** IPv4 (20 bytes), TCP (20) and its timestamps (12), which nearly all downloads have. */
const ACK_BYTES = 52;
/** Receivers acknowledge every second segment (RFC 9293, 3.8.6.3). */
const SEGMENTS_PER_ACK = 2;

export interface LineRates {
  framing: Framing;
  upBitPerSec: number;
  downBitPerSec: number;
  mtuBytes: number;
}

/** So many bits of downloads are acknowledged by one bit. */
function downPerAck({ framing, mtuBytes }: Pick<LineRates, 'framing' | 'mtuBytes'>): number {
  return (SEGMENTS_PER_ACK * framedBytes(framing, mtuBytes)) / framedBytes(framing, ACK_BYTES);
}

/** What of UP the acknowledgements of full downloads take, if none is left out. */
export function acksBitPerSec(line: Omit<LineRates, 'upBitPerSec'>): number {
  return line.downBitPerSec / downPerAck(line);
}

/** What comes in at most while UP carries each acknowledgement, and nothing else. */
export function downCarriedByAcks(line: Omit<LineRates, 'downBitPerSec'>): number {
  return line.upBitPerSec * downPerAck(line);
}

/**
 * Whether the acknowledgements of full downloads are more than their class has for sure: beside uploads they wait then, and
 * each that waits makes its download wait.
 */
export function isNarrowUplink(line: LineRates): boolean {
  return acksBitPerSec(line) > EGRESS_CLASSES.interactive.share * line.upBitPerSec;
}
