import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultFraming,
  describeFraming,
  FRAMING_KEYWORDS,
  framedBytes,
  framingByKeyword,
  kernelRateBitPerSec,
  serialisationMs,
} from '../../../src/shaper/framing.ts';

const framing = (name: string) => {
  const found = framingByKeyword(name);
  if (found === undefined) throw new Error(`no framing ${name}`);
  return found;
};

describe('framing', () => {
  it('cuts a full PPPoE packet into 32 cells of 53 bytes', () => {
    expect(framedBytes(framing('pppoe-llcsnap'), 1492)).toBe(1696);
  });
  it('needs two cells for an acknowledgement over LLC/SNAP PPPoE', () => {
    expect(framedBytes(framing('pppoe-llcsnap'), 52)).toBe(106);
  });
  it('fills short Ethernet frames up', () => {
    expect(framedBytes(framing('docsis'), 28)).toBe(64);
    expect(framedBytes(framing('docsis'), 1500)).toBe(1518);
  });
  it('adds a byte for each 64 of PTM', () => {
    const ptm = framing('pppoe-ptm');
    const frame = 1492 + ptm.overheadBytes;
    expect(framedBytes(ptm, 1492)).toBe(frame + Math.ceil(frame / 64));
  });
  it('is described with what matters', () => {
    expect(describeFraming(framing('pppoe-llcsnap'))).toBe('atm, 40 bytes overhead (pppoe-llcsnap)');
    expect(describeFraming(framing('docsis'))).toBe(
      'ethernet, 18 bytes overhead, at least 64 bytes (docsis)',
    );
  });
  it('takes the 64/65 coding of PTM off the rate', () => {
    expect(kernelRateBitPerSec(framing('pppoe-ptm'), 65_000_000)).toBe(64_000_000);
  });
  it('puts a full packet at 62 ms on a 220 kbit/s ADSL uplink', () => {
    expect(serialisationMs(framing('pppoe-llcsnap'), 1492, 220_000)).toBeCloseTo(61.7, 1);
  });
  it('takes a ppp device for PPPoE over ATM and an Ethernet device for plain frames', () => {
    expect(defaultFraming('ppp')).toEqual(framing('pppoe-llcsnap'));
    expect(defaultFraming('ethernet')).toEqual(framing('docsis'));
    expect(defaultFraming('ip')).toEqual(framing('raw'));
  });
  it('has no keyword that comes from the object prototype', () => {
    expect(framingByKeyword('constructor')).toBeUndefined();
  });
  it('never makes a packet shorter, and a longer packet never takes less', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FRAMING_KEYWORDS),
        fc.integer({ min: 20, max: 65_535 }),
        fc.integer({ min: 0, max: 100 }),
        (name, bytes, more) => {
          const one = framing(name);
          expect(framedBytes(one, bytes)).toBeGreaterThanOrEqual(bytes);
          expect(framedBytes(one, bytes + more)).toBeGreaterThanOrEqual(framedBytes(one, bytes));
        },
      ),
    );
  });
});
