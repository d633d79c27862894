/** Finds a command or variable by its beginning, as the original did. */
export type Match<T extends string> =
  { word: T } | { problem: 'unknown' } | { problem: 'ambiguous'; among: T[] };

/**
 * The word that begins so. An exact word wins, so does one that all other candidates begin with (`b` is
 * `bandwidth`, not `bandwidth_up`); otherwise it has to be the only one.
 */
export function matchWord<T extends string>(typed: string, words: readonly T[]): Match<T> {
  const lower = typed.toLowerCase();
  const among = words.filter((word) => lower !== '' && word.toLowerCase().startsWith(lower));
  const exact = among.find((word) => word.toLowerCase() === lower);
  const shortest = [...among].sort((a, b) => a.length - b.length)[0];
  if (exact !== undefined) return { word: exact };
  if (shortest === undefined) return { problem: 'unknown' };
  if (among.every((word) => word.startsWith(shortest))) return { word: shortest };
  return { problem: 'ambiguous', among };
}
