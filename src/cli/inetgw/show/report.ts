/** `inetgw report`: this gateway as one JSON object, for inventories of many. Changes nothing. */
import { hostname, release } from 'node:os';
import { allErrors, type Configuration, type DeviceSection } from '../../../config/file.ts';
import { EXIT, UserError, UserErrors } from '../../../core/errors.ts';
import { VERSION } from '../../../core/version.ts';
import { hasNetAdmin } from '../../../system/exec/privilege.ts';
import { run } from '../../../system/exec/run.ts';
import { readUnits, type UnitState } from '../../../system/install/units.ts';
import { CONFIG_PATH } from '../../../system/record/configFile.ts';
import { configuration } from '../words/configured.ts';
import type { Options } from '../words/program.ts';
import { knownDevices, statusOf, type DeviceStatus } from './status.ts';

/** What `inetgw report` prints; docs/json.md explains it. */
export interface Report {
  version: string;
  /** ISO 8601. */
  readAt: string;
  host: string;
  kernel: string;
  node: string;
  architecture: string;
  /** Without it, it cannot be told whether firewall rules are in force. */
  privileged: boolean;
  /** Null: there is no file. */
  configuration: { file: string; ok: boolean; errors: string[] } | null;
  devices: ReportedDevice[];
  /** Null: systemd does not run. */
  units: UnitState[] | null;
}

export type ReportedDevice =
  | (DeviceStatus & { inForce: boolean; section: Section | null; error: null })
  /** It could not be read. */
  | { device: string; section: Section | null; error: string };

/** The keys of the file as they are written there. */
type Section = Readonly<Record<string, string>>;

export async function reportCommand(options: Options): Promise<number> {
  const { config, unread } = await readFile(options);
  const privileged = await hasNetAdmin();
  const devices: ReportedDevice[] = [];
  // One after the other: a gateway has better to do than many programs at once.
  for (const { device, section } of await knownDevices(config))
    devices.push(await reportOf(device, section, config, privileged));
  const report: Report = {
    version: VERSION,
    readAt: new Date().toISOString(),
    host: hostname(),
    kernel: release(),
    node: process.versions.node,
    architecture: process.arch,
    privileged,
    configuration: unread ?? configurationOf(config),
    devices,
    units: (await readUnits(run)) ?? null,
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  return unread === undefined && devices.every(({ error }) => error === null) ? EXIT.ok : EXIT.failed;
}

type Read = { config: Configuration | undefined; unread?: NonNullable<Report['configuration']> };

/** A file that cannot be read does not hide what is set up. */
async function readFile(options: Options): Promise<Read> {
  try {
    return { config: await configuration(options) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const file = options.config ?? CONFIG_PATH;
    return { config: undefined, unread: { file, ok: false, errors: [error.message] } };
  }
}

function configurationOf(config: Configuration | undefined): Report['configuration'] {
  if (config === undefined) return null;
  const all = allErrors(config);
  return { file: config.file, ok: all.length === 0, errors: all.map(({ message }) => message) };
}

async function reportOf(
  device: string,
  section: DeviceSection | undefined,
  config: Configuration | undefined,
  privileged: boolean,
): Promise<ReportedDevice> {
  const says = section === undefined ? null : textsOf(section);
  try {
    const status = await statusOf(device, section, config, privileged);
    return { ...status, inForce: status.state === 'shaped', section: says, error: null };
  } catch (error) {
    if (!(error instanceof UserError || error instanceof UserErrors)) throw error;
    return { device, section: says, error: error.message };
  }
}

function textsOf({ rates, values }: DeviceSection): Section {
  const words =
    rates === undefined
      ? []
      : [
          ['up', rates.up.text],
          ['down', rates.down.text],
        ];
  return Object.fromEntries([...words, ...[...values].map(([key, { text }]) => [key, text])]) as Section;
}
