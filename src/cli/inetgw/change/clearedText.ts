/** What is said of a device that was cleared, or of one that would be. */
import type { ClearOutcome } from '../../../system/apply/clear.ts';

export function clearedText(outcome: ClearOutcome, failed: boolean): string {
  const alone =
    outcome.leftAlone.length === 0 ? '' : `; left alone, not set by inetgw: ${outcome.leftAlone.join(', ')}`;
  if (failed)
    return `${outcome.deviceGone ? 'the device is gone, ' : ''}cleared as far as it could be${alone}`;
  if (outcome.deviceGone)
    return `the device is gone${outcome.cleared ? ', its rules were taken away' : ', nothing to clear'}`;
  const where = outcome.newName === undefined ? '' : ` on ${outcome.newName}, as it is called now`;
  return `${outcome.cleared ? 'cleared' : 'nothing to clear'}${where}${alone}`;
}
