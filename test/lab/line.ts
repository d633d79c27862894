/**
 * The virtual line: namespaces for the provider, the modem and the gateway (and, if wanted, hosts in the LAN
 * and one far away), and between them a link with the rate, the framing and the deep buffers of a real one.
 *
 *   far ── isp ── modem ── gw ── lan
 *
 * The modem is a bridge; on each of its ports the outgoing side is a token bucket with a deep FIFO.
 */
import type { Guest } from './guest.ts';
import { runSteps, type Step } from './steps.ts';

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
  /** What comes down the path comes in bunches, each 1 ms to so many after the one before; none by default. */
  bunchMs?: number;
  /** `pppoe`: the gateway's device is ppp0 on a real session. `ethernet`: it is eth0, numbered statically. */
  access: 'pppoe' | 'ethernet';
  /**
   * Devices merge and split packets (GRO, TSO) and the modem lets what is merged pass: what arrives is up to 64 KB
   * long, as on a virtual machine. Off by default: each packet on the line is one packet, as on a real wire.
   */
  superPackets?: boolean;
  /** MTU of all devices on the line; 1500 by default, and 1492 in PPPoE. */
  mtuBytes?: number;
  /** Base round trip to a second host, `FAR`, further away; none by default. */
  farPathMs?: number;
  /**
   * A host behind the gateway, in namespace `lan`, forwarded with or without NAT; none by default. `wifiMs`: it is on a
   * Wi-Fi, where packets leave in bunches both ways, as with `bunchMs`. `hosts`: so many of them, 1 to 9, in `lan`, `lan2`, `lan3` …,
   * each on a network of its own; 1 by default.
   */
  lan?: { nat: boolean; wifiMs?: number; hosts?: number };
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
/** The namespaces of the hosts in the LAN, in order. */
export const LAN_NAMESPACES = [
  ...(['lan', 'lan2', 'lan3', 'lan4', 'lan5'] as const),
  ...(['lan6', 'lan7', 'lan8', 'lan9'] as const),
] as const;
export type LanNamespace = (typeof LAN_NAMESPACES)[number];
const FAR_ROUTER: Host = { ipv4: '192.0.2.130', ipv6: '2001:db8:2::2' };

export interface Line {
  options: LineOptions;
  /** The gateway's device towards the internet, in namespace `gw`. */
  device: 'ppp0' | 'eth0';
}

const NAMESPACES = ['isp', 'modem', 'gw', 'far', ...LAN_NAMESPACES] as const;
const PPP_MTU_BYTES = 1492;

/** Modules that the line needs; loaded beforehand so that no measurement waits for them. */
const MODULES = [
  ...['veth', 'bridge', 'sch_tbf', 'sch_netem', 'tcp_bbr', 'ppp_generic', 'pppoe'],
  // What ss asks for when it is first run, which is at the beginning of a window.
  'tcp_diag',
];

/** Builds a line in the guest. Any earlier one is taken down first. */
export async function setUpLine(guest: Guest, changes: Partial<LineOptions> = {}): Promise<Line> {
  const options = { ...ADSL_LINE, ...changes };
  const pppoe = options.access === 'pppoe';
  const device = pppoe ? 'ppp0' : 'eth0';
  await tearDownLine(guest);
  await runSteps(guest, wires(options));
  if (pppoe) await startPppoe(guest);
  await runSteps(guest, [
    ...addresses(device, pppoe),
    ...(options.farPathMs === undefined ? [] : farHost(options.farPathMs - options.pathMs)),
    ...lanNamespaces(options.lan).flatMap((ns) => lanHost(ns, device, options.lan ?? { nat: false }, pppoe)),
    ...warmUp(options),
  ]);
  return { options, device };
}

/** Ends the programs of the line and removes its namespaces; nothing there is fine. */
export async function tearDownLine(guest: Guest): Promise<void> {
  // A namespace lives on while a process is in it, hence the wait.
  const script = `
    for ns in ${NAMESPACES.join(' ')}; do
      [ -e /run/netns/$ns ] || continue
      for attempt in 1 2 3 4 5 6 7 8 9 10; do
        pids=$(ip netns pids $ns)
        [ -n "$pids" ] || break
        kill -KILL $pids
        sleep 0.02
      done
      ip netns del $ns || exit 1
    done
    # Records of shapers in these namespaces: the kernel gives a new namespace an old one's number.
    rm -rf /run/inetgw`;
  await guest.run(['sh', '-c', script]);
}

/** Each measurement starts afresh (no cached slow-start thresholds), and no address waits for others. */
const NAMESPACE_SETTINGS = [
  'net.ipv4.tcp_no_metrics_save=1',
  'net.ipv4.ip_forward=1',
  'net.ipv6.conf.all.forwarding=1',
  'net.ipv6.conf.default.accept_dad=0',
  'net.ipv6.conf.all.accept_dad=0',
];

