/**
 * This checkout's `inetgw` beside another one's, command by command, in turns, in one guest and in its own time, so
 * that whatever else the machine does falls on neither: `npx tsx scripts/bench/beside.ts FOLDER`. FOLDER is another
 * checkout, built: `git worktree add FOLDER COMMIT && cd FOLDER && npm ci && npm run build`.
 */
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { checkoutRoot } from '../../test/lab/paths.ts';

/** Counted; one comes before them, which reads what the guest has not read yet. */
const ROUNDS = 3;

interface Case {
  what: string;
  timed: string;
  /** What the same checkout is told to do before, not timed; it clears afterwards. */
  before?: string;
}

const UP_DOWN = 'ppp0 215 1600';
const CASES: readonly Case[] = [
  { what: '`--version`', timed: '--version' },
  { what: '`--help`', timed: '--help' },
  { what: 'clear, nothing being set up', timed: 'ppp0 clear' },
  { what: 'first apply, with window pacing', timed: UP_DOWN },
  { what: 'first apply, `--pacing off`', timed: `${UP_DOWN} --pacing off` },
  {
    what: 'the same again',
    timed: `${UP_DOWN} --pacing off`,
    before: `${UP_DOWN} --pacing off`,
  },
  { what: 'other rates', timed: 'ppp0 210 1500 --pacing off', before: `${UP_DOWN} --pacing off` },
  { what: 'clear', timed: 'ppp0 clear', before: `${UP_DOWN} --pacing off` },
];

/** Both from the guest's memory: what is read from the host takes as long as the host is slow. */
const COPIES = { here: '/run/here', there: '/run/there' } as const;
type Side = keyof typeof COPIES;

/** Virtual ms of one run of each side; each leaves the line as it was. */
async function round(guest: Guest, { timed, before }: Case): Promise<Record<Side, number>> {
  const command = (side: Side, words: string): string =>
    `${process.execPath} ${COPIES[side]}/dist/bin/inetgw.js ${words} >/dev/null`;
  const one = (side: Side): string => `
    ${before === undefined ? '' : command(side, before)}
    from=$(date +%s%N); ${command(side, timed)}; to=$(date +%s%N)
    echo $(((to - from) / 1000))
    ${command(side, 'ppp0 clear')}`;
  const body = `mount --bind /run/bpf /sys/fs/bpf; ${one('there')}\n${one('here')}`;
  const text = await guest.run(['sh', '-ec', body], { ns: 'gw', spinMs: 600_000 });
  const [there = Number.NaN, here = Number.NaN] = text.trim().split('\n').map(Number);
  return { there: there / 1000, here: here / 1000 };
}

const other = resolve(process.argv[2] ?? '');
await access(join(other, 'dist/bin/inetgw.js'));
const guest = await Guest.boot();
try {
  await setUpLine(guest);
  for (const [side, from] of Object.entries({ here: checkoutRoot, there: other }))
    await guest.run([
      'sh',
      '-ec',
      `mkdir ${COPIES[side as Side]}; cp -r ${from}/dist ${COPIES[side as Side]}`,
    ]);
  // Each start of ours adds to the code that is kept compiled, up to the fourth.
  for (let n = 0; n < 4; n++) await round(guest, { what: 'starts before', timed: UP_DOWN });
  const rows: string[][] = [];
  for (const each of CASES) {
    const rounds: Record<Side, number>[] = [];
    for (let n = 0; n <= ROUNDS; n++) rounds.push(await round(guest, each));
    const counted = rounds.slice(1);
    const ratio = summarise(counted.map(({ here, there }) => here / there));
    const median = (side: Side): number => summarise(counted.map((times) => times[side])).median;
    rows.push([
      each.what,
      median('there').toFixed(0),
      median('here').toFixed(0),
      ratio.median.toFixed(2),
      `${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}`,
    ]);
    console.error(rows.at(-1)?.join(' | '));
  }
  console.log(table(['what', 'ms there (virtual)', 'ms here', '×', 'in the pairs'], rows));
} finally {
  await guest.close();
}
