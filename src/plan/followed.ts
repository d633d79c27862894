/** A plan whose rates follow the line, at other rates than those that it was made with. Pure. */
import { changeLines, rateLines } from '../tc/batch.ts';
import { framedBytes, type RawRates } from './input/framing.ts';
import { linkHeaderBytes } from './input/link.ts';
import { factsShownBy, makePlan, type Plan } from './plan.ts';

/** The same plan at these rates. Throws where its rates do not follow the line. */
export function planAt(plan: Plan, rates: RawRates): Plan {
  if (plan.follows === undefined) throw new Error(`the rates of ${plan.device} are fixed`);
  const kernel = { ...factsShownBy(plan), pacingObjectFile: plan.pacing?.objectFile };
  return makePlan({ ...plan.follows.settings, ...rates }, plan.link, kernel, plan.firewall?.backend);
}

/**
 * The lines of tc that set the classes and buckets of a plan to these rates. Queues keep their parameters and their packets, and
 * the program is not loaded anew: it takes its rate from a map.
 * @param from what they are at now; undefined: nobody knows, so all are said
 */
export function rateChangeLines(plan: Plan, from: RawRates | undefined, to: RawRates): string[] {
  const withRates = (at: RawRates) =>
    planAt(plan, at).tc.filter(({ type }) => type === 'class' || type === 'filter');
  const next = withRates(to);
  if (from !== undefined) {
    const lines = changeLines(withRates(from), next);
    if (lines === undefined) throw new Error(`${plan.device} has other queues at these rates`);
    return lines;
  }
  return [...new Set(next.flatMap(rateLines))];
}

/** What packets take on the line, as a raw rate, framing included. */
export function lineBitPerSec(
  { link, framing }: Plan,
  { bytes, packets }: { bytes: number; packets: number },
  spanMs: number,
): number {
  if (packets === 0) return 0;
  const packetBytes = Math.max(1, bytes / packets - linkHeaderBytes(link.kind));
  return (packets * framedBytes(framing, packetBytes) * 8 * 1000) / spanMs;
}

/** The rates that it was set up with. */
export const ratesOfPlan = ({ upBitPerSec, downBitPerSec }: Plan): RawRates => ({
  upBitPerSec,
  downBitPerSec,
});
