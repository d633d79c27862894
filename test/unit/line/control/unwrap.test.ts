import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Unwrapper } from '../../../../src/line/control/unwrap.ts';

describe('a counter of 32 bits', () => {
  it('goes on growing when it wraps, as often as it does', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 50 }), (steps) => {
        const unwrapper = new Unwrapper();
        let true_ = 2 ** 32 - 5;
        expect(unwrapper.next('rx_bytes', true_)).toBe(true_);
        for (const step of steps) {
          true_ += step;
          expect(unwrapper.next('rx_bytes', true_ % 2 ** 32)).toBe(true_);
        }
      }),
    );
  });
  it('of another name has nothing to do with it', () => {
    const unwrapper = new Unwrapper();
    expect(unwrapper.next('rx_bytes', 2 ** 32 - 1)).toBe(2 ** 32 - 1);
    expect(unwrapper.next('tx_bytes', 3)).toBe(3);
    expect(unwrapper.next('rx_bytes', 0)).toBe(2 ** 32);
  });
});

describe('a counter that falls without a wrap', () => {
  it('is shown as it is: the device was made anew', () => {
    const unwrapper = new Unwrapper();
    expect(unwrapper.next('rx_bytes', 1_000_000)).toBe(1_000_000);
    expect(unwrapper.next('rx_bytes', 10)).toBe(10);
  });
  it('of 64 bits, too, whatever it fell from', () => {
    const unwrapper = new Unwrapper();
    expect(unwrapper.next('rx_bytes', 2 ** 32)).toBe(2 ** 32);
    expect(unwrapper.next('rx_bytes', 10)).toBe(10);
  });
});
