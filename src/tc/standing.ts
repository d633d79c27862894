/** Whether what stands on a device is what a plan has put there: a handle tells nothing, others use the same ones. Pure. */
import { actionDoes, actionTexts, type ActionDoes } from './actionText.ts';
import type { CakeLeaf, Leaf, TcView } from './batch.ts';
import { classTexts, flowFilterTexts } from './htbText.ts';
import { CLSACT_HOOK } from './clsact.ts';
import {
  CAKE_FLOW_MODE,
  type Action,
  type Qdisc,
  type SmallPacketFilter,
  type TcObject,
  type UdpFilter,
} from './objects.ts';
import { UnreadableOutput, type FilterLine } from './parse.ts';
import { parseActionStatistics } from './statistics.ts';

/**
 * `whole`: root and all queues in its classes are as planned. `part`: root and some of them. `bare`: root alone.
 * `other`: another root, or none of the queues in its classes is one of the plan's.
 */
export type Standing = 'whole' | 'part' | 'bare' | 'other';

/**
 * What of the objects' tree at the device's root stands there.
 * @param exact root and queues must have the planned parameters too; without, their kinds and places count
 */
export function treeStanding(
  view: TcView,
  objects: readonly TcObject[],
  device: string,
  exact: boolean,
): Standing {
  const qdiscs = objects.filter((object) => object.type === 'qdisc').filter(({ dev }) => dev === device);
  const root = qdiscs.find(({ parent }) => parent === 'root');
  if (root?.spec.kind !== view.root?.kind || root?.handle !== view.root?.handle) return 'other';
  const planned = qdiscs.filter(({ parent }) => parent !== 'root' && parent !== 'ingress');
  const leaves = view.leaves ?? [];
  if (exact && !isAsGiven(view.root, root?.spec))
    return leaves.length === 0 && planned.length > 0 ? 'bare' : 'part';
  if (leaves.length === 0) return planned.length === 0 ? 'whole' : 'bare';
  const found = leaves.filter((leaf) => planned.some((qdisc) => isSame(leaf, qdisc, exact)));
  if (found.length === 0) return 'other';
  return found.length === planned.length && leaves.length === planned.length ? 'whole' : 'part';
}

/** A length below 256 bytes, as render.ts asks for it and tc prints it. */
const SMALL_MATCH = { ip: '00000000/0000ff00 at 0', ipv6: '00000000/ff000000 at 4' } as const;

/** As value/mask: protocol UDP, the bit that ECT(0) and a mark have in common, and where UDP's header begins. */
const UDP_MATCH = {
  ip: { protocol: '00110000/00ff0000 at 8', ecn: '00020000/00020000 at 0', portsAt: 20 },
  ipv6: { protocol: '00001100/0000ff00 at 4', ecn: '00200000/00200000 at 0', portsAt: 40 },
} as const;

function matchesOf(filter: SmallPacketFilter | UdpFilter): string[] {
  if (filter.type === 'small') return [SMALL_MATCH[filter.protocol]];
  const { protocol, ecn, portsAt } = UDP_MATCH[filter.protocol];
  if (filter.which === 'ecn') return [protocol, ecn];
  return [protocol, `${filter.which.fromPort.toString(16).padStart(4, '0')}0000/ffff0000 at ${portsAt}`];
}

/**
 * Whether the filters that lead packets into the classes of the device are there.
 * @param shown what `tc filter show dev X` prints
 */
export function classFiltersStand(objects: readonly TcObject[], device: string, shown: string): boolean {
  const standing = flowFilterTexts(shown);
  return objects.every((object) => {
    if ((object.type !== 'small' && object.type !== 'udp') || object.dev !== device) return true;
    const { protocol, pref, classId } = object;
    const matches = matchesOf(object);
    return standing.some(
      (each) =>
        each.protocol === protocol &&
        each.pref === pref &&
        each.classId === classId &&
        each.matches.length === matches.length &&
        matches.every((match) => each.matches.includes(match)),
    );
  });
}

/** Whether the root has what the plan gives it; what is not shown is taken to be so. */
function isAsGiven(root: TcView['root'], spec: Qdisc['spec'] | undefined): boolean {
  switch (spec?.kind) {
    case 'htb': {
      const planned = Number.parseInt(spec.defaultMinor, 16);
      return (root?.defaultMinor ?? planned) === planned;
    }
    case 'cake': {
      if (!('bandwidthBitPerSec' in spec) || root?.bandwidth === undefined) return true;
      if (typeof root.bandwidth !== 'number') return root.bandwidth !== 'unlimited';
      return isRate(root.bandwidth * 8, spec.bandwidthBitPerSec);
    }
    case 'fq_codel':
    case 'sfq':
    case 'ingress':
    case 'clsact':
    case undefined:
      return true;
  }
}

/**
 * Whether the HTB classes of the device are there and have the rates of the plan.
 * @param shown what `tc class show dev X` prints; what cannot be read of it is taken to be as planned
 * @param areFollowed whether the rates follow the line, so that others may stand there
 */
export function classesStand(
  objects: readonly TcObject[],
  device: string,
  shown: string,
  areFollowed = false,
): boolean {
  const standing = new Map(classTexts(shown).map((each) => [each.classId, each]));
  if (standing.size === 0) return true;
  return objects.every((object) => {
    if (object.type !== 'class' || object.dev !== device) return true;
    const found = standing.get(object.classId);
    if (found === undefined || areFollowed) return found !== undefined;
    return (
      isRate(found.rateBitPerSec, object.rateBitPerSec) && isRate(found.ceilBitPerSec, object.ceilBitPerSec)
    );
  });
}

