/** The commands a result suggests, in the form a person would type them. Pure. */
import { shellWord } from '../../core/shellWords.ts';
import { kbit } from '../../core/units.ts';
import type { RawOptions } from './rawOptions.ts';
import type { Direction } from '../../line/samples/measurement.ts';
import type { Grid } from '../decide/sweep.ts';

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

/** What was typed of how to search, for a further search of one direction; not what was said of the output. */
export function typedOptions(typed: RawOptions, direction: Direction): string {
  const { load, loadUp } = typed;
  const values: Record<string, string | readonly string[] | undefined> = {
    'ping-host': typed.pingHost,
    towards: typed.towards,
    'max-rtt': typed.maxRtt,
    'max-loss': typed.maxLoss,
    'ping-interval': typed.pingInterval,
    settle: typed.settle,
    // The other direction's load is refused as of no use.
    ...(direction === 'down' ? { load } : { 'load-up': loadUp }),
    streams: typed.streams,
    framing: typed.framing,
    linklayer: typed.linklayer,
    overhead: typed.overhead,
    mpu: typed.mpu,
    pacing: typed.pacing,
  };
  return Object.entries(values)
    .flatMap(([name, value]) => [value ?? []].flat().map((each) => ` --${name} ${shellWord(each)}`))
    .join('');
}

/** Whether anything was typed of the framing. */
export function isFramingTyped({ framing, linklayer, overhead, mpu }: RawOptions): boolean {
  return [framing, linklayer, overhead, mpu].some((each) => each !== undefined);
}
