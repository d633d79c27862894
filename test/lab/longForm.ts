/**
 * The lab's long form: LAB_LONG=1, as `npm run test:long` sets it. The short form, which `npm test` runs, leaves out what
 * repeats a fact: a second firewall tool, a second address family, each line where every few lines say the same.
 */
export const LONG = process.env['LAB_LONG'] === '1';

/** All of them in the long form, the first `count` in the short one. */
export function firstOf<T>(all: readonly T[], count = 1): readonly T[] {
  return LONG ? all : all.slice(0, count);
}
