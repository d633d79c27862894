import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TRIAL_INDEX } from '../../../../src/plan/numbers/actionIndex.ts';
import { makePlan } from '../../../../src/plan/plan.ts';
import { DEFAULT_SETTINGS } from '../../../../src/plan/input/settings.ts';
import type { IngressKind } from '../../../../src/plan/input/ingressKinds.ts';

function indicesOf(ifindex: number, pacing: 'bpf' | 'off', ingress: IngressKind): Set<number> {
  const plan = makePlan(
    { ...DEFAULT_SETTINGS, pacing, device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
    { device: 'ppp0', ifindex, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'cake', ingress, pacingObjectFile: '/run/x.o' },
    undefined,
  );
  const actions = plan.tc.flatMap((object) =>
    object.type === 'filter' || object.type === 'program' ? object.actions : [],
  );
  return new Set(actions.map(({ index }) => index));
}

const ifindex = fc.integer({ min: 1, max: 2 ** 27 - 1 });
const variant: fc.Arbitrary<[pacing: 'bpf' | 'off', ingress: IngressKind]> = fc.constantFrom(
  ['off', 'police'],
  ['bpf', 'police'],
  ['off', 'htb'],
);

describe('actions of two devices', () => {
  it('never share an index, however often one of them has reconnected', () => {
    fc.assert(
      fc.property(ifindex, ifindex, variant, variant, (one, other, a, b) => {
        fc.pre(one !== other);
        const taken = indicesOf(one, ...a);
        for (const index of indicesOf(other, ...b)) expect(taken).not.toContain(index);
      }),
      { examples: [[10, 10 + 8192, ['off', 'police'], ['off', 'police']]] },
    );
  });
  it('fit into the 32 bits of the kernel, and leave it the low ones and ours for trials', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), variant, (one, a) => {
        for (const index of indicesOf(one, ...a)) {
          expect(index).toBeGreaterThanOrEqual(2 ** 30);
          expect(index).toBeLessThan(TRIAL_INDEX);
        }
      }),
    );
  });
});
