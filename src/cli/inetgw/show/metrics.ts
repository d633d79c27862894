/** `inetgw metrics [DEV]`: what `inetgw DEV --json` tells, for Prometheus. */
import { EXIT, type ExitCode, usageError, UserError } from '../../../core/errors.ts';
import { exposition } from '../../../core/exposition.ts';
import { VERSION } from '../../../core/version.ts';
import { parsePerHost } from '../../../report/metrics/hosts.ts';
import { metricsOf, type DeviceReport } from '../../../report/metrics/metrics.ts';
import { HostNamesFile } from '../../../system/device/hostNames.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { replaceNamedFile } from '../../../system/record/replaceFile.ts';
import { checkDeviceName, noSuchDevice } from '../../../system/link/link.ts';
import { knownDevices } from '../../../system/record/paused.ts';
import { warn } from '../../common/warn.ts';
import type { GlobalOptions } from '../words/program.ts';
import { readDevice } from './readDevice.ts';

/** Without a device: all that are set up or paused. What is not in force is no failure here: the metrics tell it. */
export async function metricsCommand(device: string | undefined, options: GlobalOptions): Promise<number> {
  if (device !== undefined) checkDeviceName(device);
  const perHost = options.perHost === undefined ? 0 : parsePerHost(options.perHost);
  if (options.names !== undefined && perHost === 0)
    throw usageError('--names goes with --per-host: no other series has names', 'add --per-host 20');
  await requireNetAdmin('reading the counters');
  let code: ExitCode = EXIT.ok;
  const names =
    options.names === undefined ? undefined : await (await HostNamesFile.open(options.names)).read();
  const reports: DeviceReport[] = [];
  // One after the other: a gateway has better to do than many programs at once.
  for (const each of device === undefined ? await knownDevices() : [device]) {
    const report = await reportOf(each, device !== undefined);
    if (report.reading === undefined) code = EXIT.failed;
    reports.push({ ...report, names });
  }
  const text = exposition(metricsOf(reports, VERSION, perHost));
  if (options.output === undefined) process.stdout.write(text);
  else await replaceNamedFile(options.output, text);
  return code;
}

/** A device that cannot be read is told in the metrics, and does not hide others. Throws for a name that no device has. */
async function reportOf(device: string, isNamed: boolean): Promise<DeviceReport> {
  try {
    const { current, isAbsent, ...reading } = await readDevice(device);
    if (!(isNamed && isAbsent && current.record === undefined))
      return { device, reading: { ...reading, phase: current.record?.phase } };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    warn(`${device} could not be read: ${error.message}`);
    return { device, reading: undefined };
  }
  throw await noSuchDevice(device);
}