/** Namespaces and devices, and the modem with its two queues. */
function wires(options: LineOptions): Step[] {
  const names: readonly string[] = [
    ...['isp', 'modem', 'gw'],
    ...(options.farPathMs === undefined ? [] : ['far']),
    ...lanNamespaces(options.lan),
  ];
  const { framing } = options;
  return [
    { argv: ['modprobe', '-a', ...MODULES] },
    ...names.map((ns): Step => ({ argv: ['ip', 'netns', 'add', ns] })),
    ...names.flatMap((ns): Step[] => [
      { ns, argv: ['sysctl', '-q', '-w', ...NAMESPACE_SETTINGS] },
      { ns, argv: ['ip', 'link', 'set', 'lo', 'up'] },
    ]),
    ...veth(['isp', 'i0'], ['modem', 'towards-isp'], options),
    ...veth(['modem', 'towards-gw'], ['gw', options.access === 'pppoe' ? 'g0' : 'eth0'], options),
    { ns: 'modem', argv: ['ip', 'link', 'add', 'br0', 'type', 'bridge'] },
    { ns: 'modem', argv: ['ip', 'link', 'set', 'towards-isp', 'master', 'br0'] },
    { ns: 'modem', argv: ['ip', 'link', 'set', 'towards-gw', 'master', 'br0'] },
    { ns: 'modem', argv: ['ip', 'link', 'set', 'br0', 'up'] },
    queue('towards-isp', options.upBitPerSec, options.upBufferMs, framing, options),
    queue('towards-gw', options.downBitPerSec, options.downBufferMs, framing, options),
    path(options),
  ];
}

type Port = readonly [ns: string, device: string];

type WireOptions = Pick<LineOptions, 'superPackets' | 'mtuBytes'>;

/** A pair of devices, offloads off unless wanted: each packet on the line is one packet, as on a real wire. */
function veth(one: Port, other: Port, { superPackets = false, mtuBytes = 1500 }: WireOptions = {}): Step[] {
  const offloads = ['tso', 'gso', 'gro'].flatMap((each) => [each, superPackets ? 'on' : 'off']);
  const peer = ['type', 'veth', 'peer', 'name', other[1], 'netns', other[0]];
  return [
    { argv: ['ip', 'link', 'add', one[1], 'netns', one[0], ...peer] },
    ...[one, other].flatMap(([ns, device]): Step[] => [
      { ns, argv: ['ethtool', '-K', device, ...offloads] },
      { ns, argv: ['ip', 'link', 'set', device, 'mtu', String(mtuBytes), 'up'] },
    ]),
  ];
}

/** Enough on lines of 50 and 100 Mbit/s, where 50 us were too few. */
const LATEST_WAKE_UP_SEC = 400e-6;

/**
 * What changes the rate of a line that stands, in the modem. The buffer keeps its size in bytes, so it takes another time
 * to drain; what is in it stays.
 */
export function changeRate(
  { options }: Line,
  direction: 'down' | 'up',
  rateBitPerSec: number,
): { ns: string; argv: [string, ...string[]] } {
  const { framing } = options;
  const { argv, ns = '' } =
    direction === 'up'
      ? queue('towards-isp', options.upBitPerSec, options.upBufferMs, framing, options)
      : queue('towards-gw', options.downBitPerSec, options.downBufferMs, framing, options);
  const [program, ...words] = argv.map((word) => (word === 'add' ? 'change' : word));
  words[words.indexOf('rate') + 1] = `${rateBitPerSec}bit`;
  return { ns, argv: [program ?? 'tc', ...words] };
}

/** One direction of the line. The limit counts bytes on the wire, so it is a time whatever the packets. */
function queue(
  device: string,
  rateBitPerSec: number,
  bufferMs: number,
  framing: Framing,
  { superPackets = false, mtuBytes = 1500 }: WireOptions,
): Step {
  // The bucket holds one full packet (32 cells are 1696 bytes), so that the line has hardly any credit to
  // burst with. Faster lines need as much as a wake-up of the timer may be late by: on a busy processor what a
  // smaller bucket cannot hold is lost to the line, which then carries less than its rate.
  const longestBytes = superPackets ? 66_000 : mtuBytes + 300;
  const burstBytes = Math.max(longestBytes, Math.ceil((rateBitPerSec / 8) * LATEST_WAKE_UP_SEC));
  const limitBytes = Math.max(2 * longestBytes, Math.round((rateBitPerSec / 8) * (bufferMs / 1000)));
  const stab = ['stab', 'linklayer', framing.linklayer, 'overhead', String(framing.overheadBytes)];
  const bucket = ['rate', `${rateBitPerSec}bit`, 'burst', String(burstBytes), 'limit', String(limitBytes)];
  return {
    ns: 'modem',
    argv: ['tc', 'qdisc', 'add', 'dev', device, 'root', 'handle', '1:', ...stab, 'tbf', ...bucket],
  };
}

