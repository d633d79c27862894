/** What must be seen in the output of a command, beyond its exit code. Pure. */

/** The most that an average answer may take with inetgw in the demo. */
const ANSWER_MS = 100;

/** The average answers that the demo's table tells, in ms; NaN where there is no such row, or no figure in it. */
export function demoAveragesMs(output) {
  const average = (name) => Number(new RegExp(`^\\W*${name} +([\\d.]+)(?: |$)`, 'm').exec(output)?.[1]);
  return { without: average('without inetgw'), with: average('with inetgw') };
}

/** What is wrong with the demo's table; undefined if nothing is. */
export function wrongWithDemo(output) {
  const ms = demoAveragesMs(output);
  for (const name of ['without', 'with'])
    if (Number.isNaN(ms[name])) return `its table has no row "${name} inetgw" with an average answer`;
  if (ms.with >= ANSWER_MS)
    return `with inetgw the average answer takes ${ms.with} ms, not below ${ANSWER_MS}`;
  if (ms.with >= ms.without)
    return `with inetgw the average answer takes ${ms.with} ms, without it ${ms.without} ms`;
  return undefined;
}

/** The counts in the last line of `npm test`; undefined if it does not end with them. */
export function countsOf(output) {
  const last = output.trimEnd().split('\n').at(-1) ?? '';
  const found = /^(\d+) passed, (\d+) failed$/.exec(last);
  return found === null ? undefined : { passed: Number(found[1]), failed: Number(found[2]) };
}

/** What an output of tests tells of those that failed or passed only at a second try: scripts/testReport/report.ts. */
export function toldFailures(output) {
  const told = [];
  let within = false;
  for (const line of output.split('\n')) {
    const begins = /^== (?:failed|passed at the second try): /.test(line);
    within = begins || (within && /^ {3}/.test(line));
    if (within) told.push(begins ? line.slice('== '.length) : line);
  }
  return told;
}

/** Lines of the end of an output that say why it failed, where nothing else does. */
const LAST_LINES = 15;

/** The last lines, without empty ones. */
export function lastLines(output) {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-LAST_LINES)
    .map((line) => `   ${line}`);
}
