/**
 * What window pacing costs or gives uploads: the acknowledgements that downloads send with and without it, as the rule
 * for them counts them, under 4 downloads and 2 uploads of a host in the LAN. `npx tsx scripts/bench/acks.ts`; build
 * first. Virtual time.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk, statistics } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';
import { LINES } from './line/lines.ts';

/** As one sets them: 98 % of the raw rate. */
const SET = { adsl6: ['627', '5880'], vdsl: ['9800', '49000'] } as const;

const WARM_UP_MS = 8000;
const ROUNDS = 2;

const guest = await Guest.boot();

async function measured(line: keyof typeof SET, pacing: string): Promise<string[]> {
  const { options, inetgwFraming } = LINES[line];
  const { device } = await setUpLine(guest, { ...options, lan: { nat: false } });
  await inetgwOk(guest, device, ...SET[line], ...inetgwFraming, '--pacing', pacing);
  const flows = [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })];
  const load = { warmUpMs: WARM_UP_MS, pings: 100, pingNs: 'lan', flows };
  const { ping, downBitPerSec, upBitPerSec, windowMs } = await measure(guest, load);
  const acks = (await statistics(guest, device)).firewall.rules['tcp-ack']?.packets ?? 0;
  const perSec = (acks * 1000) / (WARM_UP_MS + windowMs);
  return [
    summarise(ping.timesMs).mean.toFixed(1),
    ...[downBitPerSec / 1000, upBitPerSec / 1000, perSec].map((figure) => figure.toFixed(0)),
  ];
}

const rows: string[][] = [];
try {
  for (const line of ['adsl6', 'vdsl'] as const)
    for (let round = 0; round < ROUNDS; round++)
      for (const pacing of ['off', 'bpf']) rows.push([line, pacing, ...(await measured(line, pacing))]);
} finally {
  await guest.close();
}
console.log(table(['line', 'pacing', 'ping ms', 'down kbit/s', 'up kbit/s', 'acknowledgements/s'], rows));
