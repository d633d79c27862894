/**
 * The benchmark of the loaded line: `npm run bench [-- --quick] [--line L] [--load L] [--shaper S] [--share N] [--again]`,
 * and with `--loads homes` that of several hosts (../homes).
 * Points that stand in the results' file already are not measured again, so a run can be ended at any time.
 * Times are the guest's own, hence independent of how busy this machine is.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { Guest } from '../../../test/lab/guest.ts';
import { runHomes } from '../homes/main.ts';
import { LINE_NAMES, LINES, type LineName } from './lines.ts';
import { measurePoint } from './measurePoint.ts';
import { FULL, keyOf, LOAD_NAMES, pointsOf, QUICK, type LoadName, type Point } from './points.ts';
import { appendResult, readResults, RESULTS_FILE, type Measured } from './results.ts';
import { textReport } from './report.ts';
import { SHAPER_NAMES, type ShaperName } from './shapers.ts';

interface Options {
  quick?: boolean;
  line?: LineName[];
  load?: LoadName[];
  shaper?: ShaperName[];
  share?: number[];
  again?: boolean;
  results: string;
}

function optionsOf(argv: readonly string[]): Options {
  return new Command('npm run bench --')
    .description('Shapers side by side on loaded lines, on a real kernel in an emulated machine.')
    .addOption(
      new Option('--loads <set>', 'homes: several hosts, with options of its own').choices(['homes']),
    )
    .option('--quick', 'a few points on one line: minutes instead of hours')
    .addOption(new Option('--line <name...>').choices(LINE_NAMES))
    .addOption(new Option('--load <name...>').choices(LOAD_NAMES))
    .addOption(new Option('--shaper <name...>').choices(SHAPER_NAMES))
    .addOption(
      new Option('--share <share...>', 'of the raw rate, 0 to 1').argParser(
        (word: string, earlier: number[] | undefined) => [...(earlier ?? []), shareFrom(word)],
      ),
    )
    .option('--again', 'measure also what has been measured')
    .option('--results <file>', 'where results are kept', RESULTS_FILE)
    .parse(argv, { from: 'user' })
    .opts<Options>();
}

function shareFrom(word: string): number {
  const share = Number(word);
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('More than 0, at most 1: 0.975 is 97.5 %.');
  return share;
}

async function main(argv: readonly string[]): Promise<void> {
  const options = optionsOf(argv);
  const base = options.quick === true ? QUICK : FULL;
  const points = pointsOf({
    ...base,
    lines: options.line ?? base.lines,
    loads: options.load ?? base.loads,
    shapers: options.shaper ?? base.shapers,
    shares: options.share ?? base.shares,
  });
  const known = options.again === true ? new Map<string, Measured>() : await readResults(options.results);
  const open = points.filter((point) => !known.has(keyOf(point)));
  console.error(`${points.length} points, ${points.length - open.length} of them known`);
  if (open.length > 0) await measureAll(open, options.results);
  const all = await readResults(options.results);
  console.log(textReport(points.flatMap((point) => all.get(keyOf(point)) ?? [])));
}

/** A machine that is busy with other things can make the guest miss a time limit: then another one takes over. */
const MOST_FAILURES = 5;

async function measureAll(points: readonly Point[], file: string): Promise<void> {
  const startMs = Date.now();
  let running: { guest: Guest; line: LineName } | undefined;
  let failures = 0;
  const renew = async (line: LineName): Promise<Guest> => {
    await running?.guest.close();
    running = undefined;
    const guest = await Guest.boot(LINES[line].guest);
    running = { guest, line };
    return guest;
  };
  const measured = async (point: Point): Promise<Measured> => {
    for (;;) {
      const guest = running?.line === point.line ? running.guest : await renew(point.line);
      try {
        return { ...point, figures: await measurePoint(guest, point) };
      } catch (error) {
        if (++failures > MOST_FAILURES) throw error;
        console.error(`${keyOf(point)}: ${error instanceof Error ? error.message : String(error)}`);
        await renew(point.line);
      }
    }
  };
  try {
    for (const [index, point] of points.entries()) {
      await appendResult(file, await measured(point));
      const leftMin = ((Date.now() - startMs) / (index + 1)) * ((points.length - index - 1) / 60_000);
      console.error(`${index + 1}/${points.length} ${keyOf(point)}; about ${leftMin.toFixed(0)} min left`);
    }
  } finally {
    await running?.guest.close();
  }
}

const argv = process.argv.slice(2);
const isHomes = argv.some(
  (word, at) => word === '--loads=homes' || (word === '--loads' && argv[at + 1] === 'homes'),
);
await (isHomes ? runHomes(argv) : main(argv));
