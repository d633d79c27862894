/** Bringing a plan about, all or nothing: what was there before comes back if a step fails. */
import type { Said } from '../../config/said.ts';
import { failure, UserError } from '../../core/errors.ts';
import { makePlan, type Plan } from '../../plan/plan.ts';
import { fallbacks } from '../../plan/fallbacks.ts';
import { tunnelNotices } from '../../plan/input/tunnelNotices.ts';
import type { FirewallBackend, ShaperSettings } from '../../plan/input/settings.ts';
import {
  firewallSteps,
  ifbStep,
  queueChange,
  strayActionsStep,
  tcStep,
  type QueueChange,
  type Step,
} from '../../plan/steps.ts';
import type { KernelFacts, LinkFacts } from '../../plan/input/link.ts';
import type { Family } from '../../firewall/iptables.ts';
import type { RuleSet } from '../../firewall/rules.ts';
import type { TcView } from '../../tc/batch.ts';
import type { TcObject } from '../../tc/objects.ts';
import { readCurrent, type Current } from '../device/device.ts';
import {
  families,
  installFirewall,
  isInstalled,
  removalSteps,
  removeFirewall,
  standingBefore,
  tryBackend,
} from './firewall.ts';
import { findLink, noSuchDevice } from '../link/link.ts';
import { removeMadeTables, tablesToBeMade } from './madeTables.ts';
import { pacingObjectFile, removeProgram, writePacingObject } from '../device/pacing.ts';
import { Parts } from '../exec/parts.ts';
import { deviceExists, installQueueDevice, queueDeviceRemoval } from '../device/queueDevice.ts';
import { lostByReplacing } from './replaced.ts';
import { missingPiece, rehearse, rehearseQueueDevice, type Rehearsal } from './rehearse.ts';
import { firstIngress, firstLeaf, noPacingNotice, without } from './fallbacks.ts';
import { keepOthersFilters, refuseForeign } from './foreign.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';
import { carriesRules, rulesTool } from './rulesTool.ts';
import { hasIpsec } from '../device/ipsec.ts';
import { sharedClsact } from '../device/sharedClsact.ts';
import { formatRate } from '../../core/units.ts';
import { failedBatchLine } from '../../tc/parse.ts';
import { leftByService, removeFollowing, type Following } from '../record/following.ts';
import { removePaused } from '../record/paused.ts';
import { writeState } from '../record/state.ts';
import { removeStrayActions } from '../device/strayActions.ts';
import { earlierOf, removeUnused, rollBack, type Earlier } from './rollBack.ts';
import { withTunnel } from '../device/tunnel.ts';
import type { Worker } from '../record/worker.ts';
import { wireGuardPorts } from '../device/wireGuard.ts';

export interface ApplyOptions {
  run: Runner;
  /** Replace queues that somebody else has put on the device. */
  replace: boolean;
  /** Told what will be lost by that, before anything is changed. */
  onLoss?: (lost: readonly string[]) => void;
  /** What the settings were made from, for the record. */
  said?: Said;
}

export interface PrepareOptions extends ApplyOptions {
  /** Try the batch in a namespace of its own first. A dry run does not: it must need no privilege. */
  rehearse: boolean;
  /** Plan without window pacing: because the kernel has shown that it cannot, or for this time. */
  withoutPacing?: 'missing' | 'this time';
  /** Why, in the kernel's words. */
  pacingWhy?: string;
  /** Of a dry run: what the device is taken to be if it is not there yet. */
  assumedLink?: LinkFacts;
}

export interface Prepared {
  plan: Plan;
  queues: QueueChange;
  current: Current;
  families: readonly Family[];
  /** Everything that will be run, in order, as long as nothing fails. */
  steps: readonly Step[];
  notices: readonly string[];
  /** What of others goes with `replace` and cannot be given back, one line each. */
  lost: readonly string[];
  /** The rates that a service which was killed has left in the kernel, and that go. */
  leftRates: Following | undefined;
  /** Nothing of it is new to this kernel, or all of it was tried. */
  tried: boolean;
}

/**
 * Prepares and carries out. The caller holds the device's lock. Window pacing that is not insisted on, and could
 * not be tried beforehand, is tried for real; if that fails, what was there before comes back, and the plan
 * without pacing is carried out.
 */
