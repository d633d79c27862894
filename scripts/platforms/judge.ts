/** What a run in a clean root has to show. Pure. */
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

/** The demo's own table: a row without and a row with inetgw, whose average is below 100 ms. */
function demoFigures(output: string): string {
  const average = (name: string): number =>
    Number(new RegExp(`^${name} +(\\d+)`, 'm').exec(output)?.[1] ?? Number.NaN);
  const [without, withIt] = [average('without inetgw'), average('with inetgw')];
  if (Number.isNaN(without) || Number.isNaN(withIt)) throw new Error('the table lacks a row');
  if (withIt >= 100 || withIt >= without) throw new Error(`too slow an answer: ${withIt} ms`);
  return `${without} → ${withIt} ms`;
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
