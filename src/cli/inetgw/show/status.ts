/** `inetgw status`: every device that there is a record of or a section for. */
import { limitRules } from '../../../plan/classes/limits.ts';
import { allowsStages, hasStages, type IngressKind } from '../../../plan/input/ingressKinds.ts';
import type { Configuration, DeviceSection } from '../../../config/file.ts';
import type { FoundCondition } from '../../../conditions/condition.ts';
import { conditionLine, isBroken, isElsewhere, isPaused } from '../../../conditions/table.ts';
import { EXIT, type ExitCode } from '../../../core/errors.ts';
import { describeFraming } from '../../../plan/input/framing.ts';
import { resolveFraming } from '../../../plan/input/framingChoice.ts';
import { lineLimits } from '../../../plan/input/limits.ts';
import { type FirewallBackend, MAX_RATE_BIT_PER_SEC } from '../../../plan/input/settings.ts';
import { sharesByHost, type Plan } from '../../../plan/plan.ts';
import type { FollowingStatistics } from '../../../report/statistics/following.ts';
import { table } from '../../../report/statistics/table.ts';
import { readConditions } from '../../../system/check/conditions.ts';
import { readCurrent, type Current } from '../../../system/device/device.ts';
import { isUp } from '../../../system/link/link.ts';
import { hasNetAdmin } from '../../../system/exec/privilege.ts';
import { run } from '../../../system/exec/run.ts';
import { knownDevices as recordedOrPaused } from '../../../system/record/paused.ts';
import { sameValue } from '../../../tc/sameValue.ts';
import { formatRate } from '../../../core/units.ts';
import { wrapLines } from '../../../core/wrap.ts';
import { outputColumns } from '../../common/columns.ts';
import { configuration, settingsOfSection, warnOfFile } from '../words/configured.ts';
import type { Options } from '../words/program.ts';
import { readFollowed } from './readDevice.ts';
import { warn } from '../../common/warn.ts';

/** One device in `inetgw status --json`. Rates in bit/s. */
export interface DeviceStatus {
  device: string;
  link: 'up' | 'down' | 'absent';
  /**
   * `shaped`: as recorded. `disturbed`: recorded, but something was taken away. `unshaped`: no record. `measured`: searchbw is at
   * work; the rates are its own of this moment, null where it lets everything through. `paused`: taken away for a while.
   */
  state: 'shaped' | 'disturbed' | 'unshaped' | 'measured' | 'paused';
  upBitPerSec: number | null;
  downBitPerSec: number | null;
  framing: string | null;
  ingress: IngressKind | null;
  firewall: FirewallBackend | 'none' | null;
  pacing: 'bpf' | 'off' | null;
  /** Rates that follow the line, and those in force; null: they are fixed. */
  following: FollowingStatistics | null;
  /** ISO 8601. */
  since: string | null;
  /** The process that measures or steers the device, while it runs. */
  worker: { command: string; pid: number; does: 'measures' | 'steers' } | null;
  /** Whether the file has a section, and whether what it says is in force (`isAsSaid`). `wrong`: it has errors. */
  configured: 'no' | 'without rates' | 'in force' | 'not in force' | 'wrong';
  /** `conditions` as lines, and what is wrong with the file. */
  notices: string[];
  conditions: FoundCondition[];
}

export async function statusCommand(options: Options): Promise<number> {
  const config = await configuration(options);
  warnOfFile(config);
  const mayLook = await hasNetAdmin();
  const all = await Promise.all(
    (await knownDevices(config)).map(({ device, section }) => statusOf(device, section, config, mayLook)),
  );
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
    return statusExitCode(all);
  }
  if (!mayLook) warn('without CAP_NET_ADMIN it cannot be told whether the firewall rules are in force');
  if (all.length === 0) process.stdout.write('no device is shaped and none is configured\n');
  else process.stdout.write(`${wrapLines(statusText(all), outputColumns())}\n`);
  return statusExitCode(all);
}

/** Those of the file, in its order, and those that are set up or paused. */
export async function knownDevices(
  config: Configuration | undefined,
): Promise<{ device: string; section: DeviceSection | undefined }[]> {
  const sections = new Map(config?.sections.map((section) => [section.device, section]));
  const devices = [...new Set([...sections.keys(), ...(await recordedOrPaused())])];
  return devices.map((device) => ({ device, section: sections.get(device) }));
}

/**
 * `EXIT.notInForce` if anything of what was set was taken away, or if the file asks for what is not in force on a device
 * that is up: a device that is absent or down is what `inetgw apply` leaves alone, too. A section with errors keeps that from
 * setting up any.
 */
export function statusExitCode(
  all: readonly Pick<DeviceStatus, 'link' | 'state' | 'configured'>[],
): ExitCode {
  const wrong = all.some(
    ({ link, state, configured }) =>
      state === 'disturbed' ||
      state === 'measured' ||
      state === 'paused' ||
      configured === 'wrong' ||
      (link === 'up' && configured === 'not in force'),
  );
  return wrong ? EXIT.notInForce : EXIT.ok;
}

