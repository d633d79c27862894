/**
 * Which files of the lab `npm test` runs, and which, of the lab and beside it, wait for their turn. Pure. Each list has the longest
 * first, so that of the two guests none is left with a long file in the end (`longestFirst.ts` orders them so).
 */

/**
 * Those of `npm test`: what a user meets first. Of files that are in a turn as well only a part is run here (`FIRST` in
 * `test/lab/forms.ts`).
 */
export const FIRST_FILES: readonly string[] = [
  ...['lifecycle', 'searchbw', 'pacing', 'ingress', 'examples', 'line', 'egress', 'following'],
  ...['loadedLine', 'heal', 'check', 'metrics', 'watch', 'hosts', 'program', 'delay'],
];

/** All others, in parts that take two idle cores about a quarter of an hour each; CI runs one, another each day. */
export const TURNS: readonly (readonly string[])[] = [
  ['searchbw', 'tunnels', 'shape', 'marks', 'changes'],
  ['lifecycle', 'following', 'quic', 'uplinks', 'limits', 'hosts', 'accounts', 'flows'],
  ['pacing', 'kill', 'foreign', 'acks', 'page', 'pageChanges', 'flowtables', 'relayChain', 'roundTrips'],
  ['conditions', 'ingress', 'answerTimes', 'wayback', 'gateway', 'article', 'fleet', 'guest'],
];

/** Tests beside the lab that take minutes each: one goes with a turn, in this order, as long as there are any. */
export const COMMAND_TURNS: readonly string[] = ['clone', 'recipes', 'ansible'];

/** In the long form alone: they boot a system of their own, or take an hour (`npm run faults`). */
export const LONG_FILES: readonly string[] = [
  ...['systemd', 'units'],
  ...['faults', 'faultsMeanwhile', 'faultsSearchbw'],
];

export const pathOf = (name: string): string => `test/lab/${name}.test.ts`;

export const commandPathOf = (name: string): string => `test/cli/${name}.test.ts`;

/** The turn of a day, from 0: a failure can be had again the same day, and by `npm run test:lab -- --turn N` later. */
export function turnOfTheDay(date: Date): number {
  return Math.floor(date.getTime() / 86_400_000) % TURNS.length;
}
