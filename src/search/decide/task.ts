import type { Direction } from '../../line/samples/measurement.ts';
import type { Grid } from './sweep.ts';

/** What is measured of one direction. */
export type Task =
  | { mode: 'grid'; direction: Direction; grid: Grid; pings: number; otherBitPerSec: number }
  /** `otherBitPerSec` null: unshaped, or for the second direction of AUTO, what the first one found. */
  | { mode: 'auto'; direction: Direction; otherBitPerSec: number | null };
