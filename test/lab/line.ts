/**
 * The virtual line: namespaces for the provider, the modem and the gateway (and, if wanted, a host in the LAN
 * and one far away), and between them a link with the rate, the framing and the deep buffers of a real one.
 *
 *   far ── isp ── modem ── gw ── lan
 *
 * The modem is a bridge; on each of its ports the outgoing side is a token bucket with a deep FIFO.
 */
import type { Guest } from './guest.ts';

export interface Framing {
  linklayer: 'atm' | 'ethernet';
  /** Bytes on the wire besides the Ethernet frame as the modem's port sees it (14 bytes of header included). */
  overheadBytes: number;
}

/**
 * PPPoE or bridged Ethernet in LLC/SNAP over AAL5: 10 bytes of RFC 2684 encapsulation and the 8 of the AAL5
 * trailer. A PPPoE packet arrives with 14 + 8 bytes before the IP header, which makes IP + 40.
 */
export const ATM_LLC_SNAP: Framing = { linklayer: 'atm', overheadBytes: 18 };
/** The frame and its check sequence. */
export const ETHERNET: Framing = { linklayer: 'ethernet', overheadBytes: 4 };

export interface LineOptions {
  /** Raw rates: what goes over the wire, framing included. */
  upBitPerSec: number;
  downBitPerSec: number;
  framing: Framing;
  /** How long a full buffer of the modem (up) and of the provider (down) takes to drain. */
  upBufferMs: number;
  downBufferMs: number;
  /** Base round trip without serialisation, and its random spread (netem). */
  pathMs: number;
  jitterMs: number;
  /** `pppoe`: the gateway's device is ppp0 on a real session. `ethernet`: it is eth0, numbered statically. */
  access: 'pppoe' | 'ethernet';
  /** Base round trip to a second host, `FAR`, further away; none by default. */
  farPathMs?: number;
  /** A host behind the gateway, in namespace `lan`, forwarded with or without NAT; none by default. */
  lan?: { nat: boolean };
}

/** The usual ADSL line of a decade ago: 1 s of buffer at the provider, 2 s in the modem. */
export const ADSL_LINE: LineOptions = {
  upBitPerSec: 220_000,
  downBitPerSec: 1_750_000,
  framing: ATM_LLC_SNAP,
  upBufferMs: 2000,
  downBufferMs: 1000,
  pathMs: 10,
  jitterMs: 0,
  access: 'pppoe',
};

/** A host's two addresses (RFC 5737 and RFC 3849: reserved for documentation). */
export interface Host {
  ipv4: string;
  ipv6: string;
}
/** The host at the provider that traffic is exchanged with. */
export const SERVER: Host = { ipv4: '192.0.2.1', ipv6: '2001:db8:1::1' };
/** The host beyond it, on lines with `farPathMs`. */
export const FAR: Host = { ipv4: '192.0.2.129', ipv6: '2001:db8:2::1' };
/** The gateway's address on the line, and its peer's. */
export const GATEWAY: Host = { ipv4: '198.51.100.2', ipv6: '2001:db8:0:1::2' };
export const PROVIDER: Host = { ipv4: '198.51.100.1', ipv6: '2001:db8:0:1::1' };
/** The host in the LAN, on lines with `lan`. */
export const LAN_HOST: Host = { ipv4: '192.168.77.2', ipv6: '2001:db8:3::2' };
const LAN_GATEWAY: Host = { ipv4: '192.168.77.1', ipv6: '2001:db8:3::1' };

export interface Line {
  options: LineOptions;
  /** The gateway's device towards the internet, in namespace `gw`. */
  device: 'ppp0' | 'eth0';
}

const NAMESPACES = ['isp', 'modem', 'gw', 'far', 'lan'] as const;
const PPP_MTU_BYTES = 1492;

