/**
 * Acknowledgements: `npx tsx scripts/bench/acks.ts [uploads | narrow]`; build first. Virtual time.
 *
 * `uploads`: what window pacing costs or gives uploads: the acknowledgements that downloads send with and without it, as the rule
 * for them counts them, under 4 downloads and 2 uploads of a host in the LAN.
 *
 * `narrow`: an uplink of a fortieth of the downlink (256/10240 kbit/s, ATM, 20 ms), 4 downloads alone and beside one upload of a
 * host behind NAT, with cake as who wants acknowledgements filtered sets it up, and with inetgw.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk, statistics } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise, type MeasureResult } from '../../test/lab/measure.ts';
import { runSteps } from '../../test/lab/steps.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';
import { LINES } from './line/lines.ts';
import { cakeOnHosts, inetgw, shareOf } from './line/shapers.ts';

/** As one sets them: 98 % of the raw rate. */
const SET = { adsl6: ['627', '5880'], vdsl: ['9800', '49000'] } as const;
/** The same line at other rates. */
const NARROW = {
  ...LINES.adsl6,
  options: { ...LINES.adsl6.options, upBitPerSec: 256e3, downBitPerSec: 10_240e3 },
};

const WARM_UP_MS = 8000;
const ROUNDS = 2;

const kbit = (bitPerSec: number): string => (bitPerSec / 1000).toFixed(0);
const figures = ({ ping, downBitPerSec, upBitPerSec }: MeasureResult): string[] => [
  summarise(ping.timesMs).mean.toFixed(1),
  kbit(downBitPerSec),
  kbit(upBitPerSec),
];

async function withUploads(guest: Guest, line: keyof typeof SET, pacing: string): Promise<string[]> {
  const { options, inetgwFraming } = LINES[line];
  const { device } = await setUpLine(guest, { ...options, lan: { nat: false } });
  await inetgwOk(guest, device, ...SET[line], ...inetgwFraming, '--pacing', pacing);
  const flows = [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })];
  const result = await measure(guest, { warmUpMs: WARM_UP_MS, pings: 100, pingNs: 'lan', flows });
  const acks = (await statistics(guest, device)).firewall.rules['tcp-ack']?.packets ?? 0;
  return [...figures(result), ((acks * 1000) / (WARM_UP_MS + result.windowMs)).toFixed(0)];
}

async function onNarrow(guest: Guest, shaper: 'cake' | 'inetgw', ups: number): Promise<string[]> {
  const { device } = await setUpLine(guest, { ...NARROW.options, lan: { nat: true } });
  const [upBitPerSec, downBitPerSec] = [shareOf(256e3, 0.975), shareOf(10_240e3, 0.975)];
  const target = { device, upBitPerSec, downBitPerSec, line: NARROW };
  const commands = shaper === 'cake' ? cakeOnHosts(target) : [inetgw(target)];
  await runSteps(
    guest,
    commands.map((argv) => ({ ns: 'gw', argv })),
  );
  const flows = [downloads(4, { client: 'lan' }), ...(ups === 0 ? [] : [uploads(ups, { client: 'lan' })])];
  return figures(await measure(guest, { warmUpMs: WARM_UP_MS, pings: 100, pingNs: 'lan', flows }));
}

const rows: string[][] = [];
const guest = await Guest.boot();
try {
  if (process.argv[2] === 'narrow') {
    for (const shaper of ['cake', 'inetgw'] as const)
      for (const ups of [0, 1]) rows.push([shaper, `4 + ${ups}`, ...(await onNarrow(guest, shaper, ups))]);
  } else {
    for (const line of ['adsl6', 'vdsl'] as const)
      for (let round = 0; round < ROUNDS; round++)
        for (const pacing of ['off', 'bpf'])
          rows.push([line, pacing, ...(await withUploads(guest, line, pacing))]);
  }
} finally {
  await guest.close();
}
const measured = ['ping ms', 'down kbit/s', 'up kbit/s'];
console.log(
  process.argv[2] === 'narrow'
    ? table(['shaper', 'flows', ...measured], rows)
    : table(['line', 'pacing', ...measured, 'acknowledgements/s'], rows),
);
