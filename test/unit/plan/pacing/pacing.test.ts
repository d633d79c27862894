import type { IngressChoice } from '../../../../src/plan/input/ingressKinds.ts';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { framingByKeyword } from '../../../../src/plan/input/framing.ts';
import { isPacingWanted } from '../../../../src/plan/pacing/pacing.ts';
import { queueDeviceName } from '../../../../src/plan/queues/queue.ts';
import {
  configuredObject,
  mapNames,
  parsePacingState,
  stateMapName,
} from '../../../../src/plan/pacing/pacingObject.ts';
import { STATE_LAYOUT } from '../../../../src/plan/pacing/pacingLayout.ts';
import { factsShownBy, makePlan, type Plan } from '../../../../src/plan/plan.ts';
import { DEFAULT_SETTINGS } from '../../../../src/plan/input/settings.ts';
import { changeLines, setUpLines } from '../../../../src/tc/batch.ts';
import type { Action } from '../../../../src/tc/objects.ts';

const template = readFileSync(new URL('../../../../bpf/pacing.o', import.meta.url));

interface Line {
  up?: number;
  down?: number;
  pacing?: 'auto' | 'bpf' | 'off';
  loadable?: boolean;
  /** Nothing has shown whether it can be. */
  untried?: boolean;
  kind?: 'ppp' | 'ethernet';
  hasIpsec?: boolean;
}

function planOf({
  up = 215_000,
  down = 1_715_000,
  pacing = 'bpf',
  loadable = true,
  untried = false,
  kind = 'ppp',
  hasIpsec = true,
}: Line): Plan {
  return makePlan(
    {
      ...DEFAULT_SETTINGS,
      pacing,
      device: 'wan',
      upBitPerSec: up,
      downBitPerSec: down,
      framing: framingByKeyword('pppoe-llcsnap'),
    },
    { device: 'wan', ifindex: 5, kind, mtuBytes: 1492 },
    {
      leafQdisc: 'cake',
      pacingUntried: untried,
      hasIpsec,
      ...(loadable ? { pacingObjectFile: '/run/inetgw/wan.pacing.o' } : {}),
    },
    'nft',
  );
}

const rate = fc
  .double({ min: Math.log(64_000), max: Math.log(10e9), noNaN: true })
  .map((x) => Math.round(Math.exp(x)));