/** Modules that the line needs; loaded beforehand so that no measurement waits for them. */
const MODULES = ['veth', 'bridge', 'sch_tbf', 'sch_netem', 'tcp_bbr', 'ppp_generic', 'pppoe'];

/** Builds a line in the guest. Any earlier one is taken down first. */
export async function setUpLine(guest: Guest, changes: Partial<LineOptions> = {}): Promise<Line> {
  const options = { ...ADSL_LINE, ...changes };
  await tearDownLine(guest);
  await guest.run(['modprobe', '-a', ...MODULES]);
  const pppoe = options.access === 'pppoe';
  const gatewayPort = pppoe ? 'g0' : 'eth0';
  const names = NAMESPACES.filter(
    (ns) => (ns !== 'far' || options.farPathMs !== undefined) && (ns !== 'lan' || options.lan !== undefined),
  );
  for (const ns of names) {
    await guest.run(['ip', 'netns', 'add', ns]);
    await guest.run(['sysctl', '-q', '-w', ...NAMESPACE_SETTINGS], { ns });
    await guest.run(['ip', 'link', 'set', 'lo', 'up'], { ns });
  }
  await veth(guest, ['isp', 'i0'], ['modem', 'towards-isp']);
  await veth(guest, ['modem', 'towards-gw'], ['gw', gatewayPort]);
  await guest.run(['ip', '-batch', '-'], {
    ns: 'modem',
    input: [
      'link add br0 type bridge',
      ...['towards-isp', 'towards-gw'].map((port) => `link set ${port} master br0`),
      'link set br0 up',
    ].join('\n'),
  });
  await shape(guest, 'towards-isp', options.upBitPerSec, options.upBufferMs, options.framing);
  await shape(guest, 'towards-gw', options.downBitPerSec, options.downBufferMs, options.framing);
  await delay(guest, 'isp', 'i0', options.pathMs, options.jitterMs);

  const device = pppoe ? 'ppp0' : 'eth0';
  if (pppoe) await startPppoe(guest);
  else {
    await address(guest, 'isp', `${PROVIDER.ipv4}/30`, 'i0');
    await address(guest, 'gw', `${GATEWAY.ipv4}/30`, device);
  }
  await address(guest, 'isp', `${PROVIDER.ipv6}/64`, pppoe ? 'ppp0' : 'i0');
  await address(guest, 'gw', `${GATEWAY.ipv6}/64`, device);
  await defaultRoutes(guest, 'gw', device, pppoe ? undefined : PROVIDER);
  await address(guest, 'isp', `${SERVER.ipv4}/32`, 'lo');
  await address(guest, 'isp', `${SERVER.ipv6}/128`, 'lo');

  if (options.farPathMs !== undefined) await addFar(guest, options.farPathMs - options.pathMs);
  if (options.lan !== undefined) await addLan(guest, device, options.lan.nat, pppoe ? undefined : GATEWAY);
  await settle(guest);
  return { options, device };
}

/** Ends the programs of the line and removes its namespaces; nothing there is fine. */
export async function tearDownLine(guest: Guest): Promise<void> {
  const present = (await guest.run(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0]);
  for (const ns of NAMESPACES.filter((name) => present.includes(name))) {
    const pids = (await guest.run(['ip', 'netns', 'pids', ns])).split('\n').filter(Boolean);
    if (pids.length > 0) await guest.exec(['kill', '-KILL', ...pids]);
    await guest.run(['ip', 'netns', 'del', ns]);
  }
}

/** Each measurement starts afresh (no cached slow-start thresholds), and no address waits for others. */
const NAMESPACE_SETTINGS = [
  'net.ipv4.tcp_no_metrics_save=1',
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv6.conf.all.accept_dad=0',
];

type Port = readonly [ns: string, device: string];

