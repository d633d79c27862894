/**
 * The installation steps of the article on trafficcontrol-inetgw, one by one and with its words, but our files:
 * copied to /usr/local/bin, sourced by a firewall script, tried by hand, put into /etc/ppp/ip-up.d.
 */
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIREWALLS, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, snapshot, statistics } from './inetgw.ts';
import { DIAL, SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const FIREWALL_SCRIPT = `#!/bin/bash
# An administrator's own firewall, as such scripts are: it flushes everything and begins anew.
for program in iptables ip6tables; do
  $program -t mangle -F; $program -F
  $program -t mangle -X; $program -X
done
DEV="ppp0" source /usr/local/bin/iptables-egress
source /usr/local/bin/iptables-ingress
for program in iptables ip6tables; do
  $program -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
  $program -t mangle -A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT
done
`;

const HOOK_PATH = '/etc/ppp/ip-up.d/trafficcontrol';

/** The article's hook; it names no shell for the background and logs nothing. */
const HOOK = `#!/bin/sh
case "$PPP_IFACE" in
ppp0) /usr/local/bin/inetgw ppp0 210 1600 --firewall none ;;
esac
`;

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  const [node, script] = commandArgv('inetgw');
  const command = `#!/bin/sh\nexec ${node} ${script ?? ''} "$@"\n`;
  await guest.request('write', { path: '/usr/local/bin/inetgw', mode: 0o755, text: command });
  for (const name of ['iptables-egress', 'iptables-ingress']) {
    const text = await readFile(new URL(`../../templates/${name}`, import.meta.url), 'utf8');
    await guest.request('write', { path: `/usr/local/bin/${name}`, mode: 0o644, text });
  }
  await guest.request('write', { path: '/usr/local/bin/firewall', mode: 0o755, text: FIREWALL_SCRIPT });
});
afterAll(async () => {
  const files = ['inetgw', 'iptables-egress', 'iptables-ingress', 'firewall'].map(
    (name) => `/usr/local/bin/${name}`,
  );
  await guest.run(['rm', '-f', ...files, HOOK_PATH]);
});

describe.each(FIREWALLS.filter(({ firewall }) => firewall === 'iptables'))(
  'with iptables-$variant',
  (choice) => {
    let untouched: string;
    beforeAll(async () => {
      await guest.run(['rm', '-f', HOOK_PATH]);
      await setUpLine(guest);
      await useVariant(guest, choice);
      await guest.run(['bash', '-ec', '/usr/local/bin/firewall 2>&1'], { ns: 'gw' });
      untouched = await snapshot(guest);
    });

    test('a firewall script sources the rules, and again, and they are there once', async () => {
      expect(await guest.run(['/usr/local/bin/firewall'], { ns: 'gw' })).toBe('');
      expect(await snapshot(guest)).toBe(untouched);
      for (const program of ['iptables-save', 'ip6tables-save']) {
        const saved = await guest.run([program, '-t', 'mangle'], { ns: 'gw' });
        expect(saved.match(/-j inetgw\.out-ppp0$/gm)).toHaveLength(1);
        // Before the usual rules for connection tracking.
        expect(saved).toMatch(/-A PREROUTING -j inetgw\.in\n-A PREROUTING -m conntrack /);
      }
    });

    test('a test run without an error message has worked; statistics; clear', async () => {
      const run = await guest.exec(['inetgw', 'ppp0', '210', '1600', '--firewall', 'none'], {
        ns: 'gw',
      });
      expect([run.code, run.stderr]).toEqual([0, '']);
      expect(await guest.run(['inetgw', 'ppp0'], { ns: 'gw' })).toContain('ingress stage');
      await guest.run(['inetgw', 'ppp0', 'clear'], { ns: 'gw' });
      expect(await snapshot(guest)).toBe(untouched);
    });

    test('from ip-up.d it is there whenever the link is, and the sourced rules do their part', async () => {
      await guest.request('write', { path: HOOK_PATH, mode: 0o755, text: HOOK });
      const reconnect = `
      until_true() { for _ in $(seq 3000); do if eval "$1"; then return; fi; sleep 0.1; done 2>/dev/null; exit 1; }
      pkill -f '^pppd .* g0 '
      until_true '! ip link show ppp0'
      until_true '${DIAL}'
      until_true 'tc qdisc show dev ppp0 | grep -q "htb 1:" && ls /run/inetgw/*/ppp0.json'
      ip route replace default dev ppp0`;
      await guest.run(['sh', '-c', reconnect], { ns: 'gw', timeoutMs: 900_000 });
      const server = await guest.request('spawn', { argv: ['iperf3', '-s', '-1', '-p', '80'], ns: 'isp' });
      await guest.request('sleep', { ms: 500 });
      await guest.run(['iperf3', '-c', SERVER.ipv4, '-p', '80', '-R', '-n', '13M'], {
        ns: 'gw',
        timeoutMs: 300_000,
      });
      await guest.request('wait', { job: server.job });
      // Egress: acknowledgements in the interactive class. Ingress: beyond 10 MByte, marked packets are dropped.
      const { egress, firewall } = await statistics(guest);
      expect(firewall.backend).toBe('none');
      expect(egress[0]?.sentPackets).toBeGreaterThan(1000);
      const rules = await guest.run(['iptables', '-t', 'mangle', '-vxnL', 'inetgw.in'], { ns: 'gw' });
      expect(Number(/^ *(\d+) .*large-download-tcp/m.exec(rules)?.[1])).toBeGreaterThan(5);
      await inetgwOk(guest, 'ppp0', 'clear');
    });
  },
);