describe('a plan with window pacing', () => {
  it('lets no packet pass the stages but into the local queue', () => {
    const actionsOf = (plan: Plan): Action[] =>
      plan.tc.flatMap((object) => (object.type === 'filter' ? [...object.actions] : []));
    const accepting = actionsOf(planOf({})).filter(
      (action) => 'conform' in action && (action.conform === 'ok' || action.exceed === 'ok'),
    );
    expect(accepting).toEqual([]);
    const redirects = actionsOf(planOf({})).filter((action) => action.kind === 'redirect');
    expect(redirects.map((action) => action.toDev)).toEqual(['igw-wan', 'igw-wan', 'igw-wan']);
  });
  it('keeps the local queue between the share of stage 1 and the whole downlink, at any rate', () => {
    fc.assert(
      fc.property(rate, (down) => {
        const classes = planOf({ down }).tc.filter(
          (object) => object.type === 'class' && object.dev === 'igw-wan',
        );
        const large = classes.find((object) => object.type === 'class' && object.classId === '1:20');
        const ceil = large?.type === 'class' ? large.ceilBitPerSec : 0;
        expect(ceil).toBeGreaterThanOrEqual(Math.floor(down * 0.98));
        expect(ceil).toBeLessThan(down);
      }),
    );
  });
  it('tells the program how much user data the line carries: 1440 of 1696 bytes over PPPoE and ATM', () => {
    const config = planOf({}).pacing?.config;
    expect(config?.payloadBytesPerSec).toBeCloseTo(((1_715_000 * 0.985) / 8) * (1440 / 1696), -1);
    expect(config?.linkHeaderBytes).toBe(0);
    expect(planOf({ kind: 'ethernet' }).pacing?.config.linkHeaderBytes).toBe(14);
  });
  it('lets a flow have three packets in the local queue, 5 to 20 ms', () => {
    const queueUs = (down: number): number | undefined => planOf({ down }).pacing?.config.queueUs;
    // 1696 bytes of cells each, at 98.5 % of the rate.
    expect(queueUs(1_715_000)).toBe(20_000);
    expect(queueUs(6_000_000)).toBe(6887);
    expect(queueUs(50_000_000)).toBe(5000);
    expect(planOf({}).pacing?.config.mostQueueUs).toBe(20_000);
  });
  it('changes in place when only the rates change, program included', () => {
    fc.assert(
      fc.property(rate, rate, (up, down) => {
        const lines = changeLines(planOf({}).tc, planOf({ up, down }).tc);
        expect(lines).toBeDefined();
        for (const text of lines ?? [])
          expect(text).toMatch(/^((class|qdisc|actions) change|filter replace) /);
      }),
    );
    const changed = changeLines(planOf({}).tc, planOf({ down: 1_600_000 }).tc) ?? [];
    expect(changed.filter((text) => text.includes(' bpf '))).toHaveLength(4);
    expect(changeLines(planOf({}).tc, planOf({}).tc)).toEqual([]);
  });
  it('lets pass what IPsec has decrypted, which it has counted before, where the kernel can decrypt', () => {
    const first = (plan: Plan): unknown =>
      plan.tc.find((object) => object.type === 'program' || object.type === 'filter');
    expect(first(planOf({}))).toMatchObject({ section: 'again', pref: 1, actions: [{ kind: 'ok' }] });
    expect(first(planOf({ hasIpsec: false }))).toMatchObject({ section: 'ingress', pref: 1 });
    expect(factsShownBy(planOf({ hasIpsec: false })).hasIpsec).toBe(false);
    expect(factsShownBy(planOf({})).hasIpsec).toBeUndefined();
  });
  it('loads its program in place of that of another version, and changes nothing else', () => {
    const { tc } = planOf({});
    const older = tc.map((object) => (object.type === 'program' ? { ...object, digest: 'another' } : object));
    const lines = changeLines(older, tc) ?? [];
    expect(lines).toHaveLength(4);
    for (const text of lines) expect(text).toMatch(/^filter replace .* bpf object-file /);
  });
  it('is the plan without pacing where it is off or cannot be', () => {
    const off = planOf({ pacing: 'off' });
    expect(setUpLines(planOf({ pacing: 'auto', loadable: false }).tc)).toEqual(setUpLines(off.tc));
    expect(setUpLines(off.tc).some((text) => /bpf|mirred|igw-/.test(text))).toBe(false);
  });
});

describe('whether pacing is wanted', () => {
  const wanted = (pacing: 'auto' | 'bpf' | 'off', downBitPerSec: number, ingress: IngressChoice = 'auto') =>
    isPacingWanted({
      ...DEFAULT_SETTINGS,
      device: 'wan',
      upBitPerSec: 10_000_000,
      downBitPerSec,
      pacing,
      ingress,
    });
  it('is as told', () => {
    expect([wanted('off', 1e6), wanted('bpf', 1e6), wanted('bpf', 10e9)]).toEqual([false, true, true]);
  });
  it('is yes by itself, up to 1 Gbit/s and unless what comes in is to be shaped', () => {
    expect([wanted('auto', 1e6), wanted('auto', 1e9), wanted('auto', 1e9 + 1)]).toEqual([true, true, false]);
    expect(wanted('auto', 1e6, 'police')).toBe(true);
    for (const shape of ['shape', 'shape-cake', 'shape-htb'] as const) {
      expect(wanted('auto', 1e6, shape)).toBe(false);
    }
  });
});

describe('that pacing was not possible', () => {
  const missing = (line: Line) => planOf(line).pacingMissing;
  it('is remembered where it was wanted, and only then', () => {
    expect(missing({ pacing: 'auto', loadable: false })).toBe(true);
    expect(missing({ pacing: 'off', loadable: false })).toBeUndefined();
    expect(missing({ pacing: 'auto' })).toBeUndefined();
  });
  it('is not, where nothing has shown it', () => {
    expect(missing({ pacing: 'auto', loadable: false, untried: true })).toBeUndefined();
  });
  it('leaves no trace of it in the plan', () => {
    const { queueDevice, pacing } = planOf({ pacing: 'auto', loadable: false });
    expect([queueDevice, pacing]).toEqual([undefined, undefined]);
    expect(Object.keys(planOf({ pacing: 'off' }))).not.toContain('pacing');
    expect(Object.keys(planOf({ pacing: 'off' }))).not.toContain('queueDevice');
  });
});

