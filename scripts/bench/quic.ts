/**
 * What window pacing has no hold on: 4 downloads over UDP with loss-based congestion control, as QUIC has it, on
 * the line of 220/1750 kbit/s. `inetgw` with its defaults beside `cake … ingress`, each at several values of DOWN, so
 * that answer times can be compared at equal user data. `npx tsx scripts/bench/quic.ts [reno|cubic …]`; needs a
 * build. Times are the guest's own.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { downloads, measure } from '../../test/lab/traffic.ts';
import { LINES } from './line/lines.ts';
import { setUpShaper, SHAPERS, type ShaperName } from './line/shapers.ts';

const CONGESTION = ['reno', 'cubic'] as const;
type Congestion = (typeof CONGESTION)[number];

const UP_BIT_PER_SEC = 215_000;
const POINTS: readonly { shaper: ShaperName; downKbit: readonly number[] }[] = [
  { shaper: 'paced', downKbit: [1550, 1650, 1715] },
  { shaper: 'cake-ingress', downKbit: [1650, 1715, 1740] },
];
const COLUMNS = [
  'senders',
  'shaper',
  'DOWN',
  'ping ms avg',
  'p50',
  'p99',
  'user data down kbit/s',
  'least flow',
];

async function point(
  guest: Guest,
  congestion: Congestion,
  shaper: ShaperName,
  downKbit: number,
): Promise<string[]> {
  const line = LINES.adsl;
  const { device } = await setUpLine(guest, { ...line.options, lan: { nat: false } });
  const target = { device, line, upBitPerSec: UP_BIT_PER_SEC, downBitPerSec: downKbit * 1000 };
  await setUpShaper(guest, shaper, target);
  const flows = [downloads(4, { transport: 'udp', congestion, client: 'lan' })];
  const options = { flows, warmUpMs: 12_000, pings: 120, pingIntervalMs: 200, pingNs: 'lan' };
  const result = await measure(guest, options);
  const { mean, median, p99 } = summarise(result.ping.timesMs);
  const least = Math.min(...result.groups.flatMap(({ flowsBitPerSec }) => flowsBitPerSec));
  const title = shaper === 'paced' ? 'inetgw' : SHAPERS[shaper].title;
  return [
    congestion,
    title,
    String(downKbit),
    ...[mean, median, p99].map((ms) => ms.toFixed(0)),
    ...[result.downBitPerSec, least].map((bitPerSec) => (bitPerSec / 1000).toFixed(0)),
  ];
}

const asked = process.argv.slice(2);
const wanted = CONGESTION.filter((name) => asked.length === 0 || asked.includes(name));
if (wanted.length === 0) throw new Error(`reno or cubic, not ${asked.join(' ')}`);
const rows: string[][] = [];
const guest = await Guest.boot();
try {
  for (const congestion of wanted) {
    for (const { shaper, downKbit } of POINTS) {
      for (const rate of downKbit) {
        const row = await point(guest, congestion, shaper, rate);
        console.error(row.join('  '));
        rows.push(row);
      }
    }
  }
} finally {
  await guest.close();
}
console.log(table(COLUMNS, rows));
