/** The commands a result suggests, in the form a person would type them. Pure. */
import type { Direction } from './measurement.ts';
import type { Grid } from './sweep.ts';

/** A rate as a command-line number in kbit/s: `1650`, `1.5`. */
export function kbit(bitPerSec: number): string {
  return String(Number((bitPerSec / 1000).toFixed(3)));
}

export function gridCommand(
  device: string,
  direction: Direction,
  grid: Grid & { pings: number },
  otherBitPerSec: number,
): string {
  const interval = `${kbit(grid.lowerBitPerSec)}-${kbit(grid.upperBitPerSec)}`;
  return `searchbw ${device} ${direction.toUpperCase()} ${interval} ${kbit(grid.stepBitPerSec)} ${grid.pings} ${kbit(otherBitPerSec)}`;
}

/** `inetgw ppp0 210 1710`, with `--pacing off` where that is better: uplink first, rounded down to whole kbit/s so that it never exceeds the value. */
export function inetgwCommand(
  device: string,
  upBitPerSec: number,
  downBitPerSec: number,
  pacing: 'auto' | 'off' = 'auto',
): string {
  const whole = (bitPerSec: number): string =>
    bitPerSec >= 1e6 || bitPerSec % 1000 === 0 ? String(Math.floor(bitPerSec / 1000)) : kbit(bitPerSec);
  return `inetgw ${device} ${whole(upBitPerSec)} ${whole(downBitPerSec)}${pacing === 'off' ? ' --pacing off' : ''}`;
}