export async function apply(settings: ShaperSettings, options: ApplyOptions): Promise<Prepared> {
  const prepared = await prepare(settings, { ...options, rehearse: true });
  if (prepared.lost.length > 0) options.onLoss?.(prepared.lost);
  try {
    const left = await carryOut(prepared, options);
    return { ...prepared, notices: [...prepared.notices, ...left] };
  } catch (error) {
    const dispensable = settings.pacing === 'auto' && prepared.plan.pacing !== undefined;
    if (prepared.tried || !dispensable || !(error instanceof UserError)) throw error;
    // What failed, and not what became of the device then.
    const first = error.cause instanceof UserError ? error.cause : error;
    const withoutPacing = isAnswer(first) ? 'missing' : 'this time';
    const pacingWhy = first.message;
    const next = await prepare(settings, { ...options, rehearse: true, withoutPacing, pacingWhy });
    const left = await carryOut(next, options);
    return { ...next, notices: [...next.notices, ...left, noPacingNotice(first.message)] };
  }
}

/** Whether the kernel said no to a line, and not a program that hung or was killed. */
function isAnswer({ cause }: UserError): boolean {
  return cause instanceof ProgramError && failedBatchLine(cause.result.stderr) !== undefined;
}

/**
 * Everything that can be found out and decided before the first change. Reads, and tries in a namespace of
 * its own; changes nothing.
 */
export async function prepare(settings: ShaperSettings, options: PrepareOptions): Promise<Prepared> {
  const { run } = options;
  const { device } = settings;
  const current = await readCurrent(device, run);
  const link = current.link === undefined ? options.assumedLink : await withTunnel(current.link, run);
  if (link === undefined) throw await noSuchDevice(device);
  if (!current.ours && !options.replace) refuseForeign(device, current);

  const familyList = await families();
  const { backend, numbersHosts } = await rulesTool(settings, current, run);
  const { inForce } = current;
  const shared = options.replace ? undefined : await sharedClsact(device, current, run);
  const view = viewFor(current, shared !== undefined, options.replace);
  const wireGuard = await wireGuardPorts(run);
  const notices = [...current.notices, ...(wireGuard.notice === undefined ? [] : [wireGuard.notice])];
  const leftRates = await leftByService(inForce);
  const planWith = (facts: KernelFacts) => {
    const plan = makePlan(settings, link, facts, backend);
    return {
      plan,
      queues: queueChange(plan, inForce, view, leftRates === undefined ? 'of the plan' : 'others'),
    };
  };
  let kernel: KernelFacts = {
    ...(await firstFacts(settings, inForce, options)),
    sharedClsact: shared,
    wireGuardPorts: wireGuard.ports,
    numbersHosts,
  };
  let { plan, queues } = planWith(kernel);
  // Found out before anything is written. Where nft was chosen here, it was tried already: with all rules that a plan can
  // have, also where this one shapes and has none for what comes in.
  const chosenByTrial = settings.firewall === 'auto' && backend === 'nft' && !areLimitsNew(plan, current);
  if (options.rehearse && plan.firewall !== undefined && !chosenByTrial) {
    const { backend } = plan.firewall;
    const works =
      !areLimitsNew(plan, current) && carriesRules(current, backend) && (await isInstalled(backend));
    if (!works) await tryBackend(plan.firewall, run);
  }
  let tried = true;
  if (queues.how === 'anew' && options.rehearse) {
    for (;;) {
      const result = await rehearsePlan(plan, current, run);
      if (result.ok) {
        tried = result.tried;
        break;
      }
      const next = without(result, plan, kernel, settings);
      if (next === undefined) throw missingPiece(result);
      kernel = next.kernel;
      if (next.notice !== undefined) notices.push(next.notice);
      ({ plan, queues } = planWith(kernel));
    }
  }
  if (!options.replace) keepOthersFilters(current, queues);
  if (leftRates !== undefined) notices.push(leftNotice(leftRates));
  notices.push(...fallbacks(plan), ...tunnelNotices(settings.framing, link, settings));
  const steps = await stepsTo(plan, queues, current, familyList, run);
  const lost = options.replace ? await lostByReplacing(current, run) : [];
  return { plan, queues, current, families: familyList, steps, notices, lost, leftRates, tried };
}

/** Limits of hosts take more of the kernel than other rules (nft_limit, xt_hashlimit), which no rules before them have shown to be there. */
const areLimitsNew = (plan: Plan, { record }: Current): boolean =>
  plan.firewall?.rules.limits !== undefined && record?.plan.firewall?.rules.limits === undefined;

const leftNotice = ({ pid, up, down }: Following): string =>
  `process ${pid}, which followed the line, has ended without a word; its rates are replaced: up ${formatRate(up.bitPerSec)}, down ${formatRate(down.bitPerSec)}`;

