/**
 * How long the commands take to start, as a ratio to Node itself, in one run and in turns, so that whatever
 * else the machine does falls on both. `npx tsx scripts/bench/start.ts`; build first.
 */
import { execa } from 'execa';

const ROUNDS = 40;
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['node -e 0', ['-e', '0']],
  ['inetgw --version', ['dist/bin/inetgw.js', '--version']],
  ['searchbw --version', ['dist/bin/searchbw.js', '--version']],
  ['iprelay --version', ['dist/bin/iprelay.js', '--version']],
  ['inetgw --help', ['dist/bin/inetgw.js', '--help']],
];

const timesMs = new Map(CASES.map(([name]) => [name, [] as number[]]));
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, args] of CASES) {
    const startedAt = performance.now();
    await execa(process.execPath, args);
    timesMs.get(name)?.push(performance.now() - startedAt);
  }
}
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const base = median(timesMs.get('node -e 0') ?? []);
for (const [name, values] of timesMs) {
  console.log(
    `${name.padEnd(20)} ${median(values).toFixed(0).padStart(5)} ms  ${(median(values) / base).toFixed(2)} ×`,
  );
}
