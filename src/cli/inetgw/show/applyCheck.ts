/** `inetgw apply --check`: what `inetgw apply` would change, for whoever keeps many gateways as their files say. Changes nothing. */
import { requireFaultless, type Configuration, type DeviceSection } from '../../../config/file.ts';
import { EXIT, usageError, UserError } from '../../../core/errors.ts';
import { prepare, type Prepared } from '../../../system/apply/apply.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { run } from '../../../system/exec/run.ts';
import { sameValue } from '../../../tc/sameValue.ts';
import { settleDoubts } from '../change/doubts.ts';
import { requireConfiguration, requireSection, settingsOfSection, warnOfFile } from '../words/configured.ts';
import { warn } from '../../common/warn.ts';
import type { Options } from '../words/program.ts';
import { statusOf, type DeviceStatus } from './status.ts';

export interface DeviceOutlook {
  device: string;
  outlook: 'as the file says' | 'would be set up' | 'left alone' | 'would fail';
  why: string;
}

export async function applyCheckCommand(device: string | undefined, options: Options): Promise<number> {
  if (options.dryRun === true)
    throw usageError(
      'take one of --check, which tells whether, and --dry-run, which tells what would be run',
    );
  const config = await requireConfiguration(options);
  const sections = sectionsFor(config, device);
  if (sections.length === 0 && options.quiet !== true)
    warn(`${config.file} has no section: nothing to check`);
  await requireNetAdmin('comparing the firewall rules');
  const devices: DeviceOutlook[] = [];
  for (const each of sections) devices.push(await outlookOf(each, config, options));
  if (options.json === true) process.stdout.write(`${JSON.stringify(reportOf(devices), null, 2)}\n`);
  else if (options.quiet !== true)
    for (const each of devices) process.stdout.write(`${each.device}: ${each.outlook}: ${each.why}\n`);
  if (devices.some(({ outlook }) => outlook === 'would fail')) return EXIT.failed;
  return reportOf(devices).wouldChange ? EXIT.notInForce : EXIT.ok;
}

/** As `inetgw apply` has it: of one device, errors in the sections of others do not matter. */
function sectionsFor(config: Configuration, device: string | undefined): readonly DeviceSection[] {
  if (device !== undefined) {
    warnOfFile(config);
    return [requireSection(config, device)];
  }
  requireFaultless(config);
  return config.sections;
}

const reportOf = (devices: readonly DeviceOutlook[]) => ({
  wouldChange: devices.some(({ outlook }) => outlook === 'would be set up'),
  devices,
});

async function outlookOf(
  section: DeviceSection,
  config: Configuration,
  options: Options,
): Promise<DeviceOutlook> {
  const { device } = section;
  const checked = settingsOfSection(section, options);
  const status = await statusOf(device, section, config, true);
  const left = whyLeftAlone(status);
  if (checked === undefined) return { device, outlook: 'left alone', why: 'the file has no rates for it' };
  if (left !== undefined) return { device, outlook: 'left alone', why: left };
  try {
    const replace = options.replace === true;
    const settings = await settleDoubts(checked, options, false);
    const prepared = await prepare(settings, { run, replace, rehearse: false });
    const why = whatDiffers(status, prepared);
    if (why === undefined) return { device, outlook: 'as the file says', why: 'all of it is in force' };
    return { device, outlook: 'would be set up', why };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { device, outlook: 'would fail', why: error.message };
  }
}

function whyLeftAlone({ link, state }: DeviceStatus): string | undefined {
  if (link !== 'up') return link === 'down' ? 'it is down' : 'there is no such device now';
  return state === 'measured' ? 'searchbw measures it now' : undefined;
}

/** Undefined: `inetgw apply` comes to what stands. */
function whatDiffers({ conditions }: DeviceStatus, { plan, queues, current }: Prepared): string | undefined {
  const { inForce } = current;
  if (inForce === undefined) return 'nothing is in force';
  const gone = conditions.filter(({ severity }) => severity === 'broken').map(({ id }) => id);
  if (gone.length > 0) return `not all of what was set is in force (${gone.join(', ')})`;
  if (queues.lines.length > 0) return `queues: ${queues.how === 'anew' ? 'made anew' : 'changed in place'}`;
  if (!sameValue(plan.firewall, inForce.firewall)) return 'other firewall rules';
  const rest = (each: typeof plan) => [each.pacing, each.follows, each.framing];
  return sameValue(rest(plan), rest(inForce)) ? undefined : 'other settings of window pacing or limits';
}
