/** Whether what stands on a device is what a plan has put there: a handle tells nothing, others use the same ones. Pure. */
import type { Leaf, TcView } from './batch.ts';
import type { Qdisc, TcObject } from './objects.ts';
import type { FilterLine } from './parse.ts';

/**
 * `whole`: root and all queues in its classes are as planned. `part`: root and some of them. `bare`: root alone.
 * `other`: another root, or none of the queues in its classes is one of the plan's.
 */
export type Standing = 'whole' | 'part' | 'bare' | 'other';

/**
 * What of the objects' tree at the device's root stands there.
 * @param exact queues must have the planned parameters too; without, their kinds and places count
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
  if (leaves.length === 0) return planned.length === 0 ? 'whole' : 'bare';
  const found = leaves.filter((leaf) => planned.some((qdisc) => isSame(leaf, qdisc, exact)));
  if (found.length === 0) return 'other';
  return found.length === planned.length && leaves.length === planned.length ? 'whole' : 'part';
}

function isSame(leaf: Leaf, { handle, parent, spec }: Qdisc, exact: boolean): boolean {
  if (leaf.handle !== handle || leaf.parent !== parent || leaf.kind !== spec.kind) return false;
  if (!exact || (spec.kind !== 'fq_codel' && spec.kind !== 'sfq')) return true;
  return (
    (leaf.limitPackets ?? spec.limitPackets) === spec.limitPackets &&
    (leaf.quantumBytes ?? spec.quantumBytes) === spec.quantumBytes
  );
}

/**
 * Filters that the plan's objects are not.
 * @param actionsStand whether actions of the plan hang at the hook: without them, no filter that has any is the plan's
 */
export function foreignFilters(
  standing: readonly FilterLine[],
  planned: readonly TcObject[],
  actionsStand: boolean,
): FilterLine[] {
  const isPlanned = ({ protocol, pref, kind, objectFile }: FilterLine): boolean =>
    protocol === 'all' &&
    planned.some((object) => {
      if (object.type === 'filter') return actionsStand && kind === 'matchall' && object.pref === pref;
      if (object.type !== 'program' || object.pref !== pref || kind !== 'bpf') return false;
      return objectFile === object.objectFile.slice(object.objectFile.lastIndexOf('/') + 1);
    });
  return standing.filter((filter) => !isPlanned(filter));
}