/** A pair of devices, offloads off: each packet on the line is one packet, as on a real wire. */
async function veth(guest: Guest, one: Port, other: Port): Promise<void> {
  await guest.run([
    ...(['ip', 'link', 'add', one[1], 'netns', one[0], 'type', 'veth'] as const),
    ...['peer', 'name', other[1], 'netns', other[0]],
  ]);
  for (const [ns, device] of [one, other]) {
    await guest.run(['ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off'], { ns });
    await guest.run(['ip', 'link', 'set', device, 'up'], { ns });
  }
}

async function shape(
  guest: Guest,
  device: string,
  rateBitPerSec: number,
  bufferMs: number,
  framing: Framing,
): Promise<void> {
  const stab = ['stab', 'linklayer', framing.linklayer, 'overhead', String(framing.overheadBytes)];
  // The bucket holds one full packet (32 cells are 1696 bytes), so that the line has no credit to burst with;
  // faster lines need as much as one wake-up of the timer may be late by (50 us).
  const burstBytes = Math.max(1800, Math.ceil((rateBitPerSec / 8) * 50e-6));
  const limitBytes = Math.max(3000, Math.round((rateBitPerSec / 8) * (bufferMs / 1000)));
  await guest.run(
    [
      ...(['tc', 'qdisc', 'add', 'dev', device, 'root', 'handle', '1:'] as const),
      ...stab,
      ...['tbf', 'rate', `${rateBitPerSec}bit`, 'burst', String(burstBytes), 'limit', String(limitBytes)],
    ],
    { ns: 'modem' },
  );
}

async function delay(guest: Guest, ns: string, device: string, ms: number, jitterMs = 0): Promise<void> {
  const jitter = jitterMs > 0 ? [`${jitterMs}ms`] : [];
  await guest.run(
    ['tc', 'qdisc', 'add', 'dev', device, 'root', 'netem', 'limit', '100000', 'delay', `${ms}ms`, ...jitter],
    { ns },
  );
}

async function address(guest: Guest, ns: string, withPrefix: string, device: string): Promise<void> {
  const nodad = withPrefix.includes(':') ? ['nodad'] : [];
  await guest.run(['ip', 'addr', 'add', withPrefix, 'dev', device, ...nodad], { ns });
}

async function defaultRoutes(guest: Guest, ns: string, device: string, via?: Host): Promise<void> {
  const hop = (next: string | undefined): string[] => (next === undefined ? [] : ['via', next]);
  await guest.run(['ip', 'route', 'add', 'default', ...hop(via?.ipv4), 'dev', device], { ns });
  await guest.run(['ip', '-6', 'route', 'add', 'default', ...hop(via?.ipv6), 'dev', device], { ns });
}

/**
 * rp-pppoe's server gives the session to a pppd that would talk through a pseudo terminal and a relay in user
 * space. Put between, this script has it use the kernel's PPPoE instead, as a provider's hardware would.
 */
const SERVER_PPPD = [
  '#!/bin/sh',
  'for argument; do',
  '  case $argument in *pppoe*" -e "*) session=${argument##* -e }; session=${session%% *} ;; esac',
  'done',
  'exec pppd file /run/lab/server-options nodetach plugin rp-pppoe.so rp_pppoe_sess "$session" i0 \\',
  `  ${PROVIDER.ipv4}:${GATEWAY.ipv4} unit 0`,
  '',
].join('\n');

