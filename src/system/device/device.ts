/** What is on a device now: the kernel's answer beside our own record of it. */
import { failure, UserError } from '../../core/errors.ts';
import type { ConditionReadings, QueueDeviceReading } from '../../conditions/condition.ts';
import { QUEUE_CONDITIONS } from '../../conditions/queues.ts';
import { conditionsOf } from '../../conditions/find.ts';
import type { LinkFacts } from '../../plan/input/link.ts';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES } from '../../plan/queues/egressClasses.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Leaf, TcView } from '../../tc/batch.ts';
import { CLSACT_HOOK } from '../../tc/clsact.ts';
import type { Listing } from '../../tc/listings.ts';
import type { TcObject } from '../../tc/objects.ts';
import { parseFilters, parseTcView, UnreadableOutput, type FilterLine } from '../../tc/parse.ts';
import {
  actionsStanding,
  classesStand,
  classFiltersStand,
  filtersAt,
  isPlanned,
  treeStanding,
  type ActionsStanding,
  type Standing,
} from '../../tc/standing.ts';
import { findLink, isUp } from '../link/link.ts';
import { nameOfIndex } from '../link/linkIndex.ts';
import { otherHolder } from '../record/lock.ts';
import { listedTogether } from './listings.ts';
import { deviceExists } from './queueDevice.ts';
import type { Runner } from '../exec/run.ts';
import { ask } from '../exec/runStep.ts';
import { readState, type DeviceState } from '../record/state.ts';
import { otherWorker } from '../record/worker.ts';

export interface Current {
  device: string;
  /** Undefined: the device does not exist (any more). */
  link: LinkFacts | undefined;
  /** Where others use the ingress qdisc as well, it says which filters there are ours. */
  view: TcView;
  /** Our record, if it can be read. */
  record: DeviceState | undefined;
  /** What is on the device was put there by inetgw, as far as the record tells. */
  ours: boolean;
  /** The same of what stands at root and at ingress alone; what is not there counts as ours. */
  rootIsOurs: boolean;
  ingressIsOurs: boolean;
  /** Filters of others at the hooks. */
  others: readonly FilterLine[];
  /** Why the filters at the hooks cannot be seen. */
  filtersUnseen: UserError | undefined;
  /** The plan that the kernel holds: recorded as in force, and seen on the device. */
  inForce: Plan | undefined;
  /** The other process that is changing the device at this moment, or measuring on it. */
  changedBy: number | undefined;
  /** What was seen, for conditions to be found in. */
  readings: ConditionReadings;
  /** What a user should know: a killed run, a damaged record, queues taken away by someone. */
  notices: readonly string[];
}

/** A bare device. */
const NOTHING: TcView = { root: undefined, ingress: undefined };

/**
 * @param unread for who goes on without: told why tc does not show what is on the device, which then counts as bare
 */
export async function readCurrent(
  device: string,
  run: Runner,
  unread?: (error: UserError) => void,
): Promise<Current> {
  const [link, reading] = await Promise.all([findLink(device), readState(device)]);
  const view = link === undefined ? NOTHING : await orElse(readView(device, run), NOTHING, unread);
  if (reading.kind === 'state') {
    return currentOf(device, link, view, reading.state, run, unread !== undefined);
  }
  // A damaged record told nothing but that we were here: what looks like ours is taken to be ours.
  const [rootIsOurs, ingressIsOurs, ours] =
    reading.kind === 'none'
      ? [view.root === undefined, view.ingress === undefined, false]
      : [
          view.root === undefined || looksLikeOurRoot(view),
          view.ingress === undefined || looksLikeOurs(view),
          looksLikeOurs(view),
        ];
  const readings: ConditionReadings = {
    device,
    link,
    record: undefined,
    ...(reading.kind === 'none' ? {} : { recordProblem: reading.why }),
  };
  return {
    ...{ device, link, view, record: undefined, ours, rootIsOurs, ingressIsOurs },
    ...{ others: [], filtersUnseen: undefined, inForce: undefined, changedBy: undefined },
    ...{ readings, notices: noticesOf(readings) },
  };
}

const noticesOf = (readings: ConditionReadings): string[] =>
  conditionsOf(readings, QUEUE_CONDITIONS).map(({ text }) => text);