function netem(ns: string, device: string, words: readonly string[]): Step {
  return { ns, argv: ['tc', 'qdisc', 'add', 'dev', device, 'root', 'netem', 'limit', '100000', ...words] };
}

/** Unlike a random delay of each packet, bunches change no order. */
const bunched = (mostMs: number): string[] => ['slot', '1ms', `${mostMs}ms`];

function path({ pathMs, jitterMs, bunchMs }: LineOptions): Step {
  const jitter = jitterMs > 0 ? [`${jitterMs}ms`] : [];
  const slots = bunchMs === undefined ? [] : bunched(bunchMs);
  return netem('isp', 'i0', ['delay', `${pathMs}ms`, ...jitter, ...slots]);
}

function address(ns: string, withPrefix: string, device: string): Step {
  const nodad = withPrefix.includes(':') ? ['nodad'] : [];
  return { ns, argv: ['ip', 'addr', 'add', withPrefix, 'dev', device, ...nodad] };
}

function route(ns: string, destination: string, device: string, via?: string): Step {
  const hop = via === undefined ? [] : ['via', via];
  const family = (via ?? destination).includes(':') ? '-6' : '-4';
  return { ns, argv: ['ip', family, 'route', 'add', destination, ...hop, 'dev', device] };
}

function addresses(device: string, pppoe: boolean): Step[] {
  const numbered = [address('isp', `${PROVIDER.ipv4}/30`, 'i0'), address('gw', `${GATEWAY.ipv4}/30`, device)];
  return [
    // pppd has set the addresses of its own devices.
    ...(pppoe ? [] : numbered),
    address('isp', `${PROVIDER.ipv6}/64`, pppoe ? 'ppp0' : 'i0'),
    address('gw', `${GATEWAY.ipv6}/64`, device),
    route('gw', '0.0.0.0/0', device, pppoe ? undefined : PROVIDER.ipv4),
    route('gw', '::/0', device, pppoe ? undefined : PROVIDER.ipv6),
    address('isp', `${SERVER.ipv4}/32`, 'lo'),
    address('isp', `${SERVER.ipv6}/128`, 'lo'),
  ];
}

function farHost(extraMs: number): Step[] {
  return [
    ...veth(['isp', 'f0'], ['far', 'f1']),
    address('isp', `${FAR_ROUTER.ipv4}/30`, 'f0'),
    address('far', `${FAR.ipv4}/30`, 'f1'),
    address('isp', `${FAR_ROUTER.ipv6}/64`, 'f0'),
    address('far', `${FAR.ipv6}/64`, 'f1'),
    route('far', '0.0.0.0/0', 'f1', FAR_ROUTER.ipv4),
    route('far', '::/0', 'f1', FAR_ROUTER.ipv6),
    netem('far', 'f1', ['delay', `${extraMs}ms`]),
  ];
}

type LanOptions = NonNullable<LineOptions['lan']>;

function lanNamespaces(lan: LanOptions | undefined): readonly LanNamespace[] {
  return lan === undefined ? [] : LAN_NAMESPACES.slice(0, lan.hosts ?? 1);
}

/** 192.168.77.0/24 and 2001:db8:3::/64, and the next ones for further hosts. */
function lanHost(ns: LanNamespace, device: string, { nat, wifiMs }: LanOptions, pppoe: boolean): Step[] {
  const number = LAN_NAMESPACES.indexOf(ns);
  const [ipv4, ipv6, port] = [`192.168.${77 + number}`, `2001:db8:${3 + number}:`, `lan${number}`];
  const ispDevice = pppoe ? 'ppp0' : 'i0';
  const back4 = route('isp', `${ipv4}.0/24`, ispDevice, pppoe ? undefined : GATEWAY.ipv4);
  const masquerade = ['POSTROUTING', '-s', `${ipv4}.0/24`, '-o', device, '-j', 'MASQUERADE'];
  return [
    ...veth(['gw', port], [ns, 'eth0']),
    ...(wifiMs === undefined ? [] : [netem('gw', port, bunched(wifiMs)), netem(ns, 'eth0', bunched(wifiMs))]),
    address('gw', `${ipv4}.1/24`, port),
    address(ns, `${ipv4}.2/24`, 'eth0'),
    address('gw', `${ipv6}:1/64`, port),
    address(ns, `${ipv6}:2/64`, 'eth0'),
    route(ns, '0.0.0.0/0', 'eth0', `${ipv4}.1`),
    route(ns, '::/0', 'eth0', `${ipv6}:1`),
    route('isp', `${ipv6}:/64`, ispDevice, pppoe ? undefined : GATEWAY.ipv6),
    nat ? { ns: 'gw', argv: ['iptables', '-t', 'nat', '-A', ...masquerade] } : back4,
  ];
}

