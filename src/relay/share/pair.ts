/** A number for each direction. */
import type { Direction } from '../settings/direction.ts';

export type Pair = Readonly<Record<Direction, number>>;

export const pair = (of: (direction: Direction) => number): Pair => ({ up: of('up'), down: of('down') });