/** What a record and the device beside it come to. */
async function currentOf(
  device: string,
  link: LinkFacts | undefined,
  seen: TcView,
  record: DeviceState,
  run: Runner,
  tolerant: boolean,
): Promise<Current> {
  // Another index under the same name is another device: a ppp link that came up again.
  const sameDevice = link !== undefined && record.plan.link.ifindex === link.ifindex;
  const active = record.phase === 'active';
  const tree = sameDevice ? rootStanding(seen, record) : 'other';
  const unseen: UserError[] = [];
  const note = tolerant ? (error: UserError): void => void unseen.push(error) : undefined;
  const asked = sameDevice && active ? await listedTogether(await listingsOf(record.plan, seen), run) : run;
  // One program after the other, always in this order: what a run does can be followed, and cut anywhere.
  const hooks = sameDevice ? await orElse(readHooks(record, seen, asked), undefined, note) : [];
  const isChanged = tree === 'whole' && active && !(await areClassesAsPlanned(record.plan, device, asked));
  const root = isChanged ? 'part' : tree;
  // What cannot be seen of it is not told: it is left open.
  const queueDevice = sameDevice
    ? await orElse(readQueueDevice(record, asked), undefined, tolerant ? ignore : undefined)
    : undefined;
  const actions = hooks === undefined ? 'open' : (hooks.find(isIngress)?.actions ?? 'no');
  const { rootIsOurs, ingressIsOurs, others } = whose(seen, {
    ...{ root, actions, sameDevice, active },
    filters: (hooks ?? []).flatMap(({ filters }) => filters),
  });
  const view = { ...seen, ingress: ingressOf(seen, record, hooks ?? []) };
  const egressWhole = (hooks ?? []).every(({ hook, missing }) => hook === 'ingress' || missing === 0);
  const whole =
    root === 'whole' &&
    looksLikeOurIngress(seen) &&
    (queueDevice === undefined || queueDevice === 'whole') &&
    (!active || ((actions === 'yes' || actions === 'open') && egressWhole));
  const worker = await otherWorker(record.worker);
  const changedBy = active ? undefined : (worker?.pid ?? (await otherHolder(device)));
  const { phase, plan, namespace } = record;
  const readings: ConditionReadings = {
    ...{ device, link, changedBy, queueDevice, record: { phase, plan, namespace, worker } },
    root: { kind: seen.root?.kind, handle: seen.root?.handle ?? '', standing: root, isOurs: rootIsOurs },
    ingress: { kind: seen.ingress?.kind, actions, isOurs: ingressIsOurs },
    clsactHooks: hooks?.map(({ hook, filters, missing }) => ({
      hook,
      filters,
      missing,
      tcxPrograms: undefined,
    })),
  };
  return {
    ...{ device, link, view, record, rootIsOurs, ingressIsOurs, others, changedBy, readings },
    ours: sameDevice && rootIsOurs && ingressIsOurs,
    filtersUnseen: unseen[0],
    inForce: sameDevice && active && whole ? plan : undefined,
    notices: noticesOf(readings),
  };
}

interface Standings {
  root: Standing;
  /** Of the plan, at ingress. */
  actions: ActionsStanding;
  filters: readonly StandingFilter[];
  sameDevice: boolean;
  active: boolean;
}

/** What of the queues and filters that stand there is the record's. */
function whose(
  seen: TcView,
  { root, actions, filters, sameDevice, active }: Standings,
): Pick<Current, 'rootIsOurs' | 'ingressIsOurs' | 'others'> {
  const others = filters.filter(({ isOurs }) => !isOurs);
  return {
    others,
    // Killed half way, a run may have made no more than the root.
    rootIsOurs:
      seen.root === undefined || root === 'whole' || root === 'part' || (root === 'bare' && !active),
    ingressIsOurs:
      seen.ingress === undefined ||
      // Somebody has taken our filters away, or has put a queue and filters in the place of ours.
      (sameDevice &&
        looksLikeOurIngress(seen) &&
        (actions !== 'no' || others.length === 0 || others.length < filters.length)),
  };
}

const ignore = (): void => undefined;
const isIngress = ({ hook }: { hook: string }): boolean => hook === 'ingress';

/** The qdisc at ingress; where others use it, with the filters there that alone are ours to be taken away. */
function ingressOf(
  { ingress }: TcView,
  { plan, previous }: DeviceState,
  hooks: readonly StandingHook[],
): TcView['ingress'] {
  const hosts = [plan, previous].flatMap((each) => each?.sharedClsact ?? []);
  const theirs = hosts.some(({ madeByUs }) => !madeByUs);
  const filters = hooks.flatMap(({ hook, filters }) => filters.map((filter) => ({ ...filter, hook })));
  if (ingress === undefined || (!theirs && filters.every(({ isOurs }) => isOurs))) return ingress;
  const ownFilters = filters
    .filter(({ isOurs }) => isOurs)
    .map(({ hook, pref }) => ({ parent: CLSACT_HOOK[hook], pref }));
  return { ...ingress, ownFilters };
}

