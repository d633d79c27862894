/** `inetgw DEV`: statistics, and what is the case; the exit code tells whether all that was set is in force. */
import { EXIT, notInForce, type UserError } from '../../../core/errors.ts';
import { wrapLines } from '../../../core/wrap.ts';
import { conditionLine } from '../../../conditions/table.ts';
import { statisticsText } from '../../../report/statistics/statistics.ts';
import { checkDeviceName, noSuchDevice } from '../../../system/link/link.ts';
import { outputColumns } from '../../common/columns.ts';
import type { GlobalOptions } from '../words/program.ts';
import { warn } from '../../common/warn.ts';
import { readDevice, type ReadDevice } from './readDevice.ts';

export async function showCommand(device: string, options: GlobalOptions): Promise<number> {
  checkDeviceName(device);
  const read = await readDevice(device);
  if (read.isAbsent) throw await noSuchDevice(device);
  const { statistics, isWhole } = read;
  if (statistics === undefined) throw absent(read, options);
  const text =
    options.json === true
      ? JSON.stringify(statistics, null, 2)
      : wrapLines(statisticsText(statistics), outputColumns());
  process.stdout.write(`${text}\n`);
  return isWhole ? EXIT.ok : EXIT.notInForce;
}

/** The error for a device on which nothing is in force; why, and what else is the case, is told before. */
function absent(
  { current: { device, changedBy }, conditions }: ReadDevice,
  options: GlobalOptions,
): UserError {
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ device, inForce: false, conditions }, null, 2)}\n`);
  const reasons = conditions.filter(({ severity }) => severity === 'broken');
  const others = conditions.filter(({ severity }) => severity !== 'broken');
  if (options.json !== true) for (const each of others) warn(conditionLine(each));
  const why = reasons.length === 0 ? '' : ` (${reasons.map(({ text }) => text).join('; ')})`;
  const remedies = [...new Set(reasons.map(({ remedy }) => remedy))];
  const hint =
    changedBy !== undefined
      ? undefined
      : remedies.length === 0
        ? `set it up with: inetgw ${device} UP DOWN`
        : remedies.join('; ');
  return notInForce(`inetgw is not in force on ${device}${why}`, hint);
}