/** Neighbours are found and the tools have run once before anything is measured. */
function warmUp(options: LineOptions): Step[] {
  const ns = options.lan === undefined ? 'gw' : 'lan';
  const hosts = options.farPathMs === undefined ? [SERVER] : [SERVER, FAR];
  const targets = hosts.flatMap((host) => [host.ipv4, host.ipv6]);
  return [
    ...targets.map((to): Step => {
      // Again where the clock has jumped over the answer.
      const again = `for n in 1 2 3 4 5; do ping -q -c 2 -i 0.2 -W 2 ${to} && exit 0; done; exit 1`;
      return { ns, argv: ['sh', '-c', again] };
    }),
    { argv: ['ss', '-tinHO'] },
    { argv: ['iperf3', '--version'] },
  ];
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
  "# The provider has no hooks of the gateway's.",
  'exec pppd file /run/lab/ppp-options nodetach plugin rp-pppoe.so rp_pppoe_sess "$session" i0 \\',
  `  ${PROVIDER.ipv4}:${GATEWAY.ipv4} unit 0 ip-up-script /bin/true ip-down-script /bin/true`,
  '',
].join('\n');

const PPP_OPTIONS = [
  ...['noauth', `mtu ${PPP_MTU_BYTES}`, `mru ${PPP_MTU_BYTES}`, '+ipv6', 'noccp', 'novj', 'nodefaultroute'],
  ...[''],
].join('\n');

async function startPppoe(guest: Guest): Promise<void> {
  await runSteps(guest, [{ argv: ['mkdir', '-p', '/run/lab'] }]);
  // Not the host's own settings, which ask for more.
  await guest.request('write', { path: '/etc/ppp/options', text: '' });
  await guest.request('write', { path: '/run/lab/ppp-options', text: PPP_OPTIONS });
  await guest.request('write', { path: '/run/lab/pppd', mode: 0o755, text: SERVER_PPPD });
  let triesLeft = 3;
  while (!(await dial(guest))) {
    if (--triesLeft === 0) throw new Error('the PPPoE session did not come up');
  }
  await waitFor(
    guest,
    'gw',
    'ip addr show dev ppp0 | grep -q "inet " && ip addr show dev ppp0 | grep -q fe80',
  );
  await waitFor(guest, 'isp', 'ip addr show dev ppp0 | grep -q fe80');
}

/** One try at a session. On a busy host its clock may jump in between, and a word be lost: then all begins anew. */
/** Brings the gateway's ppp0 up, in a shell in its namespace; ends once it is there, or after half a minute. */
export const DIAL = 'timeout 30 pppd file /run/lab/ppp-options silent updetach plugin rp-pppoe.so g0 unit 0';

async function dial(guest: Guest): Promise<boolean> {
  const server = ['-F', '-I', 'i0', '-q', '/run/lab/pppd', '-N', '1', '-O', '/run/lab/ppp-options'];
  await guest.request('spawn', { argv: ['pppoe-server', ...server], ns: 'isp' });
  // Its packet socket (Ethernet type 8863: discovery); a request before that is repeated after 5 s only.
  await waitFor(guest, 'isp', 'grep -q 8863 /proc/net/packet');
  // silent: the server speaks first. It starts later, and a lost first word is repeated after 3 s only.
  const { code } = await guest.exec(['sh', '-c', DIAL], { ns: 'gw' });
  if (code === 0) return true;
  await guest.run([
    'sh',
    '-c',
    'for ns in isp gw; do kill -KILL $(ip netns pids $ns); done 2>/dev/null; sleep 1',
  ]);
  return false;
}

async function waitFor(guest: Guest, ns: string, condition: string): Promise<void> {
  const script = `for i in $(seq 2000); do if ${condition}; then exit 0; fi; sleep 0.05; done 2>/dev/null; exit 1`;
  // Spinning: while a program that is waited for comes from a busy host, an idle clock would run out of tries.
  const result = await guest.exec(['sh', '-c', script], { ns });
  if (result.code === 0) return;
  const state = await guest.exec(['sh', '-c', 'ip addr; ps ax'], { ns });
  throw new Error(`in namespace ${ns} this never became true: ${condition}\n${state.stdout}`);
}