type StandingFilter = FilterLine & { isOurs: boolean };

interface StandingHook {
  hook: 'ingress' | 'egress';
  filters: StandingFilter[];
  /** How many of the plan's filters are not there. */
  missing: number;
  actions: ActionsStanding;
}

const hooksOf = ({ ingress }: TcView): ('ingress' | 'egress')[] =>
  ingress === undefined ? [] : ingress.kind === 'clsact' ? ['ingress', 'egress'] : ['ingress'];

/** All that is asked of tc for a plan in force beside the queues themselves. */
async function listingsOf(plan: Plan, view: TcView): Promise<Listing[]> {
  const { device, queueDevice } = plan;
  const isRead = queueDevice !== undefined && (await deviceExists(queueDevice)) && (await isUp(queueDevice));
  return [
    ...hooksOf(view).map((hook): Listing => ['filter', 'show', 'dev', device, hook]),
    ...classListings(plan, device),
    ...(isRead ? classListings(plan, queueDevice) : []),
  ];
}

/** The filters at the device's hooks, and which of them are the record's. */
async function readHooks(
  { plan, previous }: DeviceState,
  view: TcView,
  run: Runner,
): Promise<StandingHook[]> {
  const { device } = plan;
  const hooks = hooksOf(view);
  const texts: string[] = [];
  for (const hook of hooks) texts.push(await readHook(device, hook, run));
  return hooks.map((hook, n): StandingHook => {
    const text = texts[n] ?? '';
    const planned = filtersAt(plan.tc, device, hook);
    const before = previous === undefined ? [] : filtersAt(previous.tc, device, hook);
    const actions = actionsStanding(planned, text);
    const lines = parseFilters(text);
    const owned = (objects: readonly TcObject[], filter: FilterLine): boolean =>
      isPlanned(filter, objects, actionsStanding(objects, text) !== 'no');
    const filters = lines.map((line) => ({ ...line, isOurs: owned(planned, line) || owned(before, line) }));
    const standing = lines.filter((line) => owned(planned, line)).length;
    const missing = actions === 'open' ? 0 : Math.max(0, planned.length - standing);
    return { hook, filters, missing, actions: actions === 'yes' && missing > 0 ? 'some' : actions };
  });
}

/** The text of what hangs there; none where the device has gone away. */
export async function readHook(device: string, hook: 'ingress' | 'egress', run: Runner): Promise<string> {
  try {
    return await ask(['tc', '-s', 'filter', 'show', 'dev', device, hook], run);
  } catch (error) {
    if (await wentAway(device, error)) return '';
    throw error;
  }
}

/** How the ifb of the plan and its queues stand; undefined: it needs none. */
async function readQueueDevice(
  { phase, plan }: DeviceState,
  run: Runner,
): Promise<QueueDeviceReading | undefined> {
  const { queueDevice, tc } = plan;
  if (queueDevice === undefined) return undefined;
  if (!(await deviceExists(queueDevice))) return 'absent';
  if (!(await isUp(queueDevice))) return 'down';
  const view = await readView(queueDevice, run);
  const isActive = phase === 'active';
  if (treeStanding(view, tc, queueDevice, isActive) !== 'whole') return 'changed';
  return !isActive || (await areClassesAsPlanned(plan, queueDevice, run)) ? 'whole' : 'changed';
}

/**
 * Whether the classes of a device have the rates of the plan, and the filters into them are there; where that cannot be seen,
 * it is taken to be so.
 */
async function areClassesAsPlanned({ tc, follows }: Plan, device: string, run: Runner): Promise<boolean> {
  for (const listing of classListings({ tc }, device)) {
    const shown = await orElse(ask(['tc', ...listing], run), undefined, ignore);
    if (shown === undefined) continue;
    const stands =
      listing[0] === 'class'
        ? classesStand(tc, device, shown, follows !== undefined)
        : classFiltersStand(tc, device, shown);
    if (!stands) return false;
  }
  return true;
}

/** What tells whether the classes of a device are as planned. */
function classListings({ tc }: Pick<Plan, 'tc'>, device: string): Listing[] {
  const has = (kind: TcObject['type']): boolean =>
    tc.some(({ type, dev }) => type === kind && dev === device);
  return [
    ...(has('class') ? [['class', 'show', 'dev', device] as const] : []),
    ...(has('small') || has('udp') ? [['filter', 'show', 'dev', device] as const] : []),
  ];
}

