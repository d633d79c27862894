/** What was said when a device was set up, kept so that it can be said again: by the page of `inetgw serve`. Pure. */
import { definitionOf, SHAPER_KEY_NAMES, type ShaperKey } from './keys.ts';
import type { Values } from './values.ts';

/** Texts by key, wherever they were said; what is not in it was left to its default. */
export type Said = Readonly<Partial<Record<ShaperKey, string>>>;

export const saidIn = (values: Values): Said =>
  Object.fromEntries([...values].map(([key, { text }]) => [key, text]));

export function isSaid(value: unknown): value is Said {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === 'string');
}

/** As words of a command line, in which nothing else counts as long as it names no file. */
export function wordsOfSaid(said: Said): string[] {
  return SHAPER_KEY_NAMES.flatMap((key) => {
    const text = said[key];
    if (text === undefined) return [];
    if (definitionOf(key).form !== 'switch') return [`--${key}=${text}`];
    return [text === 'true' ? `--${key}` : `--no-${key}`];
  });
}
