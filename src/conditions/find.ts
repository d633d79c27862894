/** What of a list of conditions is the case. Apart from the table of all of them, which an apply does without. Pure. */
import type { Condition, ConditionReadings, FoundCondition } from './condition.ts';

/** In the order of the list. */
export function conditionsOf(readings: ConditionReadings, list: readonly Condition[]): FoundCondition[] {
  return list.flatMap(({ id, severity, remedy, find }) =>
    find(readings).map((text) => ({ id, severity, text, remedy: remedy.replaceAll('DEV', readings.device) })),
  );
}
