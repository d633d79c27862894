import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../src/config/keys.ts';
import { iptablesInstall } from '../../src/firewall/iptables.ts';
import { nftInstall } from '../../src/firewall/nft.ts';
import type { RuleSet } from '../../src/firewall/rules.ts';
import type { LinkKind } from '../../src/plan/input/framing.ts';
import { INGRESS_KIND_NAMES, type IngressKind } from '../../src/plan/input/ingressKinds.ts';
import { makePlan, type Plan } from '../../src/plan/plan.ts';
import type { ShaperSettings } from '../../src/plan/input/settings.ts';
import { batchText, setUpLines } from '../../src/tc/batch.ts';

/**
 * What is put on a few typical lines, to the letter. `vitest -u` writes the files anew; read the difference
 * before committing it.
 */
interface Line {
  name: string;
  device: string;
  up: string;
  down: string;
  kind: LinkKind;
  mtuBytes: number;
  options?: ShaperOptions;
  leafQdisc?: 'sfq';
  /** What this kernel can do with what comes in; the stages, unless told. */
  ingress?: IngressKind;
  settings?: Partial<ShaperSettings>;
}

const ADSL = { device: 'ppp0', up: '210', down: '1710', kind: 'ppp', mtuBytes: 1492 } as const;
const ADSL6 = { ...ADSL, up: '640', down: '6mbit' } as const;
const CABLE = { device: 'eth1', up: '20mbit', down: '100mbit', kind: 'ethernet', mtuBytes: 1500 } as const;

const LINES: Line[] = [
  { ...ADSL, name: 'adsl' },
  {
    name: 'vdsl',
    device: 'ppp0',
    up: '10mbit',
    down: '50mbit',
    kind: 'ppp',
    mtuBytes: 1492,
    options: { framing: 'pppoe-ptm' },
  },
  {
    ...ADSL,
    name: 'adsl-stages',
    options: { pacing: 'off' },
  },
  { ...CABLE, name: 'cable' },
  { name: 'slowest', device: 'ppp0', up: '64', down: '64', kind: 'ppp', mtuBytes: 1492 },
  { name: 'fastest', device: 'wan.7', up: '10gbit', down: '10gbit', kind: 'ethernet', mtuBytes: 9000 },
  { name: 'lte', device: 'wwan0', up: '5mbit', down: '30mbit', kind: 'ip', mtuBytes: 1420, leafQdisc: 'sfq' },
  {
    ...ADSL6,
    name: 'shaped-cake',
    options: { ingress: 'shape' },
    ingress: 'cake',
  },
  {
    ...CABLE,
    name: 'shaped-htb',
    ingress: 'htb',
  },
  {
    ...ADSL6,
    name: 'classes',
    options: { pacing: 'off' },
    settings: {
      interactive: {
        tcpPorts: [3389],
        udpPorts: [3478, 5060],
        dscp: [],
        hosts: ['192.0.2.7', '2001:db8::/32'],
      },
      bulk: {
        tcpPorts: [],
        udpPorts: [6881],
        dscp: [],
        hosts: ['198.51.100.0/24'],
        uploadThresholdBytes: 5e6,
      },
      largeDownloads: { thresholdBytes: 5e6, tcpPorts: [443], udpPorts: [] },
    },
  },
  {
    ...ADSL6,
    name: 'no-large-downloads',
    options: { pacing: 'off' },
    settings: { largeDownloads: undefined },
  },
  {
    ...ADSL6,
    name: 'host-limits',
    settings: {
      hostLimits: [
        {
          name: '192.0.2.7',
          hosts: ['192.0.2.7'],
          downBitPerSec: 400_000,
          upBitPerSec: 128_000,
          priority: 'bulk',
        },
        { name: 'guest', hosts: ['198.51.100.0/24', '2001:db8:2::/64'], downBitPerSec: 3e6 },
      ],
    },
  },
  {
    ...ADSL6,
    name: 'host-sets',
    settings: { hostLimits: [{ name: 'kids', hosts: ['@kids'], downBitPerSec: 1e6, priority: 'normal' }] },
  },
];

it('there is a line for each kind of ingress', () => {
  expect(new Set(LINES.map(({ ingress = 'police' }) => ingress))).toEqual(new Set(INGRESS_KIND_NAMES));
});

/** Made anew in each test: what is made outside of tests, mutation testing takes to be of none. */
function planOf(line: Line): Plan {
  const { settings } = settingsFromArguments(line.device, line.up, line.down, line.options ?? {});
  const link = { device: line.device, ifindex: 7, kind: line.kind, mtuBytes: line.mtuBytes };
  const kernel = {
    leafQdisc: line.leafQdisc ?? 'cake',
    pacingObjectFile: `/run/inetgw/${line.device}.pacing.o`,
    ...(line.ingress === undefined ? {} : { ingress: line.ingress }),
  } as const;
  return makePlan({ ...settings, ...line.settings }, link, kernel, 'nft');
}

function rulesOf(line: Line): RuleSet {
  const rules = planOf(line).firewall?.rules;
  if (rules === undefined) throw new Error('the plan has no rules');
  return rules;
}

describe.each(LINES)('a $name line ($up/$down)', (line) => {
  it('has the recorded plan', async () => {
    const plan = `${JSON.stringify(planOf(line), null, 1)}\n`;
    await expect(plan).toMatchFileSnapshot(`files/${line.name}.plan.json`);
  });
  it('has the recorded tc batch', async () => {
    await expect(batchText(setUpLines(planOf(line).tc))).toMatchFileSnapshot(`files/${line.name}.tc`);
  });
  it('has the recorded nft transaction', async () => {
    await expect(nftInstall(rulesOf(line))).toMatchFileSnapshot(`files/${line.name}.nft`);
  });
  it.each(['ipv4', 'ipv6'] as const)('has the recorded iptables text for %s', async (family) => {
    const text = iptablesInstall(rulesOf(line), family, 'nothing');
    await expect(text).toMatchFileSnapshot(`files/${line.name}.${family}`);
  });
});
