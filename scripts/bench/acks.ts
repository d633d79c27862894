/**
 * What window pacing costs uploads: the acknowledgements that downloads send with and without it, as the rule for them
 * counts them. 640/6000, 4 downloads and 2 uploads. `npx tsx scripts/bench/acks.ts`; build first. Virtual time.
 */
import { table } from '../../src/report/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk, statistics } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';
import { LINES } from './line/lines.ts';

const WARM_UP_MS = 8000;
const LIMIT_MS = 600_000;
const ROUNDS = 2;

const rows: string[][] = [];
const guest = await Guest.boot();
try {
  for (const pacing of Array.from({ length: ROUNDS }, () => ['off', 'bpf']).flat()) {
    const { device } = await setUpLine(guest, { ...LINES.adsl6.options, lan: { nat: false } });
    await inetgwOk(guest, device, '627', '5880', '--pacing', pacing);
    const flows = [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })];
    const options = { warmUpMs: WARM_UP_MS, pings: 100, pingNs: 'lan', flows };
    const { ping, downBitPerSec, upBitPerSec, windowMs } = await measure(guest, options, LIMIT_MS);
    const acks = (await statistics(guest, device)).firewall.rules['tcp-ack']?.packets ?? 0;
    rows.push([
      pacing,
      summarise(ping.timesMs).mean.toFixed(0),
      (downBitPerSec / 1000).toFixed(0),
      (upBitPerSec / 1000).toFixed(0),
      ((acks * 1000) / (WARM_UP_MS + windowMs)).toFixed(0),
    ]);
  }
} finally {
  await guest.close();
}
console.log(table(['pacing', 'ping ms', 'down kbit/s', 'up kbit/s', 'acknowledgements/s'], rows));
