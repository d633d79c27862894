/** `inetgw DEV`: statistics, and what is the case; the exit code tells whether all that was set is in force. */
import { EXIT, notInForce, type UserError } from '../../../core/errors.ts';
import type { FoundCondition } from '../../../conditions/condition.ts';
import { conditionLine, isBroken, isElsewhere } from '../../../conditions/table.ts';
import { statisticsOf, statisticsText } from '../../../report/statistics/statistics.ts';
import { readConditions } from '../../../system/check/conditions.ts';
import { readCurrent, type Current } from '../../../system/device/device.ts';
import { checkDeviceName, noSuchDevice } from '../../../system/link/link.ts';
import { hasNetAdmin, requireNetAdmin } from '../../../system/exec/privilege.ts';
import { readReadings } from '../../../system/check/readings.ts';
import { run } from '../../../system/exec/run.ts';
import type { GlobalOptions } from '../words/program.ts';
import { warn } from '../../common/warn.ts';

export async function showCommand(device: string, options: GlobalOptions): Promise<number> {
  checkDeviceName(device);
  const current = await readCurrent(device, run);
  const { found, firewall } = await readConditions(current, await hasNetAdmin(), run);
  if (current.link === undefined && !isElsewhere(found)) throw await noSuchDevice(device);
  const plan = current.inForce;
  if (plan === undefined || current.record === undefined) throw absent(current, found, options);
  await requireNetAdmin('reading the counters');
  const readings = await readReadings(plan, firewall?.state === 'whole', run);
  const statistics = statisticsOf(plan, current.record.since, readings, found);
  process.stdout.write(
    `${options.json === true ? JSON.stringify(statistics, null, 2) : statisticsText(statistics)}\n`,
  );
  return isBroken(found) ? EXIT.notInForce : EXIT.ok;
}

/** The error for a device on which nothing is in force; why, and what else is the case, is told before. */
function absent(
  { device, worker, record }: Current,
  all: readonly FoundCondition[],
  options: GlobalOptions,
): UserError {
  // What is said of a plan holds for one that was in force: not before it is, nor while it is being changed.
  const found = record?.phase === 'active' ? all : all.filter(({ severity }) => severity === 'broken');
  if (options.json === true)
    process.stdout.write(`${JSON.stringify({ device, inForce: false, conditions: found }, null, 2)}\n`);
  const reasons = found.filter(({ severity }) => severity === 'broken');
  const others = found.filter(({ severity }) => severity !== 'broken');
  if (options.json !== true) for (const each of others) warn(conditionLine(each));
  const why = reasons.length === 0 ? '' : ` (${reasons.map(({ text }) => text).join('; ')})`;
  const remedies = [...new Set(reasons.map(({ remedy }) => remedy))];
  const hint =
    worker !== undefined
      ? undefined
      : remedies.length === 0
        ? `set it up with: inetgw ${device} UP DOWN`
        : remedies.join('; ');
  return notInForce(`inetgw is not in force on ${device}${why}`, hint);
}