/** What is tried first: what stands has shown that it works, and what was found missing once is not tried each time. */
async function firstFacts(
  settings: ShaperSettings,
  inForce: Plan | undefined,
  { withoutPacing, pacingWhy = inForce?.pacingWhy }: PrepareOptions,
): Promise<KernelFacts> {
  const isKnownMissing = settings.pacing === 'auto' && inForce?.pacingMissing === true;
  return {
    leafQdisc: firstLeaf(inForce),
    ingress: firstIngress(settings.ingress, inForce),
    pacingObjectFile:
      withoutPacing !== undefined || isKnownMissing ? undefined : await pacingObjectFile(settings.device),
    pacingUntried: withoutPacing === 'this time',
    ...(pacingWhy === undefined ? {} : { pacingWhy }),
    hasIpsec: await hasIpsec(),
  };
}

async function stepsTo(
  plan: Plan,
  queues: QueueChange,
  current: Current,
  familyList: readonly Family[],
  run: Runner,
): Promise<Step[]> {
  const { device, queueDevice } = plan;
  const left = leftBackend(current, plan);
  const { record, inForce } = current;
  const stray = record === undefined || inForce !== undefined ? undefined : strayActionsStep(record.plan);
  return [
    ...(queueDevice === undefined || queues.queueDevice === 'kept'
      ? []
      : [ifbStep(queueDevice, await deviceExists(queueDevice))]),
    ...(left === undefined ? [] : await new Parts().get('', () => removalSteps(device, left, run), [])),
    ...firewallSteps(plan, ...standingBefore(expectedFirewall(current, plan), familyList)),
    ...(stray === undefined ? [] : [stray]),
    ...(queues.lines.length > 0 ? [tcStep(queues.lines)] : []),
    ...(queueDevice === undefined ? await queueDeviceRemoval(device) : []),
  ];
}

/** What may be taken away: of a clsact that stays, our filters; with `--replace` all of it. */
function viewFor({ view }: Current, isShared: boolean, replace: boolean): TcView {
  const { ingress } = view;
  if (ingress === undefined) return view;
  const { kind, handle, ownFilters = [] } = ingress;
  if (replace) return { ...view, ingress: { kind, handle } };
  return isShared ? { ...view, ingress: { kind, handle, ownFilters } } : view;
}

/** With the program's file in place for as long as it takes: whatever comes of it, that of the plan in force is back. */
async function rehearsePlan(plan: Plan, current: Current, run: Runner): Promise<Rehearsal> {
  if (plan.queueDevice !== undefined) {
    const device = await rehearseQueueDevice(run);
    if (!device.ok) return device;
  }
  const objects = standingAlone(plan);
  if (plan.pacing === undefined) return rehearse(objects, run);
  await writePacingObject(plan.pacing);
  try {
    return await rehearse(objects, run);
  } finally {
    const recorded = current.record?.plan.pacing;
    if (recorded === undefined) await removeProgram(plan.device, [plan.link.ifindex]);
    else await writePacingObject(recorded);
  }
}

/** With the qdisc that the device has of somebody else's. */
function standingAlone({ device, tc, sharedClsact }: Plan): readonly TcObject[] {
  if (sharedClsact === undefined) return tc;
  const spec = { kind: 'clsact' } as const;
  return [{ type: 'qdisc', dev: device, parent: 'ingress', handle: 'ffff:', spec }, ...tc];
}

/** A plan that comes and goes: what was in force before is in the record from the first to the last, however it ends. */
export interface Measuring {
  worker: Worker;
  earlier: Earlier | undefined;
}

/**
 * Carries a preparation out and records it. The caller holds the device's lock.
 * @param measuring undefined: the plan is to stay
 * @returns what of an earlier plan could not be taken away, for the user: it keeps nobody from setting up another
 */
