/**
 * What the law of src/follow/ would decide on a recorded trace: `npx tsx scripts/replayTrace.ts FILE`. A line for each change,
 * with what was seen; a table for each time that the device was set up anew.
 */
import { readFileSync } from 'node:fs';
import { blame } from '../src/follow/decide/blame.ts';
import { parseTraces, replay, type Trace } from '../src/follow/decide/trace.ts';
import { table } from '../src/report/statistics/table.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('which trace?');
const mbit = (bitPerSec: number): string => (bitPerSec / 1e6).toFixed(2);
const ms = (value: number | undefined): string => value?.toFixed(1) ?? '-';

function changes(trace: Trace): string[][] {
  const decisions = replay(trace);
  return decisions.flatMap((decision, at) => {
    const sample = trace.samples[at];
    const before = decisions[at - 1] ?? trace.head;
    if (sample === undefined) return [];
    const changed =
      before.downBitPerSec !== decision.downBitPerSec || before.upBitPerSec !== decision.upBitPerSec;
    if (!changed && at > 0 && !decision.forgetLeast) return [];
    const { downMs, upMs } = blame(sample, before);
    return [
      [
        (sample.atMs / 1000).toFixed(2),
        ...[sample.downBitPerSec, sample.upBitPerSec].map(mbit),
        ...[ms(downMs), ms(upMs)],
        ...[mbit(decision.downBitPerSec), decision.why.down, mbit(decision.upBitPerSec), decision.why.up],
        decision.forgetLeast ? 'the way is longer' : decision.pings ? 'pings' : '',
      ],
    ];
  });
}
const HEAD = ['s', 'in Mbit/s', 'out', 'queue in ms', 'out', 'down', 'why', 'up', 'why', ''];
for (const trace of parseTraces(readFileSync(file, 'utf8'))) console.log(table(HEAD, changes(trace)));
