/** The smallest slice that is cut. */
export const MIN_SLICE_BYTES = 16;
/** The largest slice: one read of Node from a socket is 64 KiB. */
export const MAX_SLICE_BYTES = 65_536;
/** Of a fast limit a slice takes no longer than this, so that many share it smoothly. */
const SLICE_MS = 10;
/** With many connections slices of a fast limit shrink so that each has its turn about this often. */
const ROUND_MS = 100;
/** What a TCP segment carries on Ethernet, with time stamps (RFC 7323): less costs more in headers. */
export const SEGMENT_BYTES = 1448;
/** For whole segments a round may take so long; who has little to send does not wait for it, see scheduler.ts. */
const SEGMENT_ROUND_MS = 1000;
/** Slices of `smallestBytes` take no longer than this each, with however many connections. */
const SMALLEST_MS = 250;

/** The slice of a slow limit: a whole segment, or what one second gives. */
export function segmentBytes(rateBytesPerSec: number): number {
  return Math.min(SEGMENT_BYTES, Math.max(MIN_SLICE_BYTES, (rateBytesPerSec * SEGMENT_ROUND_MS) / 1000));
}

/**
 * How many bytes a connection may send per turn, from 16 bytes to 64 KiB. Whole segments as long as a round of all
 * connections takes no longer than a second; above 145 kB/s, where 10 ms are worth more than a segment, those 10 ms, less
 * with many connections so that a round stays near 100 ms. But not below `smallestBytes` (the variable `data_size`)
 * just for having many, unless that were more than 250 ms worth: tiny packets cost more than they carry.
 */
export function sliceBytes(rateBytesPerSec: number, activeFlows: number, smallestBytes: number): number {
  if (rateBytesPerSec === Infinity) return MAX_SLICE_BYTES;
  const flows = Math.max(1, activeFlows);
  const worth = (ms: number): number => (rateBytesPerSec * ms) / 1000;
  const alone = Math.max(worth(SLICE_MS), segmentBytes(rateBytesPerSec));
  const turn = Math.max(
    worth(ROUND_MS) / flows,
    Math.min(SEGMENT_BYTES, worth(SEGMENT_ROUND_MS) / flows),
    Math.min(smallestBytes, worth(SMALLEST_MS)),
  );
  return Math.floor(Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, Math.min(alone, turn))));
}
