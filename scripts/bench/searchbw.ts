/**
 * searchbw on four lines of the lab: what it recommends, whether that holds under load, and what it costs to
 * find out. `npx tsx scripts/bench/searchbw.ts [--no-grid] [LINE …]` with adsl, adsl6, vdsl, cable;
 * build first. The grid search beside --auto takes long on fast lines: --no-grid leaves it out. Figures are
 * in the guest's virtual time.
 */
import { formatRate } from '../../src/core/units.ts';
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { commandArgv, withBpf } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';
import { LINES, type BenchLine } from './line/lines.ts';
import { gridSearch, search } from './searches.ts';

const COLUMNS = [
  'line',
  'raw up / down',
  'found up / down kbit/s',
  'took up / down',
  'grid down',
  'auto - grid',
  'answer ms down / up / both',
  'user data down',
  'up',
];

/**
 * The load comes from a host in the LAN. What the gateway itself sends stays within a few packets of the modem
 * in this lab: both are one kernel, in which the sender is told when a packet leaves the modem's queue.
 */
async function bench(
  name: string,
  { options, inetgwFraming }: BenchLine,
  withGrid: boolean,
): Promise<string[]> {
  const line = { ...options, lan: { nat: false } };
  const fromLan = { client: 'lan' } as const;
  const guest = await Guest.boot();
  try {
    const framing = [...inetgwFraming];
    const { device } = await setUpLine(guest, line);
    // Long: what was lost in the first overflow of a buffer of two seconds is seen to arrive all at once.
    const settled = { warmUpMs: 30_000, pings: 100 };
    const free = await measure(guest, { ...settled, flows: [downloads(4, fromLan)] });
    await setUpLine(guest, line);
    const freeUp = await measure(guest, { ...settled, flows: [uploads(2, fromLan)] });
    await setUpLine(guest, line);
    const down = await search(guest, device, 'DOWN', ['--auto', ...framing]);
    await setUpLine(guest, line);
    const up = await search(guest, device, 'UP', ['--auto', ...framing]);
    await setUpLine(guest, line);
    const grid = withGrid ? await gridSearch(guest, device, 'DOWN', line, framing) : undefined;
    await setUpLine(guest, line);
    const words = [device, String(up.rateKbitPerSec), String(down.rateKbitPerSec), ...framing];
    await guest.run(withBpf(commandArgv('inetgw', ...words)), { ns: 'gw', spinMs: 60_000 });
    const shapedDown = await measure(guest, { flows: [downloads(4, fromLan)], pings: 100 });
    const shapedUp = await measure(guest, { flows: [uploads(2, fromLan)], pings: 100 });
    const both = await measure(guest, { flows: [downloads(4, fromLan), uploads(2, fromLan)], pings: 100 });
    const share = (part: number, whole: number): string => `${((part / whole) * 100).toFixed(1)} %`;
    return [
      name,
      `${formatRate(line.upBitPerSec)} / ${formatRate(line.downBitPerSec)}`,
      `${String(up.rateKbitPerSec)} / ${String(down.rateKbitPerSec)}`,
      `${(up.tookMs / 1000).toFixed(0)} / ${(down.tookMs / 1000).toFixed(0)} s`,
      ...(grid === undefined
        ? ['', '']
        : [
            `${String(grid.rateKbitPerSec)} in ${(grid.tookMs / 1000).toFixed(0)} s`,
            `${share(down.rateKbitPerSec - grid.rateKbitPerSec, grid.rateKbitPerSec)} in ${share(down.tookMs, grid.tookMs)}`,
          ]),
      [shapedDown, shapedUp, both].map(({ ping }) => summarise(ping.timesMs).mean.toFixed(0)).join(' / '),
      share(shapedDown.downBitPerSec, free.downBitPerSec),
      share(shapedUp.upBitPerSec, freeUp.upBitPerSec),
    ];
  } finally {
    await guest.close();
  }
}

const lines: Readonly<Record<string, BenchLine>> = LINES;
const words = process.argv.slice(2);
const withGrid = !words.includes('--no-grid');
const wanted = words.filter((word) => word !== '--no-grid');
const rows: string[][] = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(lines)) {
  const line = lines[name];
  if (line === undefined) throw new Error(`there is no line ${name}: ${Object.keys(lines).join(', ')}`);
  rows.push(await bench(name, line, withGrid));
  // After each line: a full run takes long, and what is known should be seen.
  console.log(table(COLUMNS, rows));
}
