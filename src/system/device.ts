/** What is on a device now: the kernel's answer beside our own record of it. */
import { failure, UserError } from '../errors.ts';
import type { LinkFacts } from '../shaper/link.ts';
import type { Plan } from '../shaper/plan.ts';
import type { Leaf, TcView } from '../tc/batch.ts';
import { parseFilters, parseTcView, UnreadableOutput, type FilterLine } from '../tc/parse.ts';
import { foreignFilters, treeStanding, type Standing } from '../tc/standing.ts';
import { readActions } from './actions.ts';
import { findLink } from './link.ts';
import { otherHolder } from './lock.ts';
import { deviceExists } from './queueDevice.ts';
import type { Runner } from './run.ts';
import { ask } from './runStep.ts';
import { readState, type DeviceState } from './state.ts';

export interface Current {
  device: string;
  /** Undefined: the device does not exist (any more). */
  link: LinkFacts | undefined;
  view: TcView;
  /** Our record, if it can be read. */
  record: DeviceState | undefined;
  /** What is on the device was put there by inetgw, as far as the record tells. */
  ours: boolean;
  /** The same of what stands at root and at ingress alone; what is not there counts as ours. */
  rootIsOurs: boolean;
  ingressIsOurs: boolean;
  /** The plan that the kernel holds: recorded as in force, and seen on the device. */
  inForce: Plan | undefined;
  /** The other process that is changing the device at this moment, or measuring on it. */
  worker: number | undefined;
  /** What a user should know: a killed run, a damaged record, queues taken away by someone. */
  notices: readonly string[];
}

/** A bare device. */
export const NOTHING: TcView = { root: undefined, ingress: undefined };

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
  // What cannot be seen of what hangs there is not told: it is left open.
  const silently = unread === undefined ? undefined : (): void => undefined;
  if (reading.kind === 'none') {
    return {
      device,
      link,
      view,
      record: undefined,
      ours: false,
      rootIsOurs: view.root === undefined,
      ingressIsOurs: view.ingress === undefined,
      inForce: undefined,
      worker: undefined,
      notices: [],
    };
  }
  if (reading.kind === 'unreadable') {
    // The record told nothing but that we were here: what looks like ours is taken to be ours.
    return {
      device,
      link,
      view,
      record: undefined,
      ours: looksLikeOurs(view),
      rootIsOurs: view.root === undefined || looksLikeOurRoot(view),
      ingressIsOurs: view.ingress === undefined || looksLikeOurs(view),
      inForce: undefined,
      worker: undefined,
      notices: [`the record of what was set is of no use: ${reading.why}`],
    };
  }
  const record = reading.state;
  // Another index under the same name is another device: a ppp link that came up again.
  const sameDevice = link !== undefined && record.plan.link.ifindex === link.ifindex;
  const { queueDevice } = record.plan;
  const active = record.phase === 'active';
  const root = sameDevice ? rootStanding(view, record) : 'other';
  // Killed half way, a run may have made no more than the root.
  const rootIsOurs =
    view.root === undefined || root === 'whole' || root === 'part' || (root === 'bare' && !active);
  const whole =
    root === 'whole' &&
    looksLikeOurIngress(view) &&
    (queueDevice === undefined || (await deviceExists(queueDevice)));
  let ingress: Awaited<ReturnType<typeof ingressActionsStand>> = 'no';
  if (sameDevice && view.ingress !== undefined) {
    ingress = await orElse(ingressActionsStand(record.plan, run), 'open', silently);
  }
  // Somebody has taken our filters away, or has put a queue and filters in the place of ours.
  const noneOfOthers = async (): Promise<boolean> => {
    const others = othersFilters(record.plan, view, false, run);
    return orElse(
      others.then(({ length }) => length === 0),
      false,
      silently,
    );
  };
  const ingressIsOurs =
    view.ingress === undefined ||
    (sameDevice && looksLikeOurIngress(view) && (ingress !== 'no' || (await noneOfOthers())));
  const complete = whole && (!active || ingress === 'yes' || ingress === 'open');
  const notices: string[] = [];
  const worker = active ? undefined : await otherHolder(device);
  if (worker !== undefined) {
    const work = record.phase === 'measuring' ? 'measuring' : 'changing';
    notices.push(`process ${worker} is ${work} ${device} at this moment`);
  } else if (record.phase === 'measuring') {
    notices.push(`a measurement of searchbw was ended before it could put back what was on ${device}`);
  } else if (record.phase === 'changing') {
    notices.push(`an earlier run was ended while it was changing ${device}`);
  } else if (sameDevice && !(rootIsOurs && ingressIsOurs)) {
    notices.push(`somebody else's queues stand on ${device} in the place of those that inetgw had set`);
  } else if (sameDevice && !complete)
    notices.push(`the queues that inetgw had set on ${device} were taken away by someone`);
  return {
    device,
    link,
    view,
    record,
    ours: sameDevice && rootIsOurs && ingressIsOurs,
    rootIsOurs,
    ingressIsOurs,
    inForce: active && complete ? record.plan : undefined,
    worker,
    notices,
  };
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

/** The kinds of actions as tc names them; `mark` is left out: not all versions of tc show its index. */
const SHOWN_AS = {
  police: 'police',
  policeSize: 'police',
  drop: 'gact',
  ok: 'gact',
  count: 'gact',
  redirect: 'mirred',
  mark: undefined,
} as const;

/**
 * Whether the plan's actions hang at the device's ingress: whoever takes the filters away, or the queue and puts
 * another one there, leaves what looks the same in the list of queues. `some`: not all of them. A tc whose list
 * cannot be read leaves it open.
 */
export async function ingressActionsStand(plan: Plan, run: Runner): Promise<'yes' | 'some' | 'no' | 'open'> {
  let standing: ReadonlyMap<string, unknown>;
  try {
    standing = await readActions(plan.device, 'ingress', run);
  } catch (error) {
    if (error instanceof UnreadableOutput) return 'open';
    if (await wentAway(plan.device, error)) return 'no';
    throw error;
  }
  const wanted = plan.tc
    .flatMap((object) => (object.type === 'filter' && object.dev === plan.device ? object.actions : []))
    .flatMap(({ kind, index }) => (SHOWN_AS[kind] === undefined ? [] : [`${SHOWN_AS[kind]} ${index}`]));
  const found = wanted.filter((action) => standing.has(action)).length;
  return found === wanted.length ? 'yes' : found > 0 ? 'some' : 'no';
}

/** Filters of others at the device's hooks. */
export async function othersFilters(
  { device, tc }: Plan,
  view: TcView,
  actionsStand: boolean,
  run: Runner,
): Promise<FilterLine[]> {
  const planned = tc.filter(({ dev }) => dev === device);
  const found: FilterLine[] = [];
  for (const hook of view.ingress?.kind === 'clsact' ? ['ingress', 'egress'] : ['ingress']) {
    const shown = await ask(['tc', 'filter', 'show', 'dev', device, hook], run);
    found.push(...foreignFilters(parseFilters(shown), planned, actionsStand));
  }
  return found;
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

const OUR_LEAVES = ['10:', '20:', '30:'];

function looksLikeOurRoot({ root, leaves = [] }: TcView): boolean {
  const ours = ({ kind, handle }: Leaf): boolean =>
    OUR_LEAVES.includes(handle) && (kind === 'fq_codel' || kind === 'sfq');
  return root?.kind === 'htb' && root.handle === '1:' && leaves.every(ours);
}

function looksLikeOurIngress(view: TcView): boolean {
  return view.ingress?.kind === 'ingress' || view.ingress?.kind === 'clsact';
}
