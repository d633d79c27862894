import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  defaultFraming,
  describeFraming,
  FRAMING_KEYWORDS,
  FRAMING_WORDS,
  framedBytes,
  framingByKeyword,
  kernelRateBitPerSec,
  serialisationMs,
} from '../../../../src/plan/input/framing.ts';
import { framingAssumption, resolveFraming } from '../../../../src/plan/input/framingChoice.ts';

const ADSL = { upBitPerSec: 210_000, downBitPerSec: 1_710_000 };

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
    expect(defaultFraming('ppp', ADSL)).toEqual(framing('pppoe-llcsnap'));
    expect(defaultFraming('ethernet', ADSL)).toEqual(framing('docsis'));
    expect(defaultFraming('ip', ADSL)).toEqual(framing('raw'));
  });
  it.each([
    [3.5e6, 24e6, 'pppoe-llcsnap'],
    [3.5e6 + 1, 24e6, 'pppoe-ptm'],
    [210_000, 24e6 + 1, 'pppoe-ptm'],
    [10e6, 50e6, 'pppoe-ptm'],
  ])(
    'assumes ATM at %d/%d bit/s only if ADSL can have such rates: %s',
    (upBitPerSec, downBitPerSec, name) => {
      const rates = { upBitPerSec, downBitPerSec };
      expect(defaultFraming('ppp', rates)).toEqual(framing(name));
      expect(resolveFraming({ word: 'pppoe' }, { kind: 'ethernet' }, rates)).toEqual(framing(name));
      expect(resolveFraming({ word: 'dsl' }, { kind: 'ppp' }, rates)).toEqual(framing(name));
    },
  );
  it.each([
    ['adsl', 'pppoe-llcsnap', 'bridged-llcsnap'],
    ['atm', 'pppoe-llcsnap', 'bridged-llcsnap'],
    ['vdsl', 'pppoe-ptm', 'bridged-ptm'],
    ['ptm', 'pppoe-ptm', 'bridged-ptm'],
    ['cable', 'docsis', 'docsis'],
    ['lte', 'raw', 'raw'],
    ['5g', 'raw', 'raw'],
    ['mobile', 'raw', 'raw'],
  ] as const)('%s is %s on a ppp device and %s on Ethernet, at any rate', (word, onPpp, onEthernet) => {
    for (const rates of [ADSL, { upBitPerSec: 1e9, downBitPerSec: 1e9 }]) {
      expect(resolveFraming({ word }, { kind: 'ppp' }, rates)).toEqual(framing(onPpp));
      expect(resolveFraming({ word }, { kind: 'ethernet' }, rates)).toEqual(framing(onEthernet));
    }
  });
  it('counts the frame with one VLAN tag on fibre, and PPPoE where it is there', () => {
    expect(resolveFraming({ word: 'fiber' }, { kind: 'ethernet' }, ADSL)).toEqual({
      ...{ name: 'fiber', linkLayer: 'ethernet', overheadBytes: 22, mpuBytes: 64 },
    });
    expect(resolveFraming({ word: 'fibre' }, { kind: 'ppp' }, ADSL).overheadBytes).toBe(30);
  });
  it('tells what was assumed, and nothing where it was said', () => {
    expect(framingAssumption(undefined, { kind: 'ppp' })).toBe('assumed from the rates, see --framing');
    expect(framingAssumption({ word: 'pppoe' }, { kind: 'ethernet' })).toBe(
      'assumed from the rates, see --framing',
    );
    expect(framingAssumption(undefined, { kind: 'ethernet' })).toBe('assumed, see --framing');
    expect(framingAssumption({ word: 'vdsl' }, { kind: 'ppp' })).toBeUndefined();
    expect(framingAssumption(framing('docsis'), { kind: 'ethernet' })).toBeUndefined();
    expect(describeFraming(framing('pppoe-ptm'), 'assumed')).toBe(
      'ptm, 30 bytes overhead (pppoe-ptm, assumed)',
    );
  });
  it('has no word that is a keyword with another meaning', () => {
    for (const word of FRAMING_WORDS) expect(framingByKeyword(word)).toBeUndefined();
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
