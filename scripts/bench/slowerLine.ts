/**
 * A line that has become slower than it was told: 5/20 Mbit/s told as such, down 4 Mbit/s from the second second of the
 * window on. Answer times in parts of it, and user data. `npx tsx scripts/bench/slowerLine.ts [SECONDS [PROGRAM]]`; build first. PROGRAM: a
 * bpf/pacing.o of another version, in place of the built one. Virtual time.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk } from '../../test/lab/inetgw.ts';
import { LINE } from '../../test/lab/followed.ts';
import { changeRate, setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { checkoutRoot } from '../../test/lab/paths.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';

const WARM_UP_SEC = 10;
const PINGS_PER_SEC = 20;
const PART_SEC = 10;
const [, , length = '60', program] = process.argv;
const seconds = Number(length);

const rows: string[][] = [];
const guest = await Guest.boot();
try {
  // In the guest's memory alone.
  if (program !== undefined) await guest.run(['cp', program, `${checkoutRoot}/dist/bpf/pacing.o`]);
  for (const [load, flows] of [
    ['4 + 2', [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })]],
    ['16 + 2', [downloads(16, { client: 'lan' }), uploads(2, { client: 'lan' })]],
  ] as const) {
    const line = await setUpLine(guest, { ...LINE, access: 'ethernet' });
    await inetgwOk(guest, 'eth0', '4875', '19600', '--linklayer', 'ethernet', '--overhead', '18');
    const change = changeRate(line, 'down', 4e6);
    await guest.request('spawn', {
      ns: change.ns,
      argv: ['sh', '-c', 'sleep "$0"; exec "$@"', String(WARM_UP_SEC + 1), ...change.argv],
    });
    const result = await measure(guest, {
      flows,
      warmUpMs: WARM_UP_SEC * 1000,
      pings: seconds * PINGS_PER_SEC,
      pingIntervalMs: 1000 / PINGS_PER_SEC,
      pingNs: 'lan',
    });
    const { timesMs } = result.ping;
    const parts = Array.from({ length: Math.ceil(seconds / PART_SEC) }, (_, part) => {
      const from = part * PART_SEC * PINGS_PER_SEC;
      return summarise(timesMs.slice(from, from + PART_SEC * PINGS_PER_SEC)).p95.toFixed(0);
    });
    const { p95, max } = summarise(timesMs);
    const carried = [result.downBitPerSec, result.upBitPerSec].map((rate) => (rate / 1e6).toFixed(2));
    rows.push([load, p95.toFixed(0), max.toFixed(0), parts.join(', '), carried.join(' / ')]);
  }
} finally {
  await guest.close();
}
console.log(table(['load', 'p95 ms', 'max', `p95 in parts of ${PART_SEC} s`, 'Mbit/s'], rows));
