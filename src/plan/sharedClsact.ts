/**
 * Filters of ours at a clsact qdisc that others use as well. They stand behind all of theirs: the first filter whose
 * verdict is not “continue” is the last one that sees a packet, and ours decide on each. Pure.
 */
import { CLSACT_HOOK } from '../tc/clsact.ts';
import type { TcObject } from '../tc/objects.ts';
import type { SharedClsact } from './input/link.ts';

/**
 * Above what tc and the kernel choose when nobody names a preference (from 49152 downwards, 0xC000 in tcf_auto_prio), and
 * what programs are known to name (Cilium: 1; systemd, keepalived: none).
 */
const FIRST_PREF = 60_000;
/** More than any plan has. */
const PREFS = 16;
const LAST_PREF = 65_535;

/** A range of preferences behind all that are taken; undefined: there is none left. */
export function freeFirstPref(taken: readonly number[]): number | undefined {
  const first = Math.max(FIRST_PREF, ...taken.map((pref) => pref + 1));
  return first + PREFS > LAST_PREF ? undefined : first;
}

/** The same objects without the qdisc, their filters in the range that is theirs. */
export function besideOthers(objects: readonly TcObject[], { firstPref }: SharedClsact): TcObject[] {
  return objects.flatMap((object): TcObject[] => {
    if (object.type === 'qdisc' && (object.spec.kind === 'clsact' || object.spec.kind === 'ingress'))
      return [];
    if (object.type !== 'filter' && object.type !== 'program') return [object];
    const parent = object.parent === CLSACT_HOOK.egress ? CLSACT_HOOK.egress : CLSACT_HOOK.ingress;
    return [{ ...object, parent, pref: firstPref + object.pref }];
  });
}
