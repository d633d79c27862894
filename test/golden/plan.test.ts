import { describe, expect, it } from 'vitest';
import { settingsFromArguments, type ShaperOptions } from '../../src/config/fromArguments.ts';
import { iptablesInstall } from '../../src/firewall/iptables.ts';
import { nftInstall } from '../../src/firewall/nft.ts';
import type { LinkKind } from '../../src/shaper/framing.ts';
import { makePlan } from '../../src/shaper/plan.ts';
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
}

const LINES: Line[] = [
  { name: 'adsl', device: 'ppp0', up: '210', down: '1710', kind: 'ppp', mtuBytes: 1492 },
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
    name: 'adsl-stages',
    device: 'ppp0',
    up: '210',
    down: '1710',
    kind: 'ppp',
    mtuBytes: 1492,
    options: { pacing: 'off' },
  },
  { name: 'cable', device: 'eth1', up: '20mbit', down: '100mbit', kind: 'ethernet', mtuBytes: 1500 },
  { name: 'slowest', device: 'ppp0', up: '64', down: '64', kind: 'ppp', mtuBytes: 1492 },
  { name: 'fastest', device: 'wan.7', up: '10gbit', down: '10gbit', kind: 'ethernet', mtuBytes: 9000 },
  { name: 'lte', device: 'wwan0', up: '5mbit', down: '30mbit', kind: 'ip', mtuBytes: 1420, leafQdisc: 'sfq' },
];

describe.each(LINES)('a $name line ($up/$down)', (line) => {
  const { settings } = settingsFromArguments(line.device, line.up, line.down, line.options ?? {});
  const link = { device: line.device, ifindex: 7, kind: line.kind, mtuBytes: line.mtuBytes };
  const kernel = {
    leafQdisc: line.leafQdisc ?? 'fq_codel',
    pacingObjectFile: `/run/inetgw/${line.device}.pacing.o`,
  } as const;
  const plan = makePlan(settings, link, kernel, 'nft');
  const rules = plan.firewall?.rules;
  if (rules === undefined) throw new Error('the plan has no rules');

  it('has the recorded plan', async () => {
    await expect(`${JSON.stringify(plan, null, 1)}\n`).toMatchFileSnapshot(`files/${line.name}.plan.json`);
  });
  it('has the recorded tc batch', async () => {
    await expect(batchText(setUpLines(plan.tc))).toMatchFileSnapshot(`files/${line.name}.tc`);
  });
  it('has the recorded nft transaction', async () => {
    await expect(nftInstall(rules)).toMatchFileSnapshot(`files/${line.name}.nft`);
  });
  it.each(['ipv4', 'ipv6'] as const)('has the recorded iptables text for %s', async (family) => {
    await expect(iptablesInstall(rules, family, 'nothing')).toMatchFileSnapshot(
      `files/${line.name}.${family}`,
    );
  });
});