function isSame(leaf: Leaf, { handle, parent, spec }: Qdisc, exact: boolean): boolean {
  if (leaf.handle !== handle || leaf.parent !== parent || leaf.kind !== spec.kind) return false;
  if (!exact) return true;
  switch (spec.kind) {
    case 'fq_codel':
    case 'sfq':
      return (
        (leaf.limitPackets ?? spec.limitPackets) === spec.limitPackets &&
        (leaf.quantumBytes ?? spec.quantumBytes) === spec.quantumBytes
      );
    case 'cake': {
      if (leaf.cake === undefined || !('hosts' in spec)) return true;
      const planned: CakeLeaf = {
        bandwidth: 'unlimited',
        flowMode: CAKE_FLOW_MODE[spec.hosts],
        rttUs: spec.rttUs,
        memoryBytes: spec.memoryBytes,
        ackFilter: spec.ackFilter ?? 'disabled',
      };
      return (Object.keys(planned) as (keyof CakeLeaf)[]).every(
        (name) => (leaf.cake?.[name] ?? planned[name]) === planned[name],
      );
    }
    case 'htb':
    case 'ingress':
    case 'clsact':
      return true;
  }
}

/**
 * Whether a filter is one of the plan's objects.
 * @param actionsStand whether actions of the plan hang at the hook: without them, no filter that has any is the plan's
 */
export function isPlanned(
  { protocol, pref, kind, objectFile }: FilterLine,
  planned: readonly TcObject[],
  actionsStand: boolean,
): boolean {
  if (protocol !== 'all') return false;
  return planned.some((object) => {
    if (object.type === 'filter') return actionsStand && kind === 'matchall' && object.pref === pref;
    if (object.type !== 'program' || object.pref !== pref || kind !== 'bpf') return false;
    return objectFile === object.objectFile.slice(object.objectFile.lastIndexOf('/') + 1);
  });
}

/** Filters that the plan's objects are not. */
export function foreignFilters(
  standing: readonly FilterLine[],
  planned: readonly TcObject[],
  actionsStand: boolean,
): FilterLine[] {
  return standing.filter((filter) => !isPlanned(filter, planned, actionsStand));
}

/** The filters and programs among the objects that belong to a hook of the device. */
export function filtersAt(
  objects: readonly TcObject[],
  device: string,
  hook: 'ingress' | 'egress',
): TcObject[] {
  return objects.filter(
    (object) =>
      (object.type === 'filter' || object.type === 'program') &&
      object.dev === device &&
      // At ingress there are several ways to name the hook.
      (object.parent === CLSACT_HOOK.egress) === (hook === 'egress'),
  );
}

/**
 * Whether all actions of objects hang at a hook, `some` of them, none; `changed`: all of them, and one does not do as
 * planned; `open`: what tc printed cannot be read.
 */
export type ActionsStanding = 'yes' | 'changed' | 'some' | 'no' | 'open';

/** The kinds of actions as tc names them. */
const SHOWN_AS = {
  police: 'police',
  policeSize: 'police',
  drop: 'gact',
  ok: 'gact',
  count: 'gact',
  countOnly: 'gact',
  redirect: 'mirred',
  mark: 'skbedit',
} as const;

/**
 * Whether the objects' actions hang at a hook: whoever takes the filters away, or the queue and puts another one there,
 * leaves what looks the same in the list of queues. `some`: not all of them.
 * @param shown what `tc -s filter show dev X ingress` prints; what cannot be read leaves it open
 */
export function actionsStanding(objects: readonly TcObject[], shown: string): ActionsStanding {
  let standing: ReadonlySet<string>;
  try {
    standing = new Set(parseActionStatistics(shown).keys());
  } catch (error) {
    if (error instanceof UnreadableOutput) return 'open';
    throw error;
  }
  const actions = objects.flatMap((object) =>
    object.type === 'filter' || object.type === 'program' ? object.actions : [],
  );
  // Not all versions of tc show the index of a mark.
  const wanted = actions.filter(({ kind }) => kind !== 'mark');
  const found = wanted.filter((action) => standing.has(keyOf(action)));
  if (found.length < wanted.length) return found.length > 0 ? 'some' : 'no';
  const does = new Map(actionTexts(shown).map((text) => [text.key, actionDoes(text)]));
  return actions.every((action) => isAsPlanned(action, does.get(keyOf(action)) ?? {})) ? 'yes' : 'changed';
}

const keyOf = ({ kind, index }: Action): string => `${SHOWN_AS[kind]} ${index}`;

/** tc cuts rates off, the kernel counts in bytes. */
const RATE_TOLERANCE = 0.01;

const isRate = (found: number, planned: number): boolean =>
  Math.abs(found - planned) <= planned * RATE_TOLERANCE;

/** What is not shown is taken to be as planned. */
function isAsPlanned(action: Action, { verdict, rateBitPerSec }: ActionDoes): boolean {
  switch (action.kind) {
    case 'mark':
      return (verdict ?? action.then) === action.then;
    case 'police':
    case 'policeSize': {
      const rate = action.kind === 'police' ? action.rateBitPerSec : 0;
      const planned = `${action.exceed}/${action.conform}`.replace(/\/ok$/, '');
      const isFollowed = action.kind === 'police' && action.follows === true;
      return (verdict ?? planned) === planned && (isFollowed || isRate(rateBitPerSec ?? rate, rate));
    }
    case 'drop':
    case 'ok':
    case 'count':
    case 'countOnly':
    case 'redirect':
      return true;
  }
}
