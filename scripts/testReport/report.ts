/** What a run of the tests came to, and the lines that close its output. Pure. */

export interface TestReport {
  passed: number;
  /** Tests, hooks and files that failed, in the order of the run. */
  failures: Failure[];
  /** Tests that failed at first and passed when tried again; `passed` counts them. */
  secondTries: Failure[];
  /** Names of tests that were not run: a long form, or nothing that this machine can run. */
  left: string[];
}

export interface Failure {
  name: string;
  /** Of any number of lines; may be coloured. */
  message: string;
}

/** So many lines tell all failures together: with the counts they fit into the last 100 lines of an output. */
const LINES_FOR_ALL = 80;
const LINES_FOR_ONE = 12;

/**
 * The lines after all others: what was not run, what passed only at a second try, what failed, each with the first lines of
 * its message; then how many passed and failed, alone in the last line.
 */
export function closingLines({ passed, failures, secondTries, left }: TestReport): string[] {
  const told = failures.length + secondTries.length;
  const each = Math.min(LINES_FOR_ONE, Math.floor(LINES_FOR_ALL / Math.max(1, told)) - 1);
  const tell = (what: string, { name, message }: Failure): string[] => [
    `== ${what}: ${oneLine(name)}`,
    ...firstLines(message, each).map((line) => `   ${line}`),
  ];
  return [
    ...left.map((name) => `== not run: ${oneLine(name)}`),
    ...secondTries.flatMap((failure) => tell('passed at the second try', failure)),
    ...failures.flatMap((failure) => tell('failed', failure)),
    `${passed} passed, ${failures.length} failed`,
  ];
}

/** Without colours and empty lines. */
function firstLines(text: string, most: number): string[] {
  const lines = plain(text)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.slice(0, Math.max(0, most)).map((line) => line.trimEnd());
}

function oneLine(text: string): string {
  return plain(text)
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
}

function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- that is what colours are made of
  return text.replaceAll(/\u001b\[[\d;]*m/g, '').replaceAll('\r', '');
}
