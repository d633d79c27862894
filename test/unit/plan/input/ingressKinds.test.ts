/** The table of what can be done with what comes in: a kind that is in it can be chosen, and its fallback is never silent. */
import { describe, expect, it } from 'vitest';
import {
  INGRESS_CHOICES,
  INGRESS_KIND_NAMES,
  ingressKind,
  kindsOf,
  nextKind,
} from '../../../../src/plan/input/ingressKinds.ts';

describe.each(INGRESS_KIND_NAMES)('the kind %s', (kind) => {
  it('can be had by a choice of its own, without a fallback', () => {
    expect(INGRESS_CHOICES.map(kindsOf)).toContainEqual([kind]);
  });
  it('says that it is missing, where a choice has a fallback for it', () => {
    const hasFallback = INGRESS_CHOICES.some((choice) => nextKind(choice, kind) !== undefined);
    expect(ingressKind(kind).whenMissing?.('igw-ppp0') !== undefined).toBe(hasFallback);
  });
});

it('auto tries every kind', () => {
  expect(new Set(kindsOf('auto'))).toEqual(new Set(INGRESS_KIND_NAMES));
});
