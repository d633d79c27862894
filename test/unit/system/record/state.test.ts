/** The record of what was set: only what inetgw itself has written, whole, counts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../../src/config/fromArguments.ts';
import type { Said } from '../../../../src/config/said.ts';
import { makePlan } from '../../../../src/plan/plan.ts';
import { parseState, renderState, type DeviceState } from '../../../../src/system/record/state.ts';

const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const plan = makePlan(settings, link, { leafQdisc: 'cake', pacingObjectFile: undefined }, 'nft');
const state: DeviceState = { version: 2, phase: 'active', plan, since: '2026-01-01T00:00:00.000Z' };
const text = renderState(state);

describe('the record', () => {
  it('reads back as it was written', () => {
    expect(parseState(text, 'ppp0')).toEqual(JSON.parse(JSON.stringify(state)));
  });

  it('keeps what was said beside the rates', () => {
    const said = { keys: { framing: 'pppoa-vcmux', 'large-downloads': 'false' } };
    expect(parseState(renderState({ ...state, said }), 'ppp0')?.said).toEqual(said);
    const wrong = renderState({ ...state, said: { keys: { framing: 7 } } as unknown as Said });
    expect(parseState(wrong, 'ppp0')).toBeUndefined();
  });

  it('of another device, version or program is none', () => {
    expect(parseState(text, 'ppp1')).toBeUndefined();
    for (const foreign of ['', 'null', '[]', '{}', '"x"', '{"version":1}', 'garbage', '\0'.repeat(9)]) {
      expect(parseState(foreign, 'ppp0')).toBeUndefined();
    }
    const otherVersion = renderState({ ...state, version: 1 as unknown as 2 });
    expect(parseState(otherVersion, 'ppp0')).toBeUndefined();
  });

  it('with any byte changed, cut off at any place, or with holes is none', () => {
    fc.assert(
      fc.property(
        fc.nat(text.length - 2),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('change', 'cut', 'zero', 'delete'),
        (at, byte, how) => {
          const damaged = {
            change: `${text.slice(0, at)}${String.fromCharCode(byte)}${text.slice(at + 1)}`,
            cut: text.slice(0, at),
            zero: text.slice(0, at) + '\0'.repeat(text.length - at),
            delete: text.slice(0, at) + text.slice(at + 1),
          }[how];
          const read = parseState(damaged, 'ppp0');
          // Nothing of the content may be different; a space more or less would not matter.
          if (read !== undefined) expect(read).toEqual(parseState(text, 'ppp0'));
        },
      ),
      { numRuns: 2000 },
    );
  });
});
