/** What is said of a device that was cleared, or of one that would be. */
import type { ClearOutcome } from '../../../system/apply/clear.ts';

/** @param meant a device that there is, where this one may be a slip of it */
export function clearedText(outcome: ClearOutcome, failed: boolean, meant?: string): string {
  const alone =
    outcome.leftAlone.length === 0 ? '' : `; left alone, not set by inetgw: ${outcome.leftAlone.join(', ')}`;
  if (failed)
    return `${outcome.deviceGone ? 'the device is gone, ' : ''}cleared as far as it could be${alone}`;
  if (outcome.deviceGone)
    return outcome.cleared
      ? 'the device is gone, its rules were taken away'
      : `the device is gone, nothing to clear${meant === undefined ? '' : `; did you mean ${meant}?`}`;
  const where = outcome.newName === undefined ? '' : ` on ${outcome.newName}, as it is called now`;
  return `${outcome.cleared ? 'cleared' : 'nothing to clear'}${where}${alone}`;
}
