/** `inetgw apply` and `inetgw apply DEV`: what the configuration file says. */
import type { DeviceSection } from '../../../config/file.ts';
import { requireFaultless } from '../../../config/file.ts';
import { configError, EXIT, UserError, UserErrors } from '../../../core/errors.ts';
import { setUpRank } from '../../../plan/input/layers.ts';
import { readLayers } from '../../../system/link/layers.ts';
import { checkDeviceName, findLink, isUp } from '../../../system/link/link.ts';
import { requireConfiguration, requireSection, settingsOfSection, warnOfFile } from '../words/configured.ts';
import type { Options } from '../words/program.ts';
import { applySettings, requireDevice } from './apply.ts';
import { reportError } from '../../common/main.ts';
import { warn } from '../../common/warn.ts';

export async function applyOneFromFile(device: string, options: Options): Promise<number> {
  checkDeviceName(device);
  const config = await requireConfiguration(options);
  warnOfFile(config);
  const section = requireSection(config, device);
  const checked = settingsOfSection(section, options);
  if (checked === undefined) {
    throw configError(`${config.file} has no rates for ${device}`, `write up and down into its section`);
  }
  await requireDevice(device, options);
  return applySettings(checked, options);
}

/**
 * Everything in the file is checked before the first device is touched. A device that is absent or down is
 * said and no error; one that fails does not keep the others from being set up. In the order of the file, tunnels last.
 */
export async function applyAllFromFile(options: Options): Promise<number> {
  const config = await requireConfiguration(options);
  requireFaultless(config);
  const say = (text: string): void => {
    if (options.quiet !== true) warn(text);
  };
  if (config.sections.length === 0) say(`${config.file} has no section for a device: nothing to do`);
  // All of them before the first change, so that a wrong environment or flag stops everything.
  const ready = config.sections.map((section) => ({ section, checked: settingsOfSection(section, options) }));
  const ranks = new Map(
    await Promise.all(
      config.sections.map(async ({ device }) => [device, setUpRank(await readLayers(device))] as const),
    ),
  );
  const rank = ({ device }: DeviceSection): number => ranks.get(device) ?? 0;
  ready.sort((a, b) => rank(a.section) - rank(b.section));
  const failures: UserError[] = [];
  let code: number = EXIT.ok;
  for (const { section, checked } of ready) {
    const why = checked === undefined ? `${config.file} has no rates for it` : await whyNotNow(section);
    if (why !== undefined || checked === undefined) {
      say(`${section.device}: left alone, ${why ?? ''}`);
      continue;
    }
    try {
      code = await applySettings(checked, options);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failures.push(new UserError(error.exitCode, `${section.device}: ${error.message}`, error.hint));
    }
    // A signal came: the device in hand was finished, the next one is not begun.
    if (code !== EXIT.ok) break;
  }
  if (failures.length === 0) return code;
  const failed = new UserErrors(failures);
  if (code === EXIT.ok) throw failed;
  reportError('inetgw', failed, process.stderr);
  return code;
}

async function whyNotNow({ device }: DeviceSection): Promise<string | undefined> {
  if ((await findLink(device)) === undefined) return 'there is no such device now';
  return (await isUp(device)) ? undefined : 'it is down';
}
