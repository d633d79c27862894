import { MIN_SLICE_BYTES } from './bucket.ts';

/** The largest slice: one read of Node from a socket is 64 KiB. */
export const MAX_SLICE_BYTES = 65_536;
/** A slice takes no longer than this at the limit: it is how long another connection may have to wait. */
const SLICE_MS = 10;
/** With many connections slices shrink so that each has its turn about this often. */
const ROUND_MS = 100;

/**
 * How many bytes a connection may send per turn: 10 ms worth at most, less with many connections so that a
 * round stays near 100 ms, but not below `smallestBytes` (the variable `data_size`) just for having many,
 * because tiny packets cost more than they carry. From 16 bytes to 64 KiB.
 */
export function sliceBytes(rateBytesPerSec: number, activeFlows: number, smallestBytes: number): number {
  if (rateBytesPerSec === Infinity) return MAX_SLICE_BYTES;
  const worth = (rateBytesPerSec * SLICE_MS) / 1000;
  const turn = (rateBytesPerSec * ROUND_MS) / 1000 / Math.max(1, activeFlows);
  const wanted = Math.min(worth, Math.max(turn, smallestBytes));
  return Math.floor(Math.min(MAX_SLICE_BYTES, Math.max(MIN_SLICE_BYTES, wanted)));
}
