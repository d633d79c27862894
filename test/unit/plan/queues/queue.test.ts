import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../../src/config/fromArguments.ts';
import { UserErrors } from '../../../../src/core/errors.ts';
import { framingByKeyword } from '../../../../src/plan/input/framing.ts';
import type { IngressKind } from '../../../../src/plan/input/ingressKinds.ts';
import { makePlan, type Plan } from '../../../../src/plan/plan.ts';
import { DEFAULT_SETTINGS, type ShaperSettings } from '../../../../src/plan/input/settings.ts';
import { fallbacks } from '../../../../src/plan/fallbacks.ts';
import { queueChange } from '../../../../src/plan/steps.ts';
import { setUpLines } from '../../../../src/tc/batch.ts';

const rate = fc
  .double({ min: Math.log(64_000), max: Math.log(10e9), noNaN: true })
  .map((x) => Math.round(Math.exp(x)));

function planOf(ingress: IngressKind, down = 1_710_000, settings: Partial<ShaperSettings> = {}): Plan {
  return makePlan(
    {
      ...{ ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: down },
      // The default depends on the rates.
      framing: framingByKeyword('pppoe-llcsnap'),
      ...settings,
    },
    { device: 'ppp0', ifindex: 5, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'cake', ingress },
    'nft',
  );
}

const view = { root: { kind: 'htb', handle: '1:' }, ingress: { kind: 'ingress', handle: 'ffff:' } };

describe.each(['cake', 'htb'] as const)('a plan that shapes what comes in by %s', (ingress) => {
  it('sends every packet to the ifb and drops none on the device', () => {
    const lines = setUpLines(planOf(ingress).tc);
    expect(lines.filter((line) => line.includes('dev ppp0') && line.startsWith('filter'))).toEqual([
      expect.stringMatching(
        /protocol all pref 1 matchall action mirred egress redirect dev igw-ppp0 index \d+$/,
      ),
    ]);
    expect(lines.join('\n')).not.toContain('police');
  });
  it('says the device of the redirect again: a filter may take up the action of an ifb that is gone', () => {
    expect(setUpLines(planOf(ingress).tc).at(-1)).toMatch(/^actions change action mirred .* dev igw-ppp0 /);
  });
  it('is 98 % of DOWN for large packets, at any rate', () => {
    fc.assert(
      fc.property(rate, (down) => {
        const text = setUpLines(planOf(ingress, down).tc).filter((line) => line.includes('dev igw-ppp0'));
        const found = ingress === 'cake' ? /bandwidth (\d+)bit/ : /classid 1:20 .* ceil (\d+)bit/;
        const bitPerSec = Number(found.exec(text.join('\n'))?.[1]);
        expect(Math.abs(bitPerSec - down * 0.98)).toBeLessThanOrEqual(1);
      }),
    );
  });
  it('changes in place when only the rates change, on the ifb that stands', () => {
    fc.assert(
      fc.property(rate, (down) => {
        const change = queueChange(planOf(ingress, down), planOf(ingress), view);
        expect(change).toMatchObject({ how: 'in place', queueDevice: 'kept' });
        for (const line of change.lines) expect(line).toMatch(/^(class|qdisc|actions) change /);
      }),
    );
  });
  it('installs no rules for marked packets: nothing marks them', () => {
    expect(planOf(ingress).firewall?.rules.ingress).toEqual([]);
    expect(planOf('police').firewall?.rules.ingress).not.toEqual([]);
  });
});

it('cake is told the cells of ATM, and that other lines have none', () => {
  const textOf = (framing: string) =>
    setUpLines(planOf('cake', 1_710_000, { framing: framingByKeyword(framing) }).tc).find((line) =>
      line.includes(' cake bandwidth '),
    );
  expect(textOf('pppoe-llcsnap')).toContain(' atm overhead 40 ');
  expect(textOf('docsis')).toContain(' noatm overhead 18 mpu 64');
});

it('the size table of a queue holds the longest packet with its link header', () => {
  const tableOf = (mtuBytes: number) => {
    const plan = makePlan(
      { ...DEFAULT_SETTINGS, device: 'eth1', upBitPerSec: 10e6, downBitPerSec: 50e6 },
      { device: 'eth1', ifindex: 5, kind: 'ethernet', mtuBytes },
      { leafQdisc: 'fq_codel' },
      undefined,
    );
    return /stab mtu (\d+)/.exec(setUpLines(plan.tc)[0] ?? '')?.[1];
  };
  // An Ethernet header is 14 bytes.
  expect([tableOf(1500), tableOf(2033), tableOf(2034)]).toEqual(['2047', '2047', '4095']);
});

