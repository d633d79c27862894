/**
 * `inetgw clear --all`: every device that is set up or paused, in this and in other network namespaces. What cannot be
 * cleared keeps none of the others from it.
 */
import { EXIT, usageError, UserError, UserErrors } from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { clear } from '../../../system/apply/clear.ts';
import { withLock } from '../../../system/record/lock.ts';
import {
  clearThere,
  forgetNamespace,
  otherNamespaces,
  type OtherNamespace,
} from '../../../system/link/namespaces.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { run, type Runner } from '../../../system/exec/run.ts';
import { finishDespiteSignals } from '../../../system/exec/signals.ts';
import { knownDevices } from '../../../system/record/paused.ts';
import type { Options } from '../words/program.ts';
import { clearedText } from './clearedText.ts';
import { verboseRunner } from '../words/verbose.ts';
import { warn } from '../../common/warn.ts';

export interface Recorded {
  /** In this network namespace. */
  devices: readonly string[];
  elsewhere: readonly OtherNamespace[];
}

export async function findRecorded(): Promise<Recorded> {
  return { devices: await knownDevices(), elsewhere: await otherNamespaces() };
}

/** What could not be done for a device, and the command that does it later. */
export class ClearError extends UserError {
  readonly command: string;

  constructor(device: string, command: string, { exitCode, message, hint, cause }: UserError) {
    super(exitCode, `${device}: ${message}`, hint, { cause });
    this.command = command;
  }
}

export async function clearAllCommand(options: Options): Promise<number> {
  if (options.json === true)
    throw usageError('--json does not go with clear --all', 'its exit code tells whether all went well');
  if (options.dryRunScript === true)
    throw usageError('--dry-run=script does not go with clear --all', 'for one device: inetgw DEV clear');
  const recorded = await findRecorded();
  const say = (text: string): void => {
    if (options.quiet !== true) process.stdout.write(`${printableLine(text)}\n`);
  };
  const wouldDo = wouldBeCleared(recorded);
  if (options.dryRun === true || wouldDo.length === 0) {
    for (const line of wouldDo) process.stdout.write(`${printableLine(line)}\n`);
    if (wouldDo.length === 0) say('no device is shaped: nothing to clear');
    return EXIT.ok;
  }
  await requireNetAdmin('taking queues away');
  const runner = options.verbose === true ? verboseRunner(run) : run;
  return finishDespiteSignals(async () => {
    const failures = await clearRecorded(recorded, runner, say);
    if (failures.length > 0) throw new UserErrors(failures);
    return EXIT.ok;
  });
}

/** A line for each device and each namespace that is gone. */
export function wouldBeCleared({ devices, elsewhere }: Recorded): string[] {
  return [
    ...devices.map((device) => `${device}: would be cleared`),
    ...elsewhere.flatMap((namespace) =>
      namespace.path === undefined
        ? [`${namespace.folder}: would be removed, its network namespace is gone`]
        : namespace.devices.map(
            (device) => `${device} in the network namespace ${namespace.name}: would be cleared`,
          ),
    ),
  ];
}

/** Clears them one after the other; gives what could not be taken away. */
export async function clearRecorded(
  { devices, elsewhere }: Recorded,
  runner: Runner,
  say: (text: string) => void,
): Promise<ClearError[]> {
  const failures: ClearError[] = [];
  const note = (device: string, command: string, error: unknown): void => {
    if (!(error instanceof UserError)) throw error;
    failures.push(new ClearError(device, command, error));
  };
  for (const device of devices) {
    const command = `inetgw ${device} clear`;
    try {
      const cleared = await withLock(
        device,
        () => clear(device, runner),
        ({ message }) => {
          warn(`${device}: cleared without a lock: ${message}`);
        },
      );
      say(`${device}: ${clearedText(cleared, cleared.failures.length > 0)}`);
      for (const each of cleared.failures) note(device, command, each);
    } catch (error) {
      note(device, command, error);
    }
  }
  for (const namespace of elsewhere) await clearNamespace(namespace, runner, say, note);
  return failures;
}

async function clearNamespace(
  namespace: OtherNamespace,
  runner: Runner,
  say: (text: string) => void,
  note: (device: string, command: string, error: unknown) => void,
): Promise<void> {
  const { name, path, folder } = namespace;
  if (path === undefined) {
    const error = await forgetNamespace(namespace);
    if (error === undefined) say(`${folder}: removed, its network namespace is gone`);
    else note(folder, `rm -r ${folder}`, error);
    return;
  }
  for (const device of namespace.devices) {
    try {
      const { said, warnings } = await clearThere(namespace, device, runner);
      say(`${device} in the network namespace ${name}: ${said}`);
      for (const each of warnings) warn(`${device} in the network namespace ${name}: ${each}`);
    } catch (error) {
      const enter = path === `/run/netns/${name}` ? `ip netns exec ${name}` : `nsenter --net=${path}`;
      note(device, `${enter} inetgw ${device} clear`, error);
    }
  }
}