async function startPppoe(guest: Guest): Promise<void> {
  await guest.run(['mkdir', '-p', '/run/lab']);
  await guest.request('write', { path: '/etc/ppp/options', text: 'lock\nhide-password\n' });
  await guest.request('write', { path: '/run/lab/pppd', mode: 0o755, text: SERVER_PPPD });
  const common = `noauth\nmtu ${PPP_MTU_BYTES}\nmru ${PPP_MTU_BYTES}\n+ipv6\nnoccp\nnovj\nnodefaultroute\nnolog\n`;
  await guest.request('write', { path: '/run/lab/server-options', text: common });
  await guest.request('spawn', {
    argv: [
      'pppoe-server',
      '-F',
      '-I',
      'i0',
      '-q',
      '/run/lab/pppd',
      '-N',
      '1',
      '-O',
      '/run/lab/server-options',
    ],
    ns: 'isp',
  });
  await guest.request('write', { path: '/run/lab/client-options', text: common });
  await guest.request('spawn', {
    argv: ['pppd', 'file', '/run/lab/client-options', 'nodetach', 'plugin', 'rp-pppoe.so', 'g0', 'unit', '0'],
    ns: 'gw',
  });
  await waitFor(
    guest,
    'gw',
    'ip -6 addr show dev ppp0 | grep -q fe80 && ip addr show dev ppp0 | grep -q inet',
  );
  await waitFor(guest, 'isp', 'ip -6 addr show dev ppp0 | grep -q fe80');
}

async function addFar(guest: Guest, extraMs: number): Promise<void> {
  await veth(guest, ['isp', 'f0'], ['far', 'f1']);
  await address(guest, 'isp', '192.0.2.130/30', 'f0');
  await address(guest, 'far', `${FAR.ipv4}/30`, 'f1');
  await address(guest, 'isp', '2001:db8:2::2/64', 'f0');
  await address(guest, 'far', `${FAR.ipv6}/64`, 'f1');
  await defaultRoutes(guest, 'far', 'f1', { ipv4: '192.0.2.130', ipv6: '2001:db8:2::2' });
  await delay(guest, 'far', 'f1', extraMs);
}

async function addLan(guest: Guest, device: string, nat: boolean, via: Host | undefined): Promise<void> {
  await veth(guest, ['gw', 'lan0'], ['lan', 'eth0']);
  await address(guest, 'gw', `${LAN_GATEWAY.ipv4}/24`, 'lan0');
  await address(guest, 'lan', `${LAN_HOST.ipv4}/24`, 'eth0');
  await address(guest, 'gw', `${LAN_GATEWAY.ipv6}/64`, 'lan0');
  await address(guest, 'lan', `${LAN_HOST.ipv6}/64`, 'eth0');
  await defaultRoutes(guest, 'lan', 'eth0', LAN_GATEWAY);
  const hop = (next: string | undefined, plain: string): string[] =>
    next === undefined ? ['dev', plain] : ['via', next];
  const port = via === undefined ? 'ppp0' : 'i0';
  await guest.run(['ip', '-6', 'route', 'add', '2001:db8:3::/64', ...hop(via?.ipv6, port)], { ns: 'isp' });
  if (nat) {
    const rule = ['POSTROUTING', '-s', '192.168.77.0/24', '-o', device, '-j', 'MASQUERADE'];
    await guest.run(['iptables', '-t', 'nat', '-A', ...rule], { ns: 'gw' });
  } else {
    await guest.run(['ip', 'route', 'add', '192.168.77.0/24', ...hop(via?.ipv4, port)], { ns: 'isp' });
  }
}

/** Neighbours are found and the programs that measuring uses are in memory before anything is measured. */
async function settle(guest: Guest): Promise<void> {
  await guest.run(['ping', '-q', '-c', '2', '-i', '0.2', SERVER.ipv4], { ns: 'gw' });
  await guest.run(['ping', '-q', '-c', '2', '-i', '0.2', SERVER.ipv6], { ns: 'gw' });
  await guest.run(['ss', '-tinHO']);
  await guest.run(['iperf3', '--version']);
}

async function waitFor(guest: Guest, ns: string, condition: string): Promise<void> {
  const script = `for i in $(seq 200); do if ${condition}; then exit 0; fi; sleep 0.1; done 2>/dev/null; exit 1`;
  const result = await guest.exec(['sh', '-c', script], { ns });
  if (result.code === 0) return;
  const state = await guest.exec(['sh', '-c', 'ip addr; ps ax'], { ns });
  throw new Error(`in namespace ${ns} this never became true: ${condition}\n${state.stdout}`);
}
