/** What a run in a clean root has to show. Pure. */
import { demoAveragesMs, wrongWithDemo } from '../ci/checks.mjs';
import type { Run } from './combinations.ts';

/** A line with its figures; throws with the reason where the run is not as it has to be. */
export function judged(run: Run, exitCode: number, output: string): string {
  if (exitCode !== 0) throw new Error(`ended with ${exitCode}: ${lastError(output)}`);
  switch (run) {
    case 'demo':
      return demoFigures(output);
    case 'test':
      return found(/^(\d+ passed, 0 failed)$/m, output, 'no line says how many tests passed');
    case 'apply':
      return found(/^ *Tests +(.*)$/m, output, 'no line says how many tests passed');
    case 'packages':
      return 'installed, used and removed';
  }
}

/** The demo's own table, as CI judges it. */
function demoFigures(output: string): string {
  const wrong = wrongWithDemo(output);
  if (wrong !== undefined) throw new Error(wrong);
  const ms = demoAveragesMs(output);
  return `${ms.without} → ${ms.with} ms`;
}

function found(pattern: RegExp, output: string, otherwise: string): string {
  const text = pattern.exec(plain(output))?.[1];
  if (text === undefined) throw new Error(otherwise);
  return text.trim();
}

/** The last line that speaks of an error, else the last one. */
function lastError(output: string): string {
  const lines = plain(output).trim().split('\n');
  return (
    lines.findLast((line) => /\b(error|failed|missing|cannot)\b/i.test(line)) ??
    lines.at(-1) ??
    ''
  ).trim();
}

/** Without the colours of a terminal. */
function plain(text: string): string {
  // eslint-disable-next-line no-control-regex -- that is what colours are made of
  return text.replaceAll(/\u001b\[[\d;]*m/g, '');
}
