/**
 * Several lists of tc's by one program: the lines of a `tc -batch`, and what it prints taken apart again. What stands is read
 * from text, which is alike in all versions for filters and classes, counters from JSON. Pure.
 */

/** What is asked for, as behind `tc`: `class show dev ppp0`, `filter show dev ppp0 ingress`. */
export type Listing = readonly ['class' | 'filter', 'show', 'dev', string, ...('ingress' | 'egress')[]];

/** Each device has exactly one root, and no list of classes or filters has such a line. */
const ROOT = /^qdisc \S+ \S+ (?:dev \S+ )?root /;

/** The text for `tc -s -batch -`. What tells one list from the next is the device's root, asked for before each. */
export function listingsBatch(listings: readonly Listing[]): string {
  return listings.map((words) => `qdisc show dev ${words[3]}\n${words.join(' ')}\n`).join('');
}

/** The text of each list, as if it had been asked for alone; undefined: it cannot be told where one ends. */
export function takeApart(output: string, count: number): string[] | undefined {
  const lists: string[] = [];
  // Further lines of an object are set in.
  let isQdisc = true;
  for (const line of output.split(/(?<=\n)/)) {
    if (ROOT.test(line)) lists.push('');
    if (/^\S/.test(line)) isQdisc = line.startsWith('qdisc ');
    if (isQdisc) continue;
    const text = lists.pop();
    if (text === undefined) return undefined;
    lists.push(text + line);
  }
  return lists.length === count ? lists : undefined;
}

/** What is asked for counters, as behind `tc -s -j`. */
export type CounterListing =
  | readonly ['qdisc', 'show', 'dev', string]
  | readonly ['filter', 'show', 'dev', string, 'ingress' | 'egress'];

/** The text for `tc -s -j -batch -`. */
export const countersBatch = (listings: readonly CounterListing[]): string =>
  listings.map((words) => `${words.join(' ')}\n`).join('');

/** The JSON of each list: each is a line. Undefined: not with this tc (5.10 prints some actions as text in the midst of it). */
export function takeJsonApart(output: string, count: number): string[] | undefined {
  const lines = output.split('\n').filter((line) => line !== '');
  const areLists = lines.every((line) => line.startsWith('[') && line.endsWith(']'));
  return areLists && lines.length === count ? lines : undefined;
}
