import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_SETTINGS } from '../../../src/plan/input/settings.ts';
import { framedBytes, FRAMING_KEYWORDS, framingByKeyword } from '../../../src/plan/input/framing.ts';
import { factsShownBy, makePlan, type Plan } from '../../../src/plan/plan.ts';
import { ingressRules } from '../../../src/plan/classes/rules.ts';
import { changeLines, setUpLines } from '../../../src/tc/batch.ts';
import type { Action, HtbClass } from '../../../src/tc/objects.ts';

/** Any line from 64 kbit/s to 10 Gbit/s, each decade as likely as another. */
const rate = fc
  .double({ min: Math.log(64_000), max: Math.log(10e9), noNaN: true })
  .map((x) => Math.round(Math.exp(x)));
const anyLine = fc.record({
  up: rate,
  down: rate,
  framing: fc.constantFrom(...FRAMING_KEYWORDS),
  kind: fc.constantFrom('ppp' as const, 'ethernet' as const, 'ip' as const),
  mtuBytes: fc.integer({ min: 576, max: 9000 }),
});

type AnyLine = typeof anyLine extends fc.Arbitrary<infer T> ? T : never;

function planOf(line: AnyLine, leafQdisc: 'cake' | 'fq_codel' = 'cake'): Plan {
  return makePlan(
    {
      ...DEFAULT_SETTINGS,
      device: 'ppp0',
      upBitPerSec: line.up,
      downBitPerSec: line.down,
      framing: framingByKeyword(line.framing),
    },
    { device: 'ppp0', ifindex: 5, kind: line.kind, mtuBytes: line.mtuBytes },
    { leafQdisc },
    'nft',
  );
}

const classesOf = (plan: Plan): HtbClass[] => plan.tc.filter((object) => object.type === 'class');
const policersOf = (plan: Plan): Extract<Action, { kind: 'police' }>[] =>
  plan.tc
    .flatMap((object) => (object.type === 'filter' ? object.actions : []))
    .filter((action) => action.kind === 'police');

describe('a plan for any line', () => {
  it('shares the uplink out without promising more than there is', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const [root, ...leaves] = classesOf(planOf(line));
        const promised = leaves.reduce((sum, leaf) => sum + leaf.rateBitPerSec, 0);
        expect(root?.rateBitPerSec).toBeLessThanOrEqual(line.up);
        expect(promised).toBeLessThanOrEqual(root?.rateBitPerSec ?? 0);
        for (const leaf of leaves) expect(leaf.ceilBitPerSec).toBe(root?.rateBitPerSec);
      }),
    );
  });
  it('keeps HTB within the quanta that the kernel accepts without a warning', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        for (const each of classesOf(planOf(line))) {
          expect(each.quantumBytes).toBeGreaterThanOrEqual(1000);
          expect(each.quantumBytes).toBeLessThanOrEqual(200_000);
        }
      }),
    );
  });
  it('gives every bucket room for the longest packet as the line sees it', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const plan = planOf(line);
        const packet = framedBytes(plan.framing, line.mtuBytes);
        for (const each of classesOf(plan)) expect(each.burstBytes).toBeGreaterThanOrEqual(packet);
        for (const each of policersOf(plan)) {
          expect(each.burstBytes).toBeGreaterThanOrEqual(packet);
          expect(each.mtuBytes).toBeGreaterThanOrEqual(line.mtuBytes + 18);
        }
      }),
    );
  });
  it('adds the three ingress stages up to the downlink and not beyond', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const rates = policersOf(planOf(line)).map((police) => police.rateBitPerSec);
        const sum = rates.reduce((a, b) => a + b, 0);
        expect(rates).toHaveLength(3);
        expect(sum).toBeLessThanOrEqual(line.down);
        expect(sum).toBeGreaterThan(line.down * 0.98 * (64 / 65));
      }),
    );
  });
  it('gives codel a target of at least one and a half packets', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        const plan = planOf(line);
        const packetUs = (framedBytes(plan.framing, line.mtuBytes) * 8 * 1e6) / line.up;
        for (const object of plan.tc) {
          if (object.type !== 'qdisc' || !('hosts' in object.spec)) continue;
          // cake makes the target a twentieth of the interval.
          expect(object.spec.rttUs / 20).toBeGreaterThanOrEqual(Math.max(5000, 1.5 * packetUs) - 1);
        }
      }),
    );
  });
});

describe('what a plan in force has shown of the kernel', () => {
  it.each(['cake', 'fq_codel', 'sfq'] as const)(
    'is that it has %s, and how it treats what comes in',
    (leafQdisc) => {
      for (const ingress of ['police', 'cake', 'htb'] as const) {
        const plan = makePlan(
          { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
          { device: 'ppp0', ifindex: 5, kind: 'ppp', mtuBytes: 1492 },
          { leafQdisc, ingress },
          undefined,
        );
        expect(factsShownBy(plan)).toEqual({ leafQdisc, ingress });
        expect(plan.firewall).toBeUndefined();
      }
    },
  );
});

describe('the large-download rule', () => {
  const namesFor = (tcpPorts: number[], udpPorts: number[]) =>
    ingressRules({
      mark: 20,
      largeDownloads: { thresholdBytes: 1e7, tcpPorts, udpPorts },
      tunnels: { tcpPorts: [], udpPorts: [] },
    }).map(({ name }) => name);
  it('is there for the ports that are named, and follows FTP where its data port is', () => {
    expect(namesFor([], [443])).toEqual(['mark-of-others', 'large-download-udp', 'mark-done']);
    expect(namesFor([80], [])).toEqual(['mark-of-others', 'large-download-tcp', 'mark-done']);
    expect(namesFor([80, 20], [])).toEqual([
      'mark-of-others',
      'large-download-tcp',
      'large-download-ftp-active',
      'large-download-ftp-original',
      'large-download-ftp-reply',
      'mark-done',
    ]);
  });
});

describe('a change of plan', () => {
  it('changes in place, with no line that adds or deletes, whenever the line stays the same but for its rates', () => {
    fc.assert(
      fc.property(anyLine, rate, rate, (line, up, down) => {
        const lines = changeLines(planOf(line).tc, planOf({ ...line, up, down }).tc);
        expect(lines).toBeDefined();
        for (const text of lines ?? []) expect(text).toMatch(/^(class|qdisc|actions) change /);
      }),
    );
  });
  it('is no change at all when nothing changed', () => {
    fc.assert(
      fc.property(anyLine, (line) => {
        expect(changeLines(planOf(line).tc, planOf(line).tc)).toEqual([]);
      }),
    );
  });
  it('is made anew when the framing differs: the size table of a qdisc cannot be changed', () => {
    const line: AnyLine = { up: 210_000, down: 1_710_000, framing: 'docsis', kind: 'ppp', mtuBytes: 1492 };
    expect(changeLines(planOf(line).tc, planOf({ ...line, framing: 'pppoe-llcsnap' }).tc)).toBeUndefined();
  });
  it('never names the number of flows in a change: fq_codel refuses that', () => {
    const line: AnyLine = { up: 210_000, down: 1_710_000, framing: 'docsis', kind: 'ppp', mtuBytes: 1492 };
    const lines =
      changeLines(planOf(line, 'fq_codel').tc, planOf({ ...line, up: 500_000 }, 'fq_codel').tc) ?? [];
    expect(lines.some((text) => text.includes('fq_codel'))).toBe(true);
    expect(lines.some((text) => text.includes(' flows '))).toBe(false);
    expect(setUpLines(planOf(line, 'fq_codel').tc).some((text) => text.includes(' flows 1024 '))).toBe(true);
  });
});