export async function carryOut(
  prepared: Prepared,
  options: ApplyOptions,
  measuring?: Measuring,
): Promise<readonly string[]> {
  const { run } = options;
  const { plan, queues, current } = prepared;
  const { device } = plan;
  const made = await madeTables(prepared, run);
  const previous = measuring === undefined ? current.inForce : measuring.earlier?.plan;
  const before = previous === undefined ? {} : { previous };
  await writeState(device, {
    phase: 'changing',
    plan,
    since: new Date().toISOString(),
    ...before,
    madeTables: made,
  });
  try {
    if (plan.pacing !== undefined) await writePacingObject(plan.pacing);
    if (queues.queueDevice === 'fresh') await installQueueDevice(plan, run);
    const left = leftBackend(current, plan);
    const parts = new Parts();
    if (left !== undefined) await removeFirewall(device, left, parts, run);
    await installFirewall(plan, expectedFirewall(current, plan), prepared.families, run);
    if (current.record !== undefined && current.inForce === undefined) {
      await removeStrayActions(current.record.plan, run);
    }
    if (queues.lines.length > 0) await runStep(tcStep(queues.lines), run);
    const unused = new Parts();
    await removeUnused(plan, current, unused, run);
    const [stays] = unused.failures;
    if (stays !== undefined) throw stays;
    const isLeft = left === 'iptables';
    if (isLeft) await removeMadeTables(made, run);
    // What was told of a plan before this one; a service that runs has left the device by now.
    if (prepared.leftRates !== undefined && plan.pacing !== undefined && plan.follows !== undefined) {
      // Hardly ever needed, and not read at each start.
      const { forgetToldRate } = await import('../device/lineMeter.ts');
      await forgetToldRate(plan.pacing.mapSuffix);
    }
    if (plan.follows === undefined || prepared.leftRates !== undefined) await removeFollowing(device);
    await writeState(device, {
      ...(measuring === undefined
        ? { phase: 'active' }
        : { phase: 'measuring', worker: measuring.worker, ...before }),
      plan,
      since: measuring?.earlier?.since ?? new Date().toISOString(),
      madeTables: isLeft ? [] : made,
      ...(options.said === undefined ? {} : { said: options.said }),
    });
    // Whoever sets it up has ended its pause.
    if (measuring === undefined) await removePaused(device);
    return parts.failures.map(({ message, hint }) =>
      [message, hint].filter((text) => text !== undefined).join(': '),
    );
  } catch (error) {
    throw await undo(error, prepared, options);
  }
}

/** For which families iptables makes its table for the plan's rules, or has made it for those before. */
async function madeTables({ plan, current, families }: Prepared, run: Runner): Promise<readonly Family[]> {
  const before = current.record?.madeTables;
  if (before !== undefined) return before;
  const isFirst = plan.firewall?.backend === 'iptables' && !carriesRules(current, 'iptables');
  return isFirst ? tablesToBeMade(families, run) : [];
}

/** Puts back what was in force before, or clears; gives the error to be thrown. */
async function undo(cause: unknown, prepared: Prepared, { run }: ApplyOptions): Promise<unknown> {
  const { plan, current } = prepared;
  const { device } = plan;
  // Another index under the same name is another device.
  const isGone = async (): Promise<boolean> => (await findLink(device))?.ifindex !== plan.link.ifindex;
  const gone = await new Parts().get('', isGone, false);
  const tools = { now: plan.firewall?.backend, before: leftBackend(current, plan) };
  const { foreign, restored, failures } = await rollBack(device, earlierOf(current), tools, run);
  if (failures.length > 0) {
    const first = cause instanceof Error ? cause.message : String(cause);
    return failure(
      `${first}; and not all of it could be undone: ${failures.map(({ message }) => message).join('; ')}`,
      `when that is mended, clear the device with: inetgw ${device} clear`,
      { cause },
    );
  }
  if (!(cause instanceof UserError)) return cause;
  if (gone)
    return failure(`${device} went away while it was being set up`, 'when it is back, set it up again', {
      cause,
    });
  if (foreign !== undefined) {
    return new UserError(
      cause.exitCode,
      `${cause.message} (somebody else has put ${foreign} on ${device}: it was left alone, and nothing of inetgw's was left)`,
      'to have it replaced, say --replace',
      { cause },
    );
  }
  const outcome = restored ? 'the earlier settings are in force again' : `nothing was left on ${device}`;
  return new UserError(cause.exitCode, `${cause.message} (${outcome})`, cause.hint, { cause });
}

/** The tool that carries our rules now and will not any more. */
function leftBackend(current: Current, plan: Plan): FirewallBackend | undefined {
  const recorded = current.record?.plan.firewall?.backend;
  return recorded === plan.firewall?.backend ? undefined : recorded;
}

function expectedFirewall(current: Current, plan: Plan): 'nothing' | RuleSet {
  const recorded = current.record?.plan.firewall;
  const stand =
    recorded !== undefined && plan.firewall !== undefined && carriesRules(current, plan.firewall.backend);
  return stand ? recorded.rules : 'nothing';
}
