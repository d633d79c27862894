/** Statistics as the original shows them, and the live table of `watch`. Pure. */
import { counted } from '../../core/units.ts';
import type { Sharer } from '../share/connection.ts';
import type { ShareStatus } from '../share/sharedLimit.ts';
import type { Rates, RelayStats, TimesStatus, TrafficStats } from '../statistics/stats.ts';

const kB = (bytesPerSec: number): string => (bytesPerSec / 1000).toFixed(2);

/** A relay reports ten times a second. */
const SILENT_MS = 700;

/** `1:02:03`. */
function clock(sec: number): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(sec / 3600)}:${two(Math.floor(sec / 60) % 60)}:${two(sec % 60)}`;
}

function rates({ overall, last5s, lastMinute }: Rates): string {
  return `${kB(overall)} kB/s overall, ${kB(last5s)} kB/s (5 s), ${kB(lastMinute)} kB/s (1 min)`;
}

const trafficLine = (name: string, traffic: TrafficStats): string =>
  `    ${name} ${traffic.bytes} bytes, ${rates(traffic.bytesPerSec)}`;

function limitLines({ limit }: RelayStats): string[] {
  const { up, down } = limit;
  if (up === null && down === null) return ['Bandwidth is not set.'];
  if (up === down) return [`Bandwidth set to: ${String(up)} bytes / sec.`];
  const one = (name: string, value: number | null): string =>
    value === null ? `Bandwidth ${name} is not set.` : `Bandwidth ${name} set to: ${value} bytes / sec.`;
  return [one('up', up), one('down', down)];
}

/** `bandwidth 500000 until Sat 2026-11-28 23:00`, or `as set until ...`. */
export function inForceText({ inForce, untilLocal }: TimesStatus): string {
  return `${inForce ?? 'as set'}${untilLocal === null ? '' : ` until ${untilLocal}`}`;
}

/** `Limit by time of forwarder 1: ...` */
export const timesLine = (status: TimesStatus): string =>
  `Limit by time of ${ofWhom(status)}: ${inForceText(status)}`;

const ofWhom = ({ of }: TimesStatus): string => (of === 'process' ? 'the process' : of);

/** The answer to `show times`; each line of times can be typed again. */
export function renderTimes(all: readonly TimesStatus[], clock: string): string {
  if (all.length === 0) return 'No times are set.';
  return [
    `It is ${clock}.`,
    ...all.flatMap((status) => [timesCommand(status), `    now ${inForceText(status)}`]),
  ].join('\n');
}

/** `times forwarder 1 mon-fri 18:00-23:00 bandwidth 500000; ...`: behind `set` it can be typed again. */
export const timesCommand = ({ of, times }: TimesStatus): string =>
  `  times ${of === 'process' ? '' : `${of} `}${times.join('; ')}`;

const bytesPerSec = (value: number | null): string => (value === null ? 'no limit' : `${value} bytes / sec.`);

function shareLines({ engine, name, state, lostSince, lostBecause, relays, share }: ShareStatus): string[] {
  const own = `share up: ${bytesPerSec(share.up)}, down: ${bytesPerSec(share.down)}`;
  const number =
    relays === null ? 'no other relay was seen' : `by ${relays} ${relays === 1 ? 'relay' : 'relays'}`;
  return [
    `Shared ${number} through ${engine} (${name}), ${own}`,
    ...(lostSince === null || state === 'shared'
      ? []
      : [`The engine does not answer since ${lostSince}: ${lostBecause ?? 'no answer'}`]),
  ];
}

/** The answer to `show share`. */
export function renderShare(status: ShareStatus, sharers: readonly Sharer[]): string {
  const lines = sharers.map(
    ({ name, weight, share, ageMs }) =>
      `  ${name} weight ${weight} up ${bytesPerSec(share.up || null)} down ${bytesPerSec(share.down || null)}` +
      (ageMs > SILENT_MS ? `, silent for ${(ageMs / 1000).toFixed(1)} s` : ''),
  );
  return [...shareLines(status), ...lines].join('\n');
}

/** The answer to `show stats`. */
export function renderStats(stats: RelayStats): string {
  const lines = [
    `Total connections: ${stats.totalConnections}`,
    `Open connections: ${stats.connections.length}`,
    ...limitLines(stats),
    ...stats.times.map(timesLine),
    ...(stats.share === null ? [] : shareLines(stats.share)),
  ];
  for (const connection of stats.connections) {
    lines.push(
      `  ${connection.client} -> ${connection.server} (${connection.name})`,
      `    up ${clock(connection.upSec)} idle ${clock(connection.idleSec)}` +
        (connection.state === 'connecting' ? ' connecting' : ''),
      trafficLine('in ', connection.in),
      trafficLine('out', connection.out),
    );
  }
  return lines.join('\n');
}

/** The table of `watch`, at most so many columns and rows: the busiest connections first. */
export function renderWatch(stats: RelayStats, columns: number, rows: number): string {
  const now = (traffic: TrafficStats): string => kB(traffic.bytesPerSec.last5s).padStart(10);
  const lines = [
    `${counted(stats.connections.length, 'connection')}, in ${kB(stats.in.bytesPerSec.last5s)} kB/s, ` +
      `out ${kB(stats.out.bytesPerSec.last5s)} kB/s (5 s)`,
    [...limitLines(stats), ...stats.times.filter(({ of }) => of === 'process').map(timesLine)].join(' '),
    '',
    `${'connection'.padEnd(12)}${'in kB/s'.padStart(10)}${'out kB/s'.padStart(10)}${'idle'.padStart(9)}  from -> to`,
  ];
  const busiest = [...stats.connections].sort(
    (a, b) =>
      b.in.bytesPerSec.last5s + b.out.bytesPerSec.last5s - a.in.bytesPerSec.last5s - a.out.bytesPerSec.last5s,
  );
  const room = Math.max(0, rows - lines.length - 1);
  for (const each of busiest.slice(0, room)) {
    lines.push(
      `${each.name.padEnd(12)}${now(each.in)}${now(each.out)}${clock(each.idleSec).padStart(9)}  ` +
        `${each.client} -> ${each.server}`,
    );
  }
  if (busiest.length > room) lines.push(`... and ${busiest.length - room} more`);
  return lines.map((line) => line.slice(0, columns)).join('\n');
}