/** The same of the device that was set up under this name and has another one now; undefined: there is none. */
export async function readRenamed(
  { device, link, record }: Current,
  run: Runner,
  unread: (error: UserError) => void,
): Promise<Current | undefined> {
  if (link !== undefined || record === undefined) return undefined;
  const newName = await nameOfIndex(record.plan.link.ifindex);
  const newLink = newName === undefined ? undefined : await findLink(newName);
  if (newName === undefined || newLink === undefined) return undefined;
  const renamed = (plan: Plan): Plan => ({
    ...plan,
    device: newName,
    tc: plan.tc.map((object) => (object.dev === device ? { ...object, dev: newName } : object)),
  });
  const { previous, ...rest } = record;
  const view = await orElse(readView(newName, run), NOTHING, unread);
  const state = {
    ...rest,
    plan: renamed(record.plan),
    ...(previous === undefined ? {} : { previous: renamed(previous) }),
  };
  return currentOf(newName, newLink, view, state, run, true);
}

/** Of the device as it is and as it was recorded: a ppp link that came up again has another. */
export function ifindexesOf({ link, record }: Current): number[] {
  const found = [link?.ifindex, record?.plan.link.ifindex, record?.previous?.link.ifindex];
  return [...new Set(found.filter((ifindex) => ifindex !== undefined))];
}

/** The answer; where it cannot be had and somebody is there to be told why, `otherwise`. */
async function orElse<T>(
  answer: Promise<T>,
  otherwise: T,
  tell: ((error: UserError) => void) | undefined,
): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (tell === undefined || !(error instanceof UserError)) throw error;
    tell(error);
    return otherwise;
  }
}

/** What stands at the device's root and ingress. */
export async function readView(device: string, run: Runner): Promise<TcView> {
  try {
    return parseTcView(await ask(['tc', '-j', 'qdisc', 'show', 'dev', device], run));
  } catch (error) {
    if (error instanceof UnreadableOutput) throw unreadable(error);
    if (await wentAway(device, error)) return NOTHING;
    throw error;
  }
}

/** Whether a program failed because the device went away between two looks. */
async function wentAway(device: string, error: unknown): Promise<boolean> {
  return error instanceof UserError && (await findLink(device)) === undefined;
}

/** The error for output that cannot be read. */
export function unreadable(error: UnreadableOutput): UserError {
  return failure(error.message, 'is there another program of that name on the path of root? See: tc -V', {
    cause: error,
  });
}

/** For messages: `filters of others (bpf pref 49152)`. */
export function describeFilters(filters: readonly FilterLine[]): string {
  const names = new Set(filters.map(({ kind, pref }) => `${kind} pref ${pref}`));
  return `filters of others (${[...names].join(', ')})`;
}

/** What of ours is left to be torn down where somebody else's queue stands at root or at ingress. */
export function withoutForeign({ view, rootIsOurs, ingressIsOurs }: Current): TcView {
  return {
    root: rootIsOurs ? view.root : undefined,
    ingress: ingressIsOurs ? view.ingress : undefined,
  };
}

/** Queues of somebody else at root: they stand in the place of ours. */
export function foreignRoot({ view, rootIsOurs }: Current): string | undefined {
  return view.root === undefined || rootIsOurs ? undefined : `${view.root.kind} ${view.root.handle}`;
}

/** How the record's tree stands; while it is changed, the one before it, whatever its parameters. */
function rootStanding(view: TcView, { phase, plan, previous }: DeviceState): Standing {
  const exact = phase === 'active';
  const all = [plan, ...(previous === undefined ? [] : [previous])].map(({ tc, device }) =>
    treeStanding(view, tc, device, exact),
  );
  return (['whole', 'part', 'bare'] as const).find((standing) => all.includes(standing)) ?? 'other';
}

/** Without a record that tells what it was. */
function looksLikeOurs(view: TcView): boolean {
  return looksLikeOurRoot(view) && looksLikeOurIngress(view);
}

const OUR_LEAVES: readonly string[] = EGRESS_CLASS_NAMES.map((name) => EGRESS_CLASSES[name].leafHandle);

function looksLikeOurRoot({ root, leaves = [] }: TcView): boolean {
  const ours = ({ kind, handle }: Leaf): boolean =>
    OUR_LEAVES.includes(handle) && ['cake', 'fq_codel', 'sfq'].includes(kind);
  return root?.kind === 'htb' && root.handle === '1:' && leaves.every(ours);
}

function looksLikeOurIngress(view: TcView): boolean {
  return view.ingress?.kind === 'ingress' || view.ingress?.kind === 'clsact';
}
