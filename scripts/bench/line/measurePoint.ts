/** One point: a fresh line, the shaper on it, the load, and everything measured in one window. */
import type { Guest } from '../../../test/lab/guest.ts';
import { setUpLine } from '../../../test/lab/line.ts';
import { summarise, type MeasureOptions, type MeasureResult } from '../../../test/lab/measure.ts';
import { measure } from '../../../test/lab/traffic.ts';
import { LINES, type BenchLine } from './lines.ts';
import { LOADS, type Load, type Point } from './points.ts';
import type { Figures } from './results.ts';
import { setUpShaper, shareOf } from './shapers.ts';

/**
 * Pings after the flows have had time to find their rates, all from a host in the LAN. What the gateway itself sends
 * stays within a few packets of the modem in this lab: both are one kernel, in which the sender is told when a packet
 * leaves the modem's queue. A fast line carries in 15 s more packets than a slow one in 30 s, and its flows find
 * their rates sooner; the emulation takes several times as long for them.
 */
function windowOf(line: BenchLine): Pick<MeasureOptions, 'warmUpMs' | 'pings' | 'pingIntervalMs'> {
  return line.options.downBitPerSec >= 20e6
    ? { warmUpMs: 10_000, pings: 150, pingIntervalMs: 100 }
    : { warmUpMs: 30_000, pings: 150, pingIntervalMs: 200 };
}

export async function measurePoint(guest: Guest, point: Point): Promise<Figures> {
  const line = LINES[point.line];
  const { device } = await setUpLine(guest, { ...line.options, lan: { nat: false } });
  await setUpShaper(guest, point.shaper, {
    device,
    line,
    upBitPerSec: shareOf(line.options.upBitPerSec, point.share),
    downBitPerSec: shareOf(line.options.downBitPerSec, point.share),
  });
  const load: Load = LOADS[point.load];
  const window = { ...windowOf(line), ...(load.warmUpMs === undefined ? {} : { warmUpMs: load.warmUpMs }) };
  const options = { ...window, pingNs: 'lan', interactive: true, flows: load.flows };
  return figuresOf(await measure(guest, options));
}

function figuresOf(result: MeasureResult): Figures {
  const { ping, voip, echo, pages, windowMs } = result;
  if (voip === undefined || echo === undefined || pages === undefined)
    throw new Error('no interactive flows');
  const sent = voip.up.sent + voip.down.sent;
  const arrived = voip.up.delaysMs.length + voip.down.delaysMs.length;
  // The one that did not end is not forgotten: a shaper on which none ends would look best otherwise.
  const pageTimes = pages.unfinishedMs > 0 ? [...pages.timesMs, pages.unfinishedMs] : pages.timesMs;
  return {
    pingMs: spread(ping.timesMs, windowMs),
    pingLost: 1 - ping.timesMs.length / ping.sent,
    downBitPerSec: Math.round(result.downBitPerSec + (pages.bytes * 8000) / windowMs),
    upBitPerSec: Math.round(result.upBitPerSec),
    voipUpMs: spread(voip.up.delaysMs, windowMs),
    voipDownMs: spread(voip.down.delaysMs, windowMs),
    voipLost: 1 - arrived / sent,
    echoMs: spread(echo.timesMs, windowMs),
    pageMs: round(summarise(pageTimes).median),
    pages: pages.timesMs.length,
    idle: Math.round(result.idleFraction * 100) / 100,
  };
}

/** Where nothing came back at all, the window's end: JSON knows no NaN, and it was not faster than that. */
function spread(timesMs: readonly number[], windowMs: number): Figures['pingMs'] {
  const all = timesMs.length === 0 ? [windowMs] : timesMs;
  const { mean, median, p95, p99 } = summarise(all);
  return { mean: round(mean), p50: round(median), p95: round(p95), p99: round(p99) };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
