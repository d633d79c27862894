/** `inetgw DEV`: statistics; the exit code tells whether all that was set is in force. */
import { EXIT, notInForce } from '../errors.ts';
import { statisticsOf, statisticsText } from '../report/statistics.ts';
import { readCurrent } from '../system/device.ts';
import { checkDeviceName, noSuchDevice } from '../system/link.ts';
import { requireNetAdmin } from '../system/privilege.ts';
import { readReadings } from '../system/readings.ts';
import { run } from '../system/run.ts';
import type { GlobalOptions } from './inetgwProgram.ts';

export async function showCommand(device: string, options: GlobalOptions): Promise<number> {
  checkDeviceName(device);
  const current = await readCurrent(device, run);
  if (current.link === undefined) throw await noSuchDevice(device);
  const plan = current.inForce;
  if (plan === undefined || current.record === undefined) {
    const why = current.notices.length === 0 ? '' : ` (${current.notices.join('; ')})`;
    const hint = current.worker === undefined ? `set it up with: inetgw ${device} UP DOWN` : undefined;
    throw notInForce(`inetgw is not in force on ${device}${why}`, hint);
  }
  await requireNetAdmin('reading the counters');
  const readings = await readReadings(plan, run);
  const statistics = statisticsOf(plan, current.record.since, readings, current.notices);
  process.stdout.write(
    `${options.json === true ? JSON.stringify(statistics, null, 2) : statisticsText(statistics)}\n`,
  );
  return statistics.warnings.length === 0 ? EXIT.ok : EXIT.notInForce;
}
