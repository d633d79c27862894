/** Plans whose rates follow the line: what is said again, and what is left alone. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { UserErrors } from '../../../src/core/errors.ts';
import { fallbacks } from '../../../src/plan/fallbacks.ts';
import { lineBitPerSec, planAt, rateChangeLines } from '../../../src/plan/followed.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';
import { queueChange } from '../../../src/plan/steps.ts';

const LINK = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const KERNEL = { leafQdisc: 'cake', pacingObjectFile: '/run/inetgw/ppp0.pacing.o' } as const;
const NOTHING = { root: undefined, ingress: undefined };

function planOf(down = '20mbit', downMin?: string): Plan {
  const options = downMin === undefined ? {} : { downMin };
  const { settings } = settingsFromArguments('ppp0', '5mbit', down, options);
  return makePlan(settings, LINK, KERNEL, 'nft');
}
const followed = planOf('20mbit', '3mbit');
const RATES = { upBitPerSec: 5e6, downBitPerSec: 20e6 };

describe('a plan with limits', () => {
  it('lets the program tell what comes in, and one without does not', () => {
    expect(followed.pacing?.config.follows).toBe(1);
    expect(planOf().pacing?.config).not.toHaveProperty('follows');
    expect(planOf('20mbit', '20mbit')).not.toHaveProperty('follows');
  });
  it('comes back whole from its record, and is the same at its own rates', () => {
    const recorded = JSON.parse(JSON.stringify(followed)) as Plan;
    expect(planAt(recorded, RATES).tc).toEqual(recorded.tc);
  });
  it('says that nothing follows where there is no window pacing', () => {
    const { settings } = settingsFromArguments('ppp0', '5mbit', '20mbit', { downMin: '3mbit' });
    const plan = makePlan(settings, LINK, { leafQdisc: 'cake' }, 'nft');
    expect(fallbacks(plan)).toContainEqual(expect.stringContaining('the rates stay as they were set'));
  });
});

describe('another rate of the downlink', () => {
  it('changes its classes and buckets, and neither queues nor the program', () => {
    const lines = rateChangeLines(followed, RATES, { ...RATES, downBitPerSec: 10e6 });
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines)
      expect(line).toMatch(/^(?:class change dev igw-ppp0|actions change action police) /);
  });
  it('is one that follows at the lowest rate too, with the same short buckets', () => {
    const lowest = planAt(followed, { ...RATES, downBitPerSec: 3e6 });
    expect(lowest.follows?.limits).toEqual(followed.follows?.limits);
    const burstMs = (plan: Plan): number[] =>
      plan.tc.flatMap((object) =>
        object.type === 'filter'
          ? object.actions.flatMap((action) =>
              action.kind === 'police' ? [Math.round((action.burstBytes * 8000) / action.rateBitPerSec)] : [],
            )
          : [],
      );
    expect(burstMs(lowest).length).toBeGreaterThan(0);
    // The kernel counts in whole bytes.
    for (const [n, ms] of burstMs(followed).entries())
      expect(Math.abs((burstMs(lowest)[n] ?? NaN) - ms)).toBeLessThanOrEqual(0.01 * ms);
  });
  it('says all rates where nobody knows which there are', () => {
    const lines = rateChangeLines(followed, undefined, RATES);
    expect(lines.some((line) => line.startsWith('class change dev ppp0'))).toBe(true);
    expect(lines.some((line) => line.startsWith('class change dev igw-ppp0'))).toBe(true);
    expect(rateChangeLines(followed, RATES, RATES)).toEqual([]);
  });
});

describe('setting a device up anew that was followed', () => {
  it('says all rates, since others may stand there', () => {
    const next = planOf('19mbit');
    const { how, lines } = queueChange(next, followed, NOTHING);
    expect(how).toBe('in place');
    // Its uplink is the same in both plans.
    expect(lines.some((line) => line.startsWith('class change dev ppp0'))).toBe(true);
  });
  it('with the same settings leaves the rates in force', () => {
    expect(queueChange(planOf('20mbit', '3mbit'), followed, NOTHING).lines).toEqual([]);
  });
});

it('what packets take on the line is counted with its framing', () => {
  const { framing } = followed;
  const perPacket = framing.overheadBytes + 1000;
  const rate = lineBitPerSec(followed, { bytes: 100_000, packets: 100 }, 50);
  expect(rate).toBeGreaterThanOrEqual((perPacket * 100 * 8 * 1000) / 50);
  expect(lineBitPerSec(followed, { bytes: 0, packets: 0 }, 50)).toBe(0);
});

describe('limits', () => {
  const errorsOf = (options: Record<string, string>): string[] => {
    try {
      settingsFromArguments('ppp0', '5mbit', '20mbit', options);
      return [];
    } catch (error) {
      if (!(error instanceof UserErrors)) throw error;
      return error.errors.map(({ message }) => message);
    }
  };
  it.each([
    [{ downMin: '21mbit' }, ['--down-min (21 Mbit/s) is above DOWN (20 Mbit/s)']],
    [{ upMax: '4mbit' }, ['--up-max (4000 kbit/s) is below UP (5000 kbit/s)']],
    [{ downMin: '20mbit', downMax: '20mbit', upMin: '1mbit', upMax: '6mbit' }, []],
    [{ downMin: '3mbit', pacing: 'off' }, ['--down-min and --pacing off exclude each other']],
    [{ upMin: '3mbit', ingress: 'shape' }, ['--up-min and --ingress shape exclude each other']],
  ] as const)('%j', (options, expected) => {
    expect(errorsOf(options)).toEqual(expected);
  });
});