describe('the device of the local queue', () => {
  it('is named after its device as long as that fits', () => {
    expect(queueDeviceName('abcdefghijk')).toBe('igw-abcdefghijk');
    // The hash is FNV-1a, cut to what fits: a name that was made once is found again.
    expect(queueDeviceName('abcdefghijkl')).toBe('igw-abcd8fb3e15');
    expect(queueDeviceName('enp0s31f6.2003')).toMatch(/^igw-enp0[0-9a-f]{7}$/);
  });
  it('has a name that the kernel takes, and another for each device', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9.]{0,14}$/);
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(queueDeviceName(one).length).toBeLessThanOrEqual(15);
        fc.pre(one !== other);
        expect(queueDeviceName(one)).not.toBe(queueDeviceName(other));
      }),
    );
  });
});

describe("the program's file", () => {
  const config = planOf({}).pacing?.config;
  if (config === undefined) throw new Error('the plan has no pacing');

  it('differs from the committed one in the settings and the names of the maps only', () => {
    const object = configuredObject(template, config, '0000abcd');
    expect(object.length).toBe(template.length);
    const text = object.toString('latin1');
    for (const name of mapNames('0000abcd')) expect(text).toContain(`${name}\0`);
    for (const name of mapNames('00000000')) expect(text).not.toContain(name);
    const changed = [...object].filter((byte, at) => byte !== template[at]).length;
    expect(changed).toBeGreaterThan(0);
    expect(changed).toBeLessThan(100);
  });
  it('has each setting where the program reads it', () => {
    const settings = {
      payloadBytesPerSec: 11,
      queueUs: 22,
      linkHeaderBytes: 33,
      defaultMssBytes: 44,
      maxRttUs: 55,
      minSegments: 66,
      mostQueueUs: 77,
      byHost: 1,
      numberedPriority: 88,
      synPriority: 99,
      lineBytesPerSec: 110,
      overheadBytes: 121,
      cells: 1,
      rebuilt: 1,
      follows: 1,
    } as const;
    const object = configuredObject(template, settings, '00000005');
    const at = object.indexOf('inetgw-pacing-1') + 16;
    expect(object.readBigUInt64LE(at)).toBe(11n);
    const offsets = [8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60];
    expect(offsets.map((offset) => object.readUInt32LE(at + offset))).toEqual([
      22, 33, 44, 55, 66, 77, 1, 88, 99, 110, 121, 1, 1, 1,
    ]);
    expect(mapNames('00000005')).toContain(stateMapName('00000005'));
  });
  it('carries rates beyond 32 bits', () => {
    const fast = { ...config, payloadBytesPerSec: 6_000_000_000 };
    const object = configuredObject(template, fast, '00000005');
    expect(object.readBigUInt64LE(object.indexOf('inetgw-pacing-1') + 16)).toBe(6_000_000_000n);
  });
  it('is refused if it is another file', () => {
    expect(() => configuredObject(Buffer.from('\x7fELF'), config, '00000005')).toThrow(/no place/);
    expect(() => configuredObject(template, config, 'toolongsuffix')).toThrow(/suffix/);
    expect(() => configuredObject(Buffer.concat([template, template]), config, '00000005')).toThrow(
      /no place/,
    );
    const withoutMap = Buffer.from(
      Buffer.from(template).toString('latin1').replaceAll('igf_0000', 'igx_0000'),
      'latin1',
    );
    expect(() => configuredObject(withoutMap, config, '00000005')).toThrow(/no map igf_00000000/);
  });
});

describe("the program's state", () => {
  const state = Buffer.alloc(STATE_LAYOUT.bytes);
  state.writeBigUInt64LE(5_000_000_000n, 0);
  state.writeUInt32LE(3 * 256, 16);
  state.writeUInt32LE(128, 20);
  state.writeUInt32LE(2944, 48);
  state.writeUInt32LE(10_500, 52);
  it('tells how many flows are active, the last window and its round trip', () => {
    expect(parsePacingState(state, 5_900_000_000n)).toEqual({
      activeFlows: 3.5,
      windowBytes: 2944,
      rttMs: 10.5,
    });
  });
  it('knows of no active flow once nothing has come for two seconds', () => {
    expect(parsePacingState(state, 9_000_000_000n).activeFlows).toBe(0);
  });
});
