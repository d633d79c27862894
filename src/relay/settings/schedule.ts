/**
 * The course of a bandwidth over time, from a text file: one step per line, `SECONDS BYTES_PER_SECOND`, the
 * first word is how long the step lasts, `off` is no limit and 0 an outage; `#` begins a comment. After the
 * last step it begins anew.
 */
import { parseDurationMs, parseRateBytePerSec } from '../../core/units.ts';
import { adviceOn } from './variables.ts';

export interface ScheduleStep {
  readonly lastsMs: number;
  /** Bytes per second; 0 lets nothing pass, undefined everything. */
  readonly rateBytesPerSec: number | undefined;
}

/** The steps, or what is wrong in which line. */
export function parseSchedule(text: string): readonly ScheduleStep[] | string {
  const steps: ScheduleStep[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] === '') continue;
    const [lasts = '', rate = '', more] = words;
    const lastsMs = /^[\d.]+$/.test(lasts) ? Number(lasts) * 1000 : parseDurationMs(lasts);
    const rateBytesPerSec = rate === 'off' ? undefined : parseRateBytePerSec(rate);
    const badRate = rate !== 'off' && rateBytesPerSec === undefined;
    const where = `line ${index + 1}`;
    if (lastsMs === undefined || badRate || more !== undefined) {
      return `${where}: expected 'SECONDS BYTES_PER_SECOND', got '${line.trim()}'${badRate ? adviceOn(rate) : ''}`;
    }
    if (!(lastsMs >= 1 && lastsMs <= 86_400_000)) {
      return `${where}: a step lasts from 1 ms to a day, not '${lasts}'`;
    }
    steps.push({ lastsMs, rateBytesPerSec });
  }
  return steps.length === 0 ? 'no steps in it' : steps;
}

/** The step in force so long after the start, and when the next begins. */
export function stepAt(
  steps: readonly ScheduleStep[],
  elapsedMs: number,
): { step: ScheduleStep; nextInMs: number } | undefined {
  const totalMs = steps.reduce((sum, step) => sum + step.lastsMs, 0);
  let restMs = totalMs > 0 ? elapsedMs % totalMs : 0;
  for (const step of steps) {
    if (restMs < step.lastsMs) return { step, nextInMs: step.lastsMs - restMs };
    restMs -= step.lastsMs;
  }
  const step = steps[0];
  return step === undefined ? undefined : { step, nextInMs: step.lastsMs };
}
