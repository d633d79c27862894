/**
 * HTB classes and the filters that lead to them in what `tc class show` and `tc filter show dev X` print: their text is
 * alike in all versions, their JSON is not. Pure; tested on recorded output of several versions.
 */

export interface ClassText {
  /** `1:10` */
  classId: string;
  /** Less what tc cuts off (below 0.1 %). */
  rateBitPerSec: number;
  ceilBitPerSec: number;
}

const UNITS = { '': 1, K: 1e3, M: 1e6, G: 1e9, T: 1e12 } as const;
const RATE = '(\\d+)([KMGT]?)bit';
const CLASS = new RegExp(`^class htb (\\S+) .*? rate ${RATE} (?:.*? )?ceil ${RATE}\\b`);

/** A rate as tc prints it, `147` and `K`, in bit/s. */
export const shownRate = (number: string | undefined, unit: string | undefined): number =>
  Number(number) * UNITS[(unit ?? '') as keyof typeof UNITS];

/** What cannot be read is left out. */
export function classTexts(output: string): ClassText[] {
  return output.split('\n').flatMap((line): ClassText[] => {
    const match = CLASS.exec(line);
    if (match === null) return [];
    const [, classId = '', rate, rateUnit, ceil, ceilUnit] = match;
    return [{ classId, rateBitPerSec: shownRate(rate, rateUnit), ceilBitPerSec: shownRate(ceil, ceilUnit) }];
  });
}

export interface FlowFilterText {
  protocol: string;
  pref: number;
  classId: string;
  /** What it compares, as tc prints it: `00000000/0000ff00 at 0`. */
  matches: readonly string[];
}

const FLOW_FILTER = /^filter .*?protocol (\S+) pref (\d+) u32 .*? \*?flowid (\S+)/;

/** Filters of u32 that lead into a class. */
export function flowFilterTexts(output: string): FlowFilterText[] {
  return output.split(/^(?=filter )/m).flatMap((block): FlowFilterText[] => {
    const match = FLOW_FILTER.exec(block);
    if (match === null) return [];
    const [, protocol = '', pref, classId = ''] = match;
    const matches = [...block.matchAll(/^\s+match (\S+ at \S+)/gm)].map(([, text = '']) => text);
    return [{ protocol, pref: Number(pref), classId, matches }];
  });
}
