import fc from 'fast-check';
import { expect, it } from 'vitest';
import { explicitRates, rateDoubt } from '../../../src/config/rateDoubts.ts';
import { parseRateBitPerSec } from '../../../src/core/units.ts';

const doubt = (up: string, down: string, mayBeSlow = false) =>
  rateDoubt(
    { upBitPerSec: parseRateBitPerSec(up) ?? 0, downBitPerSec: parseRateBitPerSec(down) ?? 0 },
    { up, down },
    mayBeSlow,
  );

it.each([
  ['100', '500', { up: '100mbit', down: '500mbit' }],
  ['100', '1000', { up: '100mbit', down: '1000mbit' }],
  ['500', '64', { up: '500mbit', down: '64mbit' }],
])('asks for the unit of %s/%s', (up, down, instead) => {
  expect(doubt(up, down)).toMatchObject({ kind: 'unit', instead });
});

it.each([
  ['100', '50mbit', false, { up: '100mbit', down: '50mbit' }],
  ['10mbit', '100', false, { up: '10mbit', down: '100mbit' }],
  ['100', '50mbit', true, { up: '100mbit', down: '50mbit' }],
  ['10mbit', '100', true, { up: '10mbit', down: '100mbit' }],
])('asks for the unit of the one that has none: %s/%s', (up, down, mayBeSlow, instead) => {
  expect(doubt(up, down, mayBeSlow)).toMatchObject({ kind: 'unit', instead });
});

it('takes the rates of ADSL with one unit as they are', () => {
  for (const [up, down] of [
    ['500', '16mbit'],
    ['1024', '16mbit'],
    ['210', '1.7mbit'],
  ] as const)
    expect(doubt(up, down, true)).toBeUndefined();
});

it.each([
  ['9mbit', '1mbit', { up: '1mbit', down: '9mbit' }],
  ['1710', '210', { up: '210', down: '1710' }],
])('asks for the order of %s/%s', (up, down, instead) => {
  expect(doubt(up, down, true)).toMatchObject({ kind: 'order', instead });
});

it('does not ask about what people have', () => {
  for (const [up, down] of [
    ['210', '1710'],
    ['64', '384'],
    ['300', '1001'],
    ['100kbit', '500kbit'],
    ['100', '500kbit'],
    ['1gbit', '1gbit'],
    ['40mbit', '10mbit'],
  ] as const)
    expect(doubt(up, down, down === '384')).toBeUndefined();
});

it('does not ask again about what it proposes', () => {
  const rate = fc.integer({ min: 64, max: 1_000_000 });
  fc.assert(
    fc.property(rate, rate, fc.boolean(), (up, down, mayBeSlow) => {
      const first = doubt(String(up), String(down), mayBeSlow);
      if (first === undefined) return;
      const second = doubt(first.instead.up, first.instead.down, mayBeSlow);
      expect(second?.kind).not.toBe(first.kind);
      const kept = explicitRates({ upBitPerSec: up * 1000, downBitPerSec: down * 1000 });
      expect(doubt(kept.up, kept.down, mayBeSlow)?.kind).not.toBe('unit');
    }),
  );
});
