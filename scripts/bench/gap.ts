/**
 * What a change of settings costs packets on their way: 1000 pings a second through the shaper while it is made,
 * on the virtual line. `npx tsx scripts/bench/gap.ts [ROUNDS]`; needs a build, takes a few minutes.
 */
import { table } from '../../src/report/statistics/table.ts';
import { measureGap, type Gap } from '../../test/lab/gap.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';

const rounds = Number(process.argv[2] ?? 3);
const RATES = ['5mbit', '20mbit'];
const OTHER_RATES = ['4mbit', '15mbit'];
const PLAIN = ['--pacing', 'off'];
const PACED = ['--pacing', 'bpf'];
const FROM = [...RATES, ...PLAIN];
const CAKE = [...FROM, '--ingress', 'shape-cake'];
const CHANGES = [
  { what: 'nothing (the line itself)', from: FROM, to: [] },
  { what: 'other rates', from: FROM, to: [...OTHER_RATES, ...PLAIN] },
  { what: 'other rates, with window pacing', from: [...RATES, ...PACED], to: [...OTHER_RATES, ...PACED] },
  { what: 'another framing', from: FROM, to: [...FROM, '--framing', 'pppoe-ptm'] },
  { what: 'from stages to cake', from: FROM, to: CAKE },
  { what: 'from cake to HTB', from: CAKE, to: [...FROM, '--ingress', 'shape-htb'] },
];

const guest = await Guest.boot();
const rows: string[][] = [];
try {
  await setUpLine(guest, { upBitPerSec: 6_000_000, downBitPerSec: 25_000_000, upBufferMs: 500 });
  for (const { what, from, to } of CHANGES) {
    const gaps: Gap[] = [];
    for (let round = 0; round < rounds; round++) {
      await inetgwOk(guest, 'ppp0', ...from);
      gaps.push(await measureGap(guest, 'ppp0', to));
    }
    const worst = (pick: (gap: Gap) => number): string => Math.max(...gaps.map(pick)).toFixed(1);
    const sum = (pick: (gap: Gap) => number): string => String(gaps.reduce((all, gap) => all + pick(gap), 0));
    rows.push([
      what,
      sum((gap) => gap.sent),
      sum((gap) => gap.lost),
      worst((gap) => gap.usualMs),
      worst((gap) => gap.maxMs),
      worst((gap) => gap.unshapedMs),
    ]);
  }
} finally {
  await guest.close();
}
console.log(table(['change to', 'sent', 'lost', 'mean ms', 'worst ms', 'unshaped ms'], rows));
