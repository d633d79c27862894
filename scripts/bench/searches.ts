/** Searches of searchbw in the lab, with the line full meanwhile, and what came of them. */
import type { Guest } from '../../test/lab/guest.ts';
import { commandArgv } from '../../test/lab/inetgw.ts';
import { SERVER, type LineOptions } from '../../test/lab/line.ts';
import { keepFull } from '../../test/lab/traffic.ts';

export type Direction = 'DOWN' | 'UP';

export interface Found {
  rateKbitPerSec: number;
  /** Virtual time of the whole command. */
  tookMs: number;
  /** The grid that the output names as the next one to measure. */
  next: string[] | undefined;
}

export async function search(
  guest: Guest,
  device: string,
  direction: Direction,
  words: string[],
): Promise<Found> {
  // CUBIC takes that long to fill the buffers of the fast lines.
  const load = await keepFull(guest, direction, { client: 'lan', settleMs: 30_000 });
  const command = commandArgv('searchbw', device, direction, ...words, '--ping-host', SERVER.ipv4);
  const result = await guest.request('exec', { argv: command, ns: 'gw', timeoutMs: 36_000_000 });
  await load.end();
  console.log(`$ ${['searchbw', device, direction, ...words].join(' ')}\n${result.stderr}${result.stdout}`);
  const found = /^(?:DOWN|UP): ([\d.]+) kbit\/s recommended/m.exec(result.stdout)?.[1];
  const next = /^next: +searchbw \S+ (?:DOWN|UP) (.*)$/m.exec(result.stdout)?.[1];
  return { rateKbitPerSec: Number(found), tookMs: result.elapsedMs, next: next?.split(' ') };
}

/** The article's way: an overview in steps of 3 %, then the detail measurement that it leads to. */
export async function gridSearch(
  guest: Guest,
  device: string,
  direction: Direction,
  { upBitPerSec, downBitPerSec }: LineOptions,
  framing: string[],
): Promise<Found> {
  const [raw, other] = direction === 'DOWN' ? [downBitPerSec, upBitPerSec] : [upBitPerSec, downBitPerSec];
  const kbit = (bitPerSec: number): string => String(Math.round(bitPerSec / 1000));
  const interval = `${kbit(raw * 0.74)}-${kbit(raw * 1.04)}`;
  const grid = [interval, kbit(raw * 0.03), '5', kbit(other * 0.95)];
  const overview = await search(guest, device, direction, [...grid, ...framing]);
  if (overview.next === undefined) return overview;
  const detail = await search(guest, device, direction, [...overview.next, ...framing]);
  return { ...detail, tookMs: overview.tookMs + detail.tookMs };
}
