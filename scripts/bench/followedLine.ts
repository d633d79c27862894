/**
 * A line whose rate changes, followed by `inetgw serve` and not: answer times and user data. `npx tsx
 * scripts/bench/followedLine.ts [steps|lte]… [SEED]… [fixed] [quic|quic-bbr]`; build first. Virtual time. Traces are written to
 * .lab/following/. With QUIC instead of TCP all rates are 0.4 of the others', and what comes in is counted with its headers.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTrace } from '../../src/follow/decide/trace.ts';
import { table } from '../../src/report/statistics/table.ts';
import {
  lteWalk,
  rawBitPerSec,
  STEPS,
  walkLine,
  type Walk,
  type WalkOptions,
} from '../../test/lab/followed.ts';
import { Guest } from '../../test/lab/guest.ts';
import { summarise, type FlowGroup } from '../../test/lab/measure.ts';
import { quicPrograms } from '../../test/lab/quic.ts';
import { downloads, uploads } from '../../test/lab/traffic.ts';
import { labFolder } from '../../test/lab/paths.ts';

/** From the last change on, until the followed rate is so much of the line's again. */
function backSec(trace: string, { phases, seconds }: Walk, scale: number): string {
  const last = phases.at(-1);
  // A walk has changed again before anybody could be back.
  if (last === undefined || seconds - last.atSec < 5) return '-';
  const { samples } = parseTrace(trace);
  const end = samples.at(-1)?.atMs ?? 0;
  // The service ends with the window.
  const from = end - (seconds - last.atSec) * 1000;
  const there = samples.find(
    ({ atMs, downBitPerSec }) => atMs > from && downBitPerSec > 0.8 * last.bitPerSec * scale,
  );
  return there === undefined ? 'never' : ((there.atMs - from) / 1000).toFixed(1);
}

const words = process.argv.slice(2);
const seeds = words.filter((word) => /^\d+$/.test(word)).map(Number);
const walks: [string, Walk][] = [
  ...(words.includes('steps') ? [['steps', STEPS] as [string, Walk]] : []),
  ...(words.includes('lte')
    ? (seeds.length > 0 ? seeds : [1, 2, 3]).map((seed): [string, Walk] => [`lte ${seed}`, lteWalk(seed)])
    : []),
];
async function loadSaid(): Promise<{ name: string } & WalkOptions> {
  const quicName = words.find((word) => word.startsWith('quic'));
  if (quicName === undefined) return { name: 'tcp', scale: 1 };
  const quic = await quicPrograms();
  const congestion = quicName === 'quic-bbr' ? 'bbr' : 'cubic';
  const flows: FlowGroup[] = [
    downloads(4, { client: 'lan', transport: 'quic', quic, congestion }),
    uploads(2, { client: 'lan' }),
  ];
  return { name: quicName, flows, scale: 0.4 };
}

const { name: load, scale = 1, ...loading } = await loadSaid();
const rows: string[][] = [];
const guest = await Guest.boot();
try {
  for (const [name, walk] of walks) {
    for (const isFollowed of words.includes('fixed') ? [true, false] : [true]) {
      const { result, said, trace } = await walkLine(guest, walk, { isFollowed, scale, ...loading });
      if (isFollowed)
        await writeFile(join(await labFolder('following'), `${name.replace(' ', '-')}-${load}.jsonl`), trace);
      const { mean, median, p95, max } = summarise(result.ping.timesMs);
      rows.push([
        ...[name, load, isFollowed ? 'followed' : 'fixed'],
        ...[mean, median, p95, max].map((ms) => ms.toFixed(0)),
        (result.downBitPerSec / 1e6).toFixed(2),
        `${((result.downBitPerSec / (rawBitPerSec(walk) * scale)) * 100).toFixed(0)} %`,
        (result.upBitPerSec / 1e6).toFixed(2),
        String(result.ping.sent - result.ping.timesMs.length),
        isFollowed ? backSec(trace, walk, scale) : '-',
      ]);
      console.log(rows.at(-1)?.join(' | '), said);
    }
  }
} finally {
  await guest.close();
}
const HEAD = [
  'line',
  'load',
  'rates',
  'mean ms',
  'p50',
  'p95',
  'max',
  'down Mbit/s',
  'of raw',
  'up',
  'pings lost',
];
console.log(table([...HEAD, 'back after s'], rows));
