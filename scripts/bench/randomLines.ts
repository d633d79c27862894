/**
 * searchbw on random lines: rates, framing, buffers, path, jitter and traffic of others. How far what it finds is from
 * the line's raw rate, and how long that takes. `npx tsx scripts/bench/randomLines.ts [--auto | --grid] [--lines N]`; build
 * first. Results are kept in docs/benchmarks/searchbw.jsonl: a run can be ended and goes on where it was. Times are the
 * guest's own.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { z } from 'zod';
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { ADSL_LINE, ETHERNET, LAN_HOST, setUpLine, type LineOptions } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { keepIperf } from '../../test/lab/traffic.ts';
import { gridSearch, search, type Direction, type Found } from './searches.ts';

const RESULTS = new URL('../../docs/benchmarks/searchbw.jsonl', import.meta.url);
const SEED = 2026;
const MOST_LINES = 30;

interface RandomLine {
  options: LineOptions;
  /** What tells searchbw the framing, where it is not the default. */
  framing: string[];
  /** What comes in beside the downloads at a steady rate, as a share of the line: a film. */
  othersShare: number;
}

/** Rates from 1 to 16 Mbit/s, as likely in each octave: above, the emulation takes too long. */
const randomLine: fc.Arbitrary<RandomLine> = fc
  .record({
    octavePercent: fc.integer({ min: 0, max: 400 }),
    upPercent: fc.integer({ min: 10, max: 25 }),
    atm: fc.boolean(),
    upBufferMs: fc.integer({ min: 100, max: 2500 }),
    downBufferMs: fc.integer({ min: 50, max: 1500 }),
    pathMs: fc.integer({ min: 5, max: 60 }),
    jitterMs: fc.constantFrom(0, 0, 1, 3, 5),
    othersShare: fc.constantFrom(0, 0, 0.05, 0.1),
  })
  .map(({ octavePercent, upPercent, atm, othersShare, ...rest }) => {
    const downBitPerSec = Math.round(1000 * 2 ** (octavePercent / 100)) * 1000;
    const upBitPerSec = Math.round((downBitPerSec * upPercent) / 100_000) * 1000;
    const options = { ...ADSL_LINE, ...rest, downBitPerSec, upBitPerSec };
    return atm
      ? { options, framing: [], othersShare }
      : {
          options: { ...options, framing: ETHERNET },
          framing: ['--linklayer', 'ethernet', '--overhead', '26'],
          othersShare,
        };
  });

const HOWS = ['auto DOWN', 'auto UP', 'grid DOWN'] as const;
type How = (typeof HOWS)[number];

const record = z.object({
  number: z.number(),
  how: z.enum(HOWS),
  /** Null: nothing was recommended. */
  foundBitPerSec: z.number().nullable(),
  tookMs: z.number(),
});
type Result = z.infer<typeof record>;

/** From the provider's host to the LAN, until the line is taken down. */
async function startOthers(guest: Guest, rateBitPerSec: number): Promise<void> {
  if (rateBitPerSec === 0) return;
  const words = ['--fq-rate', String(Math.round(rateBitPerSec))];
  await keepIperf(guest, { client: 'isp', server: 'lan', address: LAN_HOST.ipv4, words, port: 5301 });
}

/** As `searchbw DEV AUTO` does: UP is measured with DOWN held to what was found for it. */
async function measure(
  guest: Guest,
  number: number,
  line: RandomLine,
  how: How,
  foundDownBitPerSec: number | null,
): Promise<Result> {
  const options = { ...line.options, lan: { nat: false } };
  const { device } = await setUpLine(guest, options);
  await startOthers(guest, line.othersShare * options.downBitPerSec);
  const [kind, direction] = how.split(' ') as ['auto' | 'grid', Direction];
  const other = direction === 'UP' && foundDownBitPerSec !== null ? [String(foundDownBitPerSec / 1000)] : [];
  const found: Found =
    kind === 'auto'
      ? await search(guest, device, direction, ['--auto', ...other, ...line.framing])
      : await gridSearch(guest, device, direction, options, line.framing);
  const foundBitPerSec = Number.isNaN(found.rateKbitPerSec) ? null : found.rateKbitPerSec * 1000;
  return { number, how, foundBitPerSec, tookMs: Math.round(found.tookMs) };
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

function rawBitPerSec({ options }: RandomLine, how: How): number {
  return how.endsWith('UP') ? options.upBitPerSec : options.downBitPerSec;
}

function report(lines: readonly RandomLine[], results: readonly Result[]): string {
  const rows = HOWS.flatMap((how) => {
    const ofIt = results.filter((result) => result.how === how && result.number < lines.length);
    if (ofIt.length === 0) return [];
    const errors = ofIt.flatMap(({ number, foundBitPerSec }) => {
      const line = lines[number];
      return line === undefined || foundBitPerSec === null
        ? []
        : [foundBitPerSec / rawBitPerSec(line, how) - 1];
    });
    const error = summarise(errors);
    const took = summarise(ofIt.map(({ tookMs }) => tookMs / 1000));
    return [
      [
        how,
        String(ofIt.length),
        String(ofIt.length - errors.length),
        percent(error.median),
        percent(error.min),
        percent(error.max),
        String(errors.filter((each) => each > 0).length),
        `${took.median.toFixed(0)} s`,
        `${took.max.toFixed(0)} s`,
      ],
    ];
  });
  const columns = ['', 'searches', 'none found', 'error, median', 'lowest', 'highest', 'above raw'];
  return table([...columns, 'took, median', 'longest'], rows);
}

const { values } = parseArgs({
  options: { auto: { type: 'boolean' }, grid: { type: 'boolean' }, lines: { type: 'string' } },
});
/** Both, unless one is named. */
const hows = HOWS.filter((how) => (how.startsWith('grid') ? values.auto !== true : values.grid !== true));
// Without bias: by itself fast-check prefers the ends of each range, which finds errors, but is not what lines are like.
const lines = fc
  .sample(fc.noBias(randomLine), { seed: SEED, numRuns: MOST_LINES })
  .slice(0, Number(values.lines ?? MOST_LINES));
const known = (await readFile(RESULTS, 'utf8').catch(() => '')).split('\n').filter((text) => text !== '');
const results = known.map((text) => record.parse(JSON.parse(text)));
/** Slow lines first: a grid takes minutes of real time there, and most of an hour on fast ones. */
const slowFirst = [...lines.entries()].sort(
  ([, one], [, other]) => one.options.downBitPerSec - other.options.downBitPerSec,
);
for (const [number, line] of slowFirst) {
  const open = hows.filter(
    (how) => !results.some((result) => result.number === number && result.how === how),
  );
  if (open.length === 0) continue;
  const guest = await Guest.boot();
  try {
    for (const how of open) {
      const down = results.find((each) => each.number === number && each.how === 'auto DOWN');
      const result = await measure(guest, number, line, how, down?.foundBitPerSec ?? null);
      results.push(result);
      await appendFile(RESULTS, `${JSON.stringify(result)}\n`);
      console.error(`line ${number}: ${JSON.stringify(line)}\n${JSON.stringify(result)}`);
    }
  } finally {
    await guest.close();
  }
}
console.log(report(lines, results));
