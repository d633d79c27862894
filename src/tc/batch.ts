/** From objects to the lines of a `tc -batch`: set up, tear down, change in place. Pure. */
import { sameValue } from './sameValue.ts';
import type { Action, TcObject } from './objects.ts';
import {
  renderActionChange,
  renderClass,
  renderFilterAdd,
  renderProgram,
  renderQdisc,
  renderSmallPackets,
  renderUdp,
} from './render.ts';

/** What stands on a device now, as far as setting up and tearing down depend on it. */
export interface TcView {
  /** A root qdisc that somebody has put there; the kernel's default (handle 0:) does not count. */
  root: RootView | undefined;
  /** ingress or clsact: they exclude each other. */
  ingress: IngressView | undefined;
  /** The queues in the classes below root. */
  leaves?: readonly Leaf[];
}

export interface RootView {
  kind: string;
  handle: string;
  /** Of HTB: the class of what no rule has put in one. */
  defaultMinor?: number;
  /** Of a cake, from tc's JSON alone: `unlimited`, or bytes a second. */
  bandwidth?: unknown;
}

export interface IngressView {
  kind: string;
  handle: string;
  /** Present: filters of others hang there, or the qdisc is somebody else's; only these are ours to be taken away. */
  ownFilters?: readonly FilterPlace[];
}

export interface FilterPlace {
  /** `ffff:fff2`, `ffff:fff3` or `ffff:`. */
  parent: string;
  pref: number;
}

/** A queue in a class, as far as it tells whose it is. */
export interface Leaf {
  kind: string;
  handle: string;
  parent: string;
  /** What tc prints of these depends on kind and version. */
  limitPackets?: number;
  quantumBytes?: number;
  cake?: CakeLeaf;
}

/** Of a cake, from tc's JSON alone: its text rounds. */
export interface CakeLeaf {
  /** `unlimited`, or bytes a second. */
  bandwidth: unknown;
  /** `dual-srchost` and others. */
  flowMode: unknown;
  rttUs: unknown;
  memoryBytes: unknown;
  /** `disabled`, `enabled` or `aggressive`. */
  ackFilter: unknown;
}

export function batchText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** Actions that are the same in each plan which has one of their index. */
const INDEX_TELLS_ALL: ReadonlySet<Action['kind']> = new Set(['drop', 'ok', 'count', 'countOnly']);

/**
 * A filter made right after its predecessor was deleted can take up the old action of the same index, with the
 * rate of then (seen on 6.1, after a killed searchbw), the device of then, which may be gone, or the verdict of then,
 * by which packets pass a stage or never reach it. So whatever an index does not tell by itself is said again.
 */
function saidAgain(actions: readonly Action[]): string[] {
  const lines = actions.filter(({ kind }) => !INDEX_TELLS_ALL.has(kind)).map(renderActionChange);
  // Filters share the redirect.
  return [...new Set(lines)];
}

/** The lines that make the objects on devices where nothing of the kind stands. */
export function setUpLines(objects: readonly TcObject[]): string[] {
  const lines = objects.map((object) => {
    switch (object.type) {
      case 'qdisc':
        return renderQdisc('add', object);
      case 'class':
        return renderClass('add', object);
      case 'filter':
        return renderFilterAdd(object);
      case 'program':
        return renderProgram('add', object);
      case 'small':
        return renderSmallPackets(object);
      case 'udp':
        return renderUdp(object);
    }
  });
  const actions = objects.flatMap((object) => (object.type === 'filter' ? object.actions : []));
  return [...lines, ...saidAgain(actions)];
}

/**
 * The objects as they are to be made: without an ingress qdisc where one of others stays, and with one where theirs, which
 * the objects do without, has gone.
 */
export function beside(
  objects: readonly TcObject[],
  device: string,
  { ingress }: TcView,
): readonly TcObject[] {
  const atIngress = objects.filter((object) => object.dev === device && placeOf(object) === 'ingress');
  const isQdisc = (object: TcObject): boolean => object.type === 'qdisc';
  if (ingress?.ownFilters !== undefined)
    return objects.filter((object) => !isQdisc(object) || !atIngress.includes(object));
  if (atIngress.length === 0 || atIngress.some(isQdisc)) return objects;
  const spec = { kind: 'clsact' } as const;
  return [{ type: 'qdisc', dev: device, parent: 'ingress', handle: 'ffff:', spec }, ...objects];
}

/** The lines that take away what stands at root and ingress; no line can fail for want of an object. */
export function tearDownLines(device: string, view: TcView): string[] {
  return (['root', 'ingress'] as const).flatMap((place) => tearDownPlace(device, place, view));
}

