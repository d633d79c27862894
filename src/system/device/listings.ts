/** Asks tc for several lists by one program; what it does not answer is asked for one by one, by whoever wants it. */
import {
  countersBatch,
  listingsBatch,
  takeApart,
  takeJsonApart,
  type CounterListing,
  type Listing,
} from '../../tc/listings.ts';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';

/**
 * A runner that has the answers to these questions already, with statistics; it passes on all others. Where tc failed at one
 * of them it has none: which it was, and why, is told to whoever asks for that list.
 */
export async function listedTogether(listings: readonly Listing[], run: Runner): Promise<Runner> {
  if (listings.length < 2) return run;
  const output = await answer(['tc', '-s', '-batch', '-'], run, { input: listingsBatch(listings) });
  const lists = output === undefined ? undefined : takeApart(output, listings.length);
  if (lists === undefined) return run;
  const known = new Map(listings.map((words, n) => [words.join(' '), lists[n] ?? '']));
  return (argv, options) => {
    const [file, ...words] = argv;
    const stdout = file === 'tc' ? known.get(words.filter((word) => word !== '-s').join(' ')) : undefined;
    return stdout === undefined ? run(argv, options) : Promise.resolve({ code: 0, stdout, stderr: '' });
  };
}

/** By whom tc has printed what cannot be taken apart: there each list is asked for alone from then on. */
const untaken = new WeakSet<Runner>();

/** The same for counters, `tc -s -j`; who asks for them waits for the one program. */
export function countedTogether(listings: readonly CounterListing[], run: Runner): Runner {
  if (untaken.has(run)) return run;
  const input = countersBatch(listings);
  const known = answer(['tc', '-s', '-j', '-batch', '-'], run, { input }).then((output) => {
    const lists = output === undefined ? [] : (takeJsonApart(output, listings.length) ?? []);
    // It has failed at none of them.
    if (output !== undefined && lists.length === 0) untaken.add(run);
    return new Map(lists.map((list, n) => [['tc', '-s', '-j', ...(listings[n] ?? [])].join(' '), list]));
  });
  return async (argv, options) => {
    const stdout = (await known).get(argv.join(' '));
    return stdout === undefined ? run(argv, options) : { code: 0, stdout, stderr: '' };
  };
}
