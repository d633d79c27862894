/** What must be seen in the output of a command, beyond its exit code. Pure. */

/** The most that an average answer may take with inetgw in the demo. */
const ANSWER_MS = 100;

/** What is wrong with the demo's table; undefined if nothing is. */
export function wrongWithDemo(output) {
  const row = output.split('\n').find((line) => /^\W*with inetgw\b/.test(line));
  if (row === undefined) return 'its table has no row "with inetgw"';
  const averageMs = Number(/with inetgw\s+([\d.]+)\s/.exec(`${row} `)?.[1]);
  if (!(averageMs < ANSWER_MS))
    return `with inetgw the average answer takes ${averageMs} ms, not below ${ANSWER_MS}`;
  return undefined;
}

/** The counts in the last line of `npm test`; undefined if it does not end with them. */
export function countsOf(output) {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const found = /^(\d+) passed, (\d+) failed$/.exec(last);
  return found === null ? undefined : { passed: Number(found[1]), failed: Number(found[2]) };
}