describe('a change of structure', () => {
  it('keeps an ifb that both plans need: while it is gone, packets sent to it would be lost', () => {
    const change = queueChange(planOf('htb'), planOf('cake'), view);
    expect(change).toMatchObject({ how: 'anew', queueDevice: 'kept' });
    expect(change.lines).toContain('qdisc del dev igw-ppp0 root');
  });
  it('leaves alone what it has no part in: another way to treat what comes in keeps what waits to leave', () => {
    for (const [to, from] of [
      ['police', 'cake'],
      ['htb', 'police'],
      ['cake', 'htb'],
    ] as const) {
      const { how, lines } = queueChange(planOf(to), planOf(from), view);
      expect(how).toBe('anew');
      expect(lines.filter((line) => / dev ppp0 (?!ingress|handle ffff:|parent ffff:)/.test(line))).toEqual(
        [],
      );
    }
  });
  it('takes each queue away just before its successor is made, and all in all makes what a fresh start makes', () => {
    const framing = { name: 'x', linkLayer: 'ethernet', overheadBytes: 18, mpuBytes: 64 } as const;
    for (const ingress of ['police', 'cake', 'htb'] as const) {
      const next = planOf(ingress, 1_710_000, { framing });
      const { lines } = queueChange(next, planOf(ingress === 'police' ? 'cake' : 'police'), view);
      for (const [at, line] of lines.entries()) {
        const [, dev = '', place = ''] = /^qdisc del dev (\S+) (\S+)$/.exec(line) ?? [];
        if (dev === '') continue;
        expect(lines[at + 1]).toMatch(new RegExp(`^qdisc add dev ${dev} (handle ffff: )?${place}`));
      }
      const made = lines.filter((line) => !line.startsWith('qdisc del '));
      expect(made.toSorted()).toEqual(setUpLines(next.tc).toSorted());
    }
  });
  it('of the framing changes the stages in place, and only makes the egress queues anew', () => {
    const framing = { name: 'x', linkLayer: 'ethernet', overheadBytes: 18, mpuBytes: 64 } as const;
    const { how, lines } = queueChange(planOf('police', 1_710_000, { framing }), planOf('police'), view);
    expect(how).toBe('anew');
    expect(lines[0]).toBe('qdisc del dev ppp0 root');
    const atIngress = lines.filter((line) => /ingress|ffff:|action/.test(line));
    expect(atIngress.length).toBeGreaterThan(2);
    for (const line of atIngress) expect(line).toMatch(/^actions change action police /);
  });
  it('asks for a fresh one where none is known to stand, and for none with stages', () => {
    expect(queueChange(planOf('cake'), undefined, view).queueDevice).toBe('fresh');
    expect(queueChange(planOf('cake'), planOf('police'), view).queueDevice).toBe('fresh');
    expect(queueChange(planOf('police'), planOf('cake'), view).queueDevice).toBeUndefined();
    // A fresh one has no queue that could be taken away, whatever stands on the device.
    const { lines } = queueChange(planOf('cake'), undefined, view);
    expect(lines.filter((line) => line.startsWith('qdisc del '))).toEqual([
      'qdisc del dev ppp0 root',
      'qdisc del dev ppp0 ingress',
    ]);
  });
});

describe('what stands in for something', () => {
  it('is said, and what the user chose is not', () => {
    expect(fallbacks(planOf('police'))).toEqual([]);
    expect(fallbacks(planOf('cake', undefined, { ingress: 'shape' }))).toEqual([]);
    expect(fallbacks(planOf('cake')).join()).toContain('cannot police');
    expect(fallbacks(planOf('htb')).join()).toMatch(/cannot police.*no cake/);
    expect(fallbacks(planOf('htb', undefined, { ingress: 'shape' })).join()).toMatch(
      /^this kernel has no cake/,
    );
    expect(fallbacks(planOf('htb', undefined, { ingress: 'shape-htb' }))).toEqual([]);
  });
  it('names the ifb, and sfq where the kernel has no fq_codel', () => {
    expect(fallbacks(planOf('cake'))).toEqual([
      'this kernel cannot police as the three stages need it: what comes in is shaped on igw-ppp0 instead',
    ]);
    const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
    const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
    expect(fallbacks(makePlan(settings, link, { leafQdisc: 'sfq' }, 'nft'))).toEqual([
      'this kernel has no fq_codel: sfq queues the flows instead',
    ]);
    expect(fallbacks(makePlan(settings, link, { leafQdisc: 'fq_codel' }, 'nft'))).toEqual([
      'this kernel has no cake: flows take turns in the queues, whatever host they belong to',
    ]);
  });
  it('tells where window pacing cannot tell hosts behind NAT apart', () => {
    const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
    const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
    const kernel = { leafQdisc: 'cake', pacingObjectFile: '/run/inetgw/ppp0.pacing.o' } as const;
    const said = (...[facts, backend]: [object, 'nft' | 'iptables' | undefined]): string =>
      fallbacks(makePlan(settings, link, { ...kernel, ...facts }, backend)).join();
    expect(said({}, 'nft')).toBe('');
    expect(said({ numbersHosts: false }, 'nft')).toMatch(/^nft has no hash here \(nft_hash\), .* by flow$/);
    expect(said({}, 'iptables')).toMatch(
      /^window pacing cannot tell hosts behind NAT apart without rules of nft/,
    );
    for (const firewall of ['none', 'iptables'] as const)
      expect(fallbacks(makePlan({ ...settings, firewall }, link, kernel, undefined))).toEqual([]);
    const byFlow = makePlan({ ...settings, fair: 'flow' }, link, { ...kernel, numbersHosts: false }, 'nft');
    expect(fallbacks(byFlow)).toEqual([]);
  });
});

describe('--ingress', () => {
  it('takes its five words and names them for another', () => {
    for (const word of ['auto', 'police', 'shape', 'shape-cake', 'shape-htb']) {
      expect(settingsFromArguments('ppp0', '210', '1710', { ingress: word }).settings.ingress).toBe(word);
    }
    expect(() => settingsFromArguments('ppp0', '210', '1710', { ingress: 'cake' })).toThrow(UserErrors);
  });
  it('does not go with window pacing, which needs the stages', () => {
    const both = { ingress: 'shape', pacing: 'bpf' };
    expect(() => settingsFromArguments('ppp0', '210', '1710', both)).toThrow(/exclude each other/);
  });
});