/** @param mayLook whether the firewall rules can be read */
export async function statusOf(
  device: string,
  section: DeviceSection | undefined,
  config: Configuration | undefined,
  mayLook: boolean,
): Promise<DeviceStatus> {
  const current = await readCurrent(device, run);
  const { found } = await readConditions(current, mayLook, run);
  const notices = found.map(conditionLine);
  const plan = current.inForce ?? (current.link === undefined ? undefined : current.record?.plan);
  if (section !== undefined && section.errors.length > 0) {
    notices.push(`its section in ${config?.file ?? 'the file'} has errors, see: inetgw config check`);
  }
  const state = stateOf(current, found);
  const worker = current.readings.record?.worker;
  return {
    device,
    link: current.link === undefined ? 'absent' : (await isUp(device)) ? 'up' : 'down',
    state,
    upBitPerSec: rateOf(plan?.upBitPerSec, state),
    downBitPerSec: rateOf(plan?.downBitPerSec, state),
    framing: plan === undefined ? null : describeFraming(plan.framing),
    ingress: plan?.ingress ?? null,
    firewall: plan === undefined ? null : (plan.firewall?.backend ?? 'none'),
    pacing: plan === undefined ? null : plan.pacing === undefined ? 'off' : 'bpf',
    following:
      plan?.follows === undefined ? null : { limits: plan.follows.limits, ...(await readFollowed(plan)) },
    since: plan === undefined ? null : (current.record?.since ?? null),
    worker: worker === undefined ? null : { command: worker.command, pid: worker.pid, does: worker.does },
    configured: configuredState(section, current),
    notices,
    conditions: [...found],
  };
}

function stateOf(current: Current, found: readonly FoundCondition[]): DeviceStatus['state'] {
  if (current.inForce !== undefined && !isBroken(found)) return 'shaped';
  if (current.readings.record?.worker?.does === 'measures') return 'measured';
  if (isPaused(found)) return 'paused';
  return isDisturbed(current, found) ? 'disturbed' : 'unshaped';
}

/** A measurement without a shaper has the rate that no line reaches (line/control/shapedLine.ts). */
function rateOf(bitPerSec: number | undefined, state: DeviceStatus['state']): number | null {
  if (bitPerSec === undefined) return null;
  return state === 'measured' && bitPerSec === MAX_RATE_BIT_PER_SEC ? null : bitPerSec;
}

/** Recorded, readably or not, and not in force; a device that is absent is no fault, unless it only has another name. */
function isDisturbed({ record, link }: Current, found: readonly FoundCondition[]): boolean {
  return (record !== undefined || isBroken(found)) && (link !== undefined || isElsewhere(found));
}

function configuredState(
  section: DeviceSection | undefined,
  { inForce }: Current,
): DeviceStatus['configured'] {
  if (section === undefined) return 'no';
  if (section.errors.length > 0) return 'wrong';
  if (section.rates === undefined) return 'without rates';
  return inForce !== undefined && isAsSaid(section, inForce) ? 'in force' : 'not in force';
}

/** Rates, their limits and those of hosts, and of framing, ingress, pacing, fairness and firewall what is said: the rest was found out when it was set up. */
function isAsSaid(section: DeviceSection, plan: Plan): boolean {
  const settings = settingsOfSection(section, {})?.settings;
  if (settings === undefined) return false;
  const { framing, ingress, pacing, fair, firewall } = settings;
  return (
    settings.upBitPerSec === plan.upBitPerSec &&
    settings.downBitPerSec === plan.downBitPerSec &&
    sameValue(lineLimits(settings.limits, settings), plan.follows?.limits) &&
    (framing === undefined ||
      describeFraming(resolveFraming(framing, plan.link, settings)) === describeFraming(plan.framing)) &&
    (ingress === 'auto' || allowsStages(ingress) === hasStages(plan.ingress)) &&
    (pacing === 'auto' || (pacing === 'bpf') === (plan.pacing !== undefined)) &&
    (fair === 'host') === sharesByHost(plan) &&
    (firewall === 'auto' || firewall === (plan.firewall?.backend ?? 'none')) &&
    sameValue(limitRules(settings.hostLimits), plan.firewall?.rules.limits ?? [])
  );
}

function statusText(all: readonly DeviceStatus[]): string {
  const rate = (bitPerSec: number | null): string => (bitPerSec === null ? '-' : formatRate(bitPerSec));
  const rows = all.map((each) => [
    each.device,
    each.link,
    each.state,
    rate(each.upBitPerSec),
    rate(each.downBitPerSec),
    each.ingress ?? '-',
    each.firewall ?? '-',
    each.configured,
    each.since ?? '-',
  ]);
  const notices = all.flatMap((each) => each.notices.map((notice) => `${each.device}: ${notice}`));
  return [
    table(['device', 'link', 'state', 'up', 'down', 'ingress', 'firewall', 'file', 'since'], rows),
    ...notices,
  ].join('\n');
}
