/** What is run in clean roots: which suite, which Node, which command of the README. Pure. */

export type Run = 'demo' | 'test' | 'packages' | 'apply';

export interface Combination {
  suite: (typeof SUITES)[number];
  /** Major version, from npm. */
  node: 20 | 22 | 24;
  run: Run;
}

export const SUITES = ['bookworm', 'trixie', 'sid'] as const;
export const NODES = [20, 22, 24] as const;
export const RUNS = ['demo', 'test', 'packages', 'apply'] as const;

/**
 * All that the table has, those that take longest last. In the newest suite `npm test` alone is run. Debian 11 is left out: its
 * QEMU is too old for the lab. The tests run in guests of it instead (`npm run platforms -- bullseye --cell test`).
 */
export const COMBINATIONS: readonly Combination[] = [
  ...(['demo', 'apply', 'packages', 'test'] as const).flatMap((run) =>
    (['bookworm', 'trixie'] as const).flatMap((suite) => NODES.map((node) => ({ suite, node, run }))),
  ),
  { suite: 'sid', node: 20, run: 'test' },
];

export const nameOf = ({ suite, node, run }: Combination): string => `${suite} ${node} ${run}`;

/** Those that take at most ten minutes on two idle cores. */
const SHORT: readonly Run[] = ['demo', 'apply', 'packages'];

/**
 * The one whose turn it is: another each day, so that each has its turn within as many days as there are, and a
 * failure can be had again the same day.
 */
export function ofTheDay(date: Date): Combination {
  const short = COMBINATIONS.filter(({ run }) => SHORT.includes(run));
  const day = Math.floor(date.getTime() / 86_400_000);
  const chosen = short[day % short.length];
  if (chosen === undefined) throw new Error('there is no combination');
  return chosen;
}
