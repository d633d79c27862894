/** `inetgw DEV UP DOWN` and `inetgw DEV clear`. */
import type { SettingsResult } from '../../../config/fromArguments.ts';
import { EXIT, failure, UserErrors, type UserError } from '../../../core/errors.ts';
import { closest } from '../../../core/suggest.ts';
import { describeFraming } from '../../../plan/input/framing.ts';
import { framingAssumption } from '../../../plan/input/framingChoice.ts';
import { hasStages, INGRESS_KINDS } from '../../../plan/input/ingressKinds.ts';
import type { Plan } from '../../../plan/plan.ts';
import { apply, type Prepared } from '../../../system/apply/apply.ts';
import { clear } from '../../../system/apply/clear.ts';
import { checkDeviceName, findLink, listDevices, readLink } from '../../../system/link/link.ts';
import { withLock } from '../../../system/record/lock.ts';
import { confirmPause, isPauseBegun } from '../../../system/record/paused.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { run as runProgram } from '../../../system/exec/run.ts';
import { finishDespiteSignals } from '../../../system/exec/signals.ts';
import { formatRate } from '../../../core/units.ts';
import { clearedText } from './clearedText.ts';
import { settingsOf } from '../words/configured.ts';
import { settleDoubts } from './doubts.ts';
import type { GlobalOptions, Options } from '../words/program.ts';
import { warn } from '../../common/warn.ts';
import { verboseRunner } from '../words/verbose.ts';

export async function applyCommand(
  device: string,
  up: string,
  down: string,
  options: Options,
): Promise<number> {
  const checked = await settingsOf(device, up, down, options);
  await requireDevice(device, options);
  return applySettings(checked, options, true);
}

/** The device must be there; for a dry run it is enough if its name tells what it will be. */
export async function requireDevice(device: string, options: GlobalOptions): Promise<void> {
  if (options.dryRun !== true) await readLink(device);
  else await (await import('./dryRun.ts')).requirePlannable(device, (await findLink(device)) !== undefined);
}

/** Sets up one device, or prints what would be run. The device is there, or was a moment ago; rates that were typed may be asked about. */
export async function applySettings(
  checked: SettingsResult,
  options: Options,
  wasTyped = false,
): Promise<number> {
  const dryRun = options.dryRun === true ? await import('./dryRun.ts') : undefined;
  dryRun?.formOf(options);
  const settings = await settleDoubts(checked, options, wasTyped);
  const { device } = settings;
  const applyOptions = {
    run: options.verbose === true ? verboseRunner(runProgram) : runProgram,
    replace: options.replace === true,
    said: checked.said,
    onLoss: (lost: readonly string[]): void => {
      if (options.quiet !== true && options.json !== true) for (const line of lost) warn(line);
    },
  };
  if (dryRun !== undefined) return dryRun.dryRunApply(settings, applyOptions, options);
  await requireNetAdmin('setting up queues');
  return change(
    device,
    () => apply(settings, applyOptions),
    (prepared) => {
      reportApplied(prepared, options, framingAssumption(settings.framing, prepared.plan.link));
    },
  );
}

/** Changes a device alone and to the end, and reports it; a signal that comes before it begins keeps it from beginning. */
function change<T>(
  device: string,
  body: () => Promise<T>,
  report: (outcome: T) => void,
  unlocked?: (error: UserError) => void,
): Promise<number> {
  return finishDespiteSignals(async (interrupted) => {
    const outcome = await withLock(device, async () => (interrupted() ? undefined : body()), unlocked);
    if (outcome !== undefined) report(outcome);
    return EXIT.ok;
  });
}

function reportApplied(prepared: Prepared, options: GlobalOptions, assumption: string | undefined): void {
  const { plan, notices, lost, queues } = prepared;
  if (options.json === true) {
    const all = [...lost, ...notices];
    process.stdout.write(`${JSON.stringify({ ...appliedJson(plan), how: queues.how, notices: all })}\n`);
    return;
  }
  if (options.quiet === true) return;
  for (const notice of notices) warn(notice);
  process.stdout.write(
    `${plan.device}: up ${formatRate(plan.upBitPerSec)}, down ${formatRate(plan.downBitPerSec)},` +
      ` ${describeFraming(plan.framing, assumption)}${ingressText(plan)}, firewall rules: ${plan.firewall?.backend ?? 'none'}` +
      `${queues.how === 'in place' ? ' (changed in place)' : ''}\n`,
  );
}

/** The stages are what nobody needs to be told of. */
function ingressText({ ingress, queueDevice }: Plan): string {
  return hasStages(ingress)
    ? ''
    : `, downlink shaped by ${INGRESS_KINDS[ingress].text} on ${queueDevice ?? '?'}`;
}

function appliedJson(plan: Plan): object {
  return {
    device: plan.device,
    upBitPerSec: plan.upBitPerSec,
    downBitPerSec: plan.downBitPerSec,
    framing: plan.framing,
    ingress: plan.ingress,
    firewall: plan.firewall?.backend ?? null,
  };
}

export async function clearCommand(device: string, options: Options): Promise<number> {
  checkDeviceName(device);
  const run = options.verbose === true ? verboseRunner(runProgram) : runProgram;
  if (options.dryRun === true) return (await import('./dryRun.ts')).dryRunClear(device, run, options);
  await requireNetAdmin('taking queues away');
  return change(
    device,
    async () => {
      const keepsPause = options.forPause === true;
      if (keepsPause && !(await isPauseBegun(device)))
        throw failure('somebody else has set it up or cleared it meanwhile: it is not cleared for a pause');
      const outcome = await clear(device, run, { keepsPause });
      if (keepsPause && outcome.failures.length === 0) await confirmPause(device);
      const mayBeSlip = outcome.deviceGone && !outcome.cleared;
      return { outcome, meant: mayBeSlip ? closest(device, await listDevices()) : undefined };
    },
    ({ outcome: { failures, ...outcome }, meant }) => {
      const failed = failures.map(({ message }) => message);
      if (options.json === true) process.stdout.write(`${JSON.stringify({ device, ...outcome, failed })}\n`);
      else if (options.quiet !== true)
        process.stdout.write(`${device}: ${clearedText(outcome, failed.length > 0, meant)}\n`);
      if (failures.length > 0) throw new UserErrors(failures);
    },
    ({ message }) => {
      warn(`cleared without a lock: ${message}`);
    },
  );
}
