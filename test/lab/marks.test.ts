/** Firewall marks of others, saved with connections, restored, masked: ours touch none of theirs, theirs none of ours. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { useVariant } from './firewalls.ts';
import { inetgwOk, statistics } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { firstOf } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';

/** Rules of others for the mangle table's PREROUTING, as `iptables -t mangle -A PREROUTING` takes them. */
const THEIRS = {
  'mark 20 for everything, saved and restored': [
    '-j CONNMARK --restore-mark',
    '-m mark ! --mark 0 -j ACCEPT',
    '-j MARK --set-mark 20',
    '-j CONNMARK --save-mark',
  ],
  'any mark saved and restored': [
    '-m connmark ! --mark 0 -j CONNMARK --restore-mark',
    '-m mark ! --mark 0 -j CONNMARK --save-mark',
  ],
  'all marks restored, as wg-quick does': ['-j CONNMARK --restore-mark'],
  "mwan3's mask": [
    '-j CONNMARK --restore-mark --nfmask 0x3f00 --ctmask 0x3f00',
    '-m mark --mark 0/0x3f00 -j MARK --set-xmark 0x100/0x3f00',
    '-j CONNMARK --save-mark --nfmask 0x3f00 --ctmask 0x3f00',
  ],
} as const;
type Name = keyof typeof THEIRS;
const NAMES = Object.keys(THEIRS) as Name[];

/** Sees what the rules of an administrator see of our mark: the bits of 20 that none of THEIRS but the first sets. */
const PROBE = `
  nft add table inet probe
  nft add chain inet probe in '{ type filter hook input priority 0; }'
  nft add rule inet probe in iifname ppp0 meta mark and 0xff != 0 counter`;

let guest: Guest;
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
});
/** Theirs behind what is there (`-A`), or before it (`-I`). */
async function addTheirs(tool: string, name: Name, where: 'behind' | 'before'): Promise<void> {
  const rules = where === 'behind' ? THEIRS[name] : [...THEIRS[name]].reverse();
  const verb = where === 'behind' ? '-A' : '-I';
  await inGateway(rules.map((rule) => `${tool} -t mangle ${verb} PREROUTING ${rule}`).join('\n'));
}

const takeTheirsAway = (tool: string, name: Name): Promise<string> =>
  inGateway(THEIRS[name].map((rule) => `${tool} -t mangle -D PREROUTING ${rule}`).join('\n'));

/** 3 MB from port 443, which is a large download from 1 MB on; the exit code is 124 if it has stopped for ever. */
async function download(): Promise<number> {
  const server = await guest.request('spawn', { argv: ['iperf3', '-s', '-1', '-p', '443'], ns: 'isp' });
  await guest.request('sleep', { ms: 500 });
  const { code } = await guest.exec(
    ['timeout', '-s', 'KILL', '300', 'iperf3', '-c', SERVER.ipv4, '-p', '443', '-R', '-n', '3000000'],
    { ns: 'gw', timeoutMs: 400_000 },
  );
  await guest.request('stop', { job: server.job, signal: 'SIGKILL' });
  return code;
}

const apply = (firewall: string): Promise<string> =>
  inetgwOk(
    guest,
    ...['ppp0', '210', '1600', '--firewall', firewall, '--pacing', 'off', '--large-download', '1mb'],
  );
const seen = async (): Promise<number> =>
  Number(/counter packets (\d+)/.exec(await inGateway('nft list table inet probe'))?.[1]);

/** Whose iptables it is that others use. */
const VARIANTS = firstOf(['nft', 'legacy'] as const);

describe.each(VARIANTS)('theirs by iptables-%s', (variant) => {
  beforeAll(() => useVariant(guest, { firewall: 'iptables', variant }));

  const tool = `iptables-${variant}`;

  describe.each(['nft', 'iptables'] as const)('ours by %s', (firewall) => {
    // By iptables we step back from any packet that bears the mark: whose rules set it is all the same to ours.
    const names = firstOf(NAMES, firewall === 'nft' ? 2 : 1);
    describe('behind ours', () => {
      beforeEach(() => inGateway(PROBE));
      afterEach(async () => {
        await inetgwOk(guest, 'ppp0', 'clear');
        await inGateway(`${tool} -t mangle -F PREROUTING; nft delete table inet probe`);
      });

      test.each(names)('%s: a large download goes on, and gives way', async (name) => {
        await addTheirs(tool, name, 'behind');
        await apply(firewall);
        expect(await download()).toBe(0);
        const rules = (await statistics(guest)).firewall;
        const itsMarkIsTheirs = name === 'mark 20 for everything, saved and restored';
        if (firewall === 'nft' || !itsMarkIsTheirs) {
          expect(rules.largeDownloadDroppedPackets).toBeGreaterThan(5);
        } else {
          // iptables cannot tell such a packet from one of theirs, and does nothing to it.
          expect(rules.largeDownloadDroppedPackets).toBe(0);
          expect(rules.rules['mark-of-others']?.packets).toBeGreaterThan(10);
        }
        if (!itsMarkIsTheirs) expect(await seen()).toBe(0);
        else expect(await seen()).toBeGreaterThan(1000);
      });
    });

    describe('put before ours later', () => {
      let droppedBefore = 0;
      beforeAll(() => apply(firewall));
      afterAll(() => inetgwOk(guest, 'ppp0', 'clear'));

      test.each(names)('%s: a large download goes on', async (name) => {
        await addTheirs(tool, name, 'before');
        expect(await download()).toBe(0);
        const dropped = (await statistics(guest)).firewall.largeDownloadDroppedPackets;
        await takeTheirsAway(tool, name);
        if (firewall === 'nft') expect(dropped - droppedBefore).toBeGreaterThan(5);
        droppedBefore = dropped;
      });
    });
  });
});
