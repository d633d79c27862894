/**
 * The forms of the lab. LAB_FIRST=1, as `npm test` sets it: the first files of `files.ts`, and of what their tests state
 * once what a user meets first. Without: the short form (`npm run test:lab`), which leaves out what repeats a fact, a
 * second firewall tool, a second address family, each line where every few lines say the same. LAB_LONG=1: everything
 * (`npm run test:long`).
 */
export const LONG = process.env['LAB_LONG'] === '1';
export const FIRST = process.env['LAB_FIRST'] === '1' && !LONG;

/** All of them in the long form, the first `count` otherwise. */
export function firstOf<T>(all: readonly T[], count = 1): readonly T[] {
  return LONG ? all : all.slice(0, count);
}
