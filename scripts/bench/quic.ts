/**
 * What window pacing has no hold on: HTTP/3 downloads by a real QUIC (ngtcp2) on an ADSL line of 512/4600 kbit/s, behind NAT, one
 * host pinging. `inetgw` with its defaults beside cake, each at several shares of the raw rates, so that answer times can be compared
 * at equal data. `npx tsx scripts/bench/quic.ts [cubic|bbr|mixed …] [SHARE …] [inetgw|cake …] [no-ecn]`; build first. Times are the guest's own.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { ADSL_LINE, setUpLine } from '../../test/lab/line.ts';
import { summarise, type FlowGroup } from '../../test/lab/measure.ts';
import { quicPrograms } from '../../test/lab/quic.ts';
import { runSteps } from '../../test/lab/steps.ts';
import { downloads, measure } from '../../test/lab/traffic.ts';
import { LINES, type BenchLine } from './line/lines.ts';
import { cakeOnHosts, inetgw, shareOf } from './line/shapers.ts';

const LINE: BenchLine = {
  ...LINES.adsl,
  title: 'ADSL 4600 / 512 kbit/s, ATM, 15 ms',
  options: { ...ADSL_LINE, upBitPerSec: 512e3, downBitPerSec: 4600e3, pathMs: 15 },
};

const quic = await quicPrograms();
const overQuic = (count: number, congestion: 'cubic' | 'bbr'): FlowGroup =>
  downloads(count, { label: 'QUIC', client: 'lan', transport: 'quic', quic, congestion });
const LOADS = {
  cubic: { title: '12 QUIC, CUBIC', flows: [overQuic(12, 'cubic')] },
  bbr: { title: '12 QUIC, BBR', flows: [overQuic(12, 'bbr')] },
  mixed: {
    title: '6 QUIC, CUBIC, and 6 TCP',
    flows: [overQuic(6, 'cubic'), downloads(6, { label: 'TCP', client: 'lan2' })],
  },
} as const;
const SHAPERS = {
  inetgw: (target: Parameters<typeof cakeOnHosts>[0]) => [inetgw(target)],
  cake: cakeOnHosts,
};

/** Run where the servers are: their packets no longer ask to be marked instead of dropped. Many servers never do. */
const NO_ECN: [string, ...string[]] = [
  'nft',
  'table ip t { chain c { type filter hook postrouting priority 0; meta l4proto udp ip ecn set not-ect; }; }',
];

async function point(
  guest: Guest,
  load: keyof typeof LOADS,
  shaper: keyof typeof SHAPERS,
  share: number,
  hasEcn: boolean,
): Promise<string[]> {
  const { device } = await setUpLine(guest, { ...LINE.options, lan: { nat: true, hosts: 3 } });
  const upBitPerSec = shareOf(LINE.options.upBitPerSec, share);
  const downBitPerSec = shareOf(LINE.options.downBitPerSec, share);
  const steps = SHAPERS[shaper]({ device, line: LINE, upBitPerSec, downBitPerSec }).map((argv) => ({
    ns: 'gw',
    argv,
  }));
  await runSteps(guest, [...steps, ...(hasEcn ? [] : [{ ns: 'isp', argv: NO_ECN }])]);
  const { title, flows } = LOADS[load];
  const options = { flows: [...flows], warmUpMs: 8000, pings: 200, pingIntervalMs: 100, pingNs: 'lan3' };
  const { ping, groups } = await measure(guest, options);
  const { mean, median, p95, max } = summarise(ping.timesMs);
  const kbit = (label: string): string => {
    const group = groups.find((each) => each.label === label);
    return group === undefined ? '–' : (group.bitPerSec / 1000).toFixed(0);
  };
  return [
    ...[hasEcn ? title : `${title}, no ECN`, shaper, String(share)],
    ...[mean, median, p95, max].map((ms) => ms.toFixed(0)),
    ...[kbit('QUIC'), kbit('TCP')],
  ];
}

const asked = process.argv.slice(2);
const chosen = <T extends string>(all: readonly T[]): readonly T[] => {
  const some = all.filter((each) => asked.includes(each));
  return some.length > 0 ? some : all;
};
const loads = chosen(Object.keys(LOADS) as (keyof typeof LOADS)[]);
const shapers = chosen(Object.keys(SHAPERS) as (keyof typeof SHAPERS)[]);
const isShare = (word: string): boolean => Number(word) > 0 && Number(word) <= 1;
const shares = asked.some(isShare) ? asked.filter(isShare).map(Number) : [0.95, 0.975, 0.985];
const known = [...Object.keys(LOADS), ...Object.keys(SHAPERS), 'no-ecn'];
const unknown = asked.filter((word) => !isShare(word) && !known.includes(word));
if (unknown.length > 0) throw new Error(`${known.join(', ')} or a share up to 1, not ${unknown.join(' ')}`);
const rows: string[][] = [];
const guest = await Guest.boot();
try {
  for (const load of loads) {
    for (const shaper of shapers) {
      for (const share of shares) {
        const row = await point(guest, load, shaper, share, !asked.includes('no-ecn'));
        console.error(row.join('  '));
        rows.push(row);
      }
    }
  }
} finally {
  await guest.close();
}
const COLUMNS = [
  'load',
  'shaper',
  'share',
  'ping ms avg',
  'p50',
  'p95',
  'max',
  'QUIC IP kbit/s',
  'TCP user data kbit/s',
];
console.log(`${LINE.title}\n${table(COLUMNS, rows)}`);