/** The same for one of the two. */
export function tearDownPlace(device: string, place: 'root' | 'ingress', view: TcView): string[] {
  const standing: IngressView | undefined = view[place];
  if (standing === undefined) return [];
  if (standing.ownFilters !== undefined) {
    return standing.ownFilters.map(
      ({ parent, pref }) => `filter del dev ${device} parent ${parent} protocol all pref ${pref}`,
    );
  }
  return [`qdisc del dev ${device} ${place === 'root' ? place : standing.kind}`];
}

/** A place on a device that holds queues or filters of its own, which can be made anew without touching others. */
export interface Tree {
  dev: string;
  place: 'root' | 'ingress';
  objects: TcObject[];
}

/** The objects by the tree that they belong to, each tree where its first object stands. */
export function treesOf(objects: readonly TcObject[]): Tree[] {
  const trees: Tree[] = [];
  for (const object of objects) {
    const { dev } = object;
    const place = placeOf(object);
    const tree = trees.find((each) => each.dev === dev && each.place === place);
    if (tree === undefined) trees.push({ dev, place, objects: [object] });
    else tree.objects.push(object);
  }
  return trees;
}

function placeOf(object: TcObject): Tree['place'] {
  if (object.type === 'qdisc') {
    return object.spec.kind === 'ingress' || object.spec.kind === 'clsact' ? 'ingress' : 'root';
  }
  // ffff: is ingress itself, ffff:fff2 and ffff:fff3 are the hooks of clsact.
  return object.parent.startsWith('ffff:') ? 'ingress' : 'root';
}

/**
 * The lines that turn `from` into `to` by changing parameters only: no queue is lost and no packet passes
 * unshaped. Undefined where the structure differs and everything must be made anew.
 * @param ratesOf `others`: rates of classes and actions were changed since, so all of them are said again
 */
export function changeLines(
  from: readonly TcObject[],
  to: readonly TcObject[],
  ratesOf: 'from' | 'others' = 'from',
): string[] | undefined {
  if (from.length !== to.length) return undefined;
  const lines: string[] = [];
  for (const [n, next] of to.entries()) {
    const previous = from[n];
    if (previous === undefined) return undefined;
    const changed = changeObject(previous, next);
    if (changed === undefined) return undefined;
    lines.push(...(ratesOf === 'others' ? saidAnew(changed, next) : changed));
  }
  return lines;
}

/** The lines that say an object's rates, whatever they are now; of an object without rates, what has changed. */
export function rateLines(object: TcObject): string[] {
  switch (object.type) {
    case 'class':
      return [renderClass('change', object)];
    case 'filter':
      return object.actions.filter(({ kind }) => kind === 'police').map(renderActionChange);
    case 'qdisc':
    case 'program':
    case 'small':
    case 'udp':
      return [];
  }
}

const saidAnew = (changed: readonly string[], object: TcObject): string[] => [
  ...new Set([...changed, ...rateLines(object)]),
];

function changeObject(from: TcObject, to: TcObject): string[] | undefined {
  if (sameValue(from, to)) return [];
  if (from.type === 'class' && to.type === 'class') {
    const sameIdentity = from.dev === to.dev && from.parent === to.parent && from.classId === to.classId;
    return sameIdentity ? [renderClass('change', to)] : undefined;
  }
  if (from.type === 'qdisc' && to.type === 'qdisc') {
    const sameIdentity = from.dev === to.dev && from.parent === to.parent && from.handle === to.handle;
    const changeable = from.spec.kind === to.spec.kind && ['fq_codel', 'sfq', 'cake'].includes(to.spec.kind);
    return sameIdentity && changeable ? [renderQdisc('change', to)] : undefined;
  }
  if (from.type === 'filter' && to.type === 'filter') {
    const sameIdentity = from.dev === to.dev && from.parent === to.parent && from.pref === to.pref;
    return sameIdentity ? changeActions(from.actions, to.actions) : undefined;
  }
  if (from.type === 'program' && to.type === 'program') {
    const sameIdentity = from.dev === to.dev && from.parent === to.parent && from.pref === to.pref;
    return sameIdentity && sameValue(from.actions, to.actions) ? [renderProgram('replace', to)] : undefined;
  }
  return undefined;
}

function changeActions(from: readonly Action[], to: readonly Action[]): string[] | undefined {
  if (from.length !== to.length) return undefined;
  const lines: string[] = [];
  for (const [n, next] of to.entries()) {
    const previous = from[n];
    if (previous === undefined || previous.kind !== next.kind) return undefined;
    if (sameValue(previous, next)) continue;
    if (previous.index !== next.index) return undefined;
    lines.push(renderActionChange(next));
  }
  return lines;
}
