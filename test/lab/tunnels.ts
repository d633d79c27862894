/** Tunnels from the gateway to the host at the provider, over a line without PPPoE. */
import type { PlanJson } from '../../src/report/statistics/planSummary.ts';
import type { Guest } from './guest.ts';
import { commandArgv } from './inetgw.ts';
import { GATEWAY, PROVIDER } from './line.ts';
import { quote, runSteps, type Step } from './steps.ts';

/** The far end's address inside the tunnel (RFC 5737, RFC 3849). */
export const INSIDE = { ipv4: '203.0.113.1', ipv6: '2001:db8:9::1' } as const;
const INSIDE_GATEWAY = { ipv4: '203.0.113.2', ipv6: '2001:db8:9::2' } as const;

/** How each is made: the words of `ip link add NAME type …`; addresses of the other side and one's own stand for R and L. */
const KINDS = {
  gre: 'gre remote R4 local L4',
  'gre with key': 'gre remote R4 local L4 key 5',
  gretap: 'gretap remote R4 local L4',
  ipip: 'ipip remote R4 local L4',
  sit: 'sit remote R4 local L4',
  ip6tnl: 'ip6tnl remote R6 local L6 mode any encaplimit none',
  'ip6tnl with encapsulation limit': 'ip6tnl remote R6 local L6 mode any',
  ip6gre: 'ip6gre remote R6 local L6 encaplimit none',
  vxlan: 'vxlan id 5 remote R4 local L4 dstport 4789',
} as const;
export type KernelTunnelName = keyof typeof KINDS;
const KERNEL_TUNNELS = Object.keys(KINDS) as KernelTunnelName[];

/** The device of the tunnel, on both sides. */
const TUNNEL_DEVICE = 't1';

const PORT = 51_820;

/** 1500 less what ESP with AES-GCM adds at most, and a multiple of four (RFC 4303, 2.4). */
const IPSEC_MTU_BYTES = 1440;

/** Takes away what an earlier test has set up; nothing there is fine. */
export async function tearDownTunnels(guest: Guest): Promise<void> {
  const inside = [INSIDE_GATEWAY.ipv4, INSIDE.ipv4];
  const script = ['gw', 'isp'].flatMap((ns) => [
    `[ ! -e /run/lab/ovpn/${ns}.pid ] || { kill "$(cat /run/lab/ovpn/${ns}.pid)"; rm /run/lab/ovpn/${ns}.pid; }`,
    ...[TUNNEL_DEVICE, 'wg0', 'xfrm0', 'tun0'].map((device) => `ip -n ${ns} link del ${device}`),
    ...['state', 'policy'].map((what) => `ip -n ${ns} xfrm ${what} flush`),
    ...inside.flatMap((address) => [
      `ip -n ${ns} route del ${address}/32`,
      `ip -n ${ns} addr del ${address}/32 dev lo`,
    ]),
  ]);
  await guest.run(['sh', '-c', `{ ${script.join('\n')}\n} 2>/dev/null; :`], { spinMs: 60_000 });
}

function numbered(ns: 'gw' | 'isp', dev: string): Step[] {
  const own = ns === 'gw' ? INSIDE_GATEWAY : INSIDE;
  return [
    { ns, argv: ['ip', 'link', 'set', dev, 'up'] },
    { ns, argv: ['ip', 'addr', 'add', `${own.ipv4}/24`, 'dev', dev] },
    // Not every kind carries IPv6.
    { ns, argv: ['ip', 'addr', 'add', `${own.ipv6}/64`, 'dev', dev, 'nodad'], mayFail: true },
  ];
}

/** What is found of each of the kernel's own kinds. */
export interface FoundTunnel {
  name: KernelTunnelName;
  plan: PlanJson;
  /** Of 20 packets of 1000 bytes inside, so many left by the line as long as the plan counts them. */
  asCounted: number;
}

/** The line's own bytes on an IP packet, which the plan counts as well (`docsis`). */
export const LINE_BYTES = 18;

/** Each kind set up, planned for, pinged through and taken away, in one request: a start out of the agent costs. */
export async function findTunnels(guest: Guest): Promise<FoundTunnel[]> {
  await tearDownTunnels(guest);
  const plan = commandArgv('inetgw', TUNNEL_DEVICE, '588', '2940', '--dry-run', '--json').join(' ');
  const scripts = KERNEL_TUNNELS.map((name) => {
    const add = (['gw', 'isp'] as const).flatMap((ns) => {
      const [remote, local] = ns === 'gw' ? [PROVIDER, GATEWAY] : [GATEWAY, PROVIDER];
      const words = KINDS[name]
        .replace('R4', remote.ipv4)
        .replace('L4', local.ipv4)
        .replace('R6', remote.ipv6)
        .replace('L6', local.ipv6);
      return [
        `ip -n ${ns} link add ${TUNNEL_DEVICE} type ${words}`,
        ...numbered(ns, TUNNEL_DEVICE).map(
          ({ argv, mayFail }) => `ip -n ${ns} ${argv.slice(1).join(' ')}${mayFail === true ? ' || :' : ''}`,
        ),
      ];
    });
    const del = ['gw', 'isp'].map((ns) => `ip -n ${ns} link del ${TUNNEL_DEVICE}`);
    const bytes = `$(( 982 + $(printf '%s' "$plan" | sed 's/.*"overheadBytes":\\([0-9]*\\).*/\\1/') ))`;
    const target = name === 'sit' ? INSIDE.ipv6 : INSIDE.ipv4;
    const payload = name === 'sit' ? 952 : 972;
    return [
      ...add,
      `plan=$(ip netns exec gw ${plan})`,
      // Not echo: that of dash takes the \n in it for ends of lines.
      `printf '%s\\n' "$plan"`,
      `ip netns exec gw sh -c ${quote(countScript(bytes, target, payload))} count "$plan"`,
      ...del,
    ].join('\n');
  });
  const said = await guest.run(['sh', '-ec', scripts.join('\n')], { spinMs: 60_000 });
  const lines = said.split('\n').filter((line) => line !== '');
  return KERNEL_TUNNELS.map((name, at) => ({
    name,
    plan: JSON.parse(lines[2 * at] ?? '') as PlanJson,
    asCounted: Number(lines[2 * at + 1]),
  }));
}

/** WireGuard's own module and tools; `wg0` on both sides, with the MTU that wg-quick gives it. */
export async function setUpWireGuard(guest: Guest, family: 'ipv4' | 'ipv6' = 'ipv4'): Promise<void> {
  await tearDownTunnels(guest);
  const keys = `
    mkdir -p /run/lab/wg; cd /run/lab/wg; umask 077
    for end in gw isp; do wg genkey > $end.key; wg pubkey < $end.key > $end.pub; done`;
  await guest.run(['sh', '-ec', keys], { spinMs: 60_000 });
  const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
  for (const ns of ['gw', 'isp'] as const) {
    const [other, remote] = ns === 'gw' ? (['isp', PROVIDER] as const) : (['gw', GATEWAY] as const);
    const mtu = family === 'ipv4' ? 1440 : 1420;
    const script = `
      ip link add wg0 mtu ${mtu} type wireguard
      wg set wg0 listen-port ${PORT} private-key /run/lab/wg/${ns}.key \\
        peer "$(cat /run/lab/wg/${other}.pub)" allowed-ips 0.0.0.0/0,::/0 endpoint ${bracketed(remote[family])}:${PORT}`;
    await guest.run(['sh', '-ec', script], { ns, spinMs: 60_000 });
    await runSteps(guest, numbered(ns, 'wg0'));
  }
  await answers(guest);
}

/**
 * ESP in tunnel mode with AES-GCM by the kernel alone: policies say what goes through it.
 * @param device with a device of its own, or without
 */
export async function setUpIpsec(guest: Guest, device?: 'xfrm0'): Promise<void> {
  await tearDownTunnels(guest);
  const spis = { gw: '0x1001', isp: '0x1002' } as const;
  const id = device === undefined ? '' : ' if_id 5';
  for (const ns of ['gw', 'isp'] as const) {
    const there = ns === 'gw' ? 'isp' : 'gw';
    const [own, other] = ns === 'gw' ? [INSIDE_GATEWAY, INSIDE] : [INSIDE, INSIDE_GATEWAY];
    const [from, to] = ns === 'gw' ? [GATEWAY, PROVIDER] : [PROVIDER, GATEWAY];
    const association = (src: string, dst: string, spi: string): string =>
      `ip xfrm state add src ${src} dst ${dst} proto esp spi ${spi} mode tunnel reqid 1 replay-window 32${id} ` +
      "aead 'rfc4106(gcm(aes))' 0x0123456789abcdef0123456789abcdef01234567 128";
    const policy = (dir: string, src: string, dst: string, outer: string): string =>
      `ip xfrm policy add src ${src}/32 dst ${dst}/32 dir ${dir}${id} tmpl ${outer} proto esp reqid 1 mode tunnel`;
    const ways =
      device === undefined
        ? [
            `ip addr add ${own.ipv4}/32 dev lo`,
            `ip route add ${other.ipv4}/32 via ${to.ipv4} src ${own.ipv4} mtu ${IPSEC_MTU_BYTES}`,
          ]
        : [
            `ip link add ${device} mtu ${IPSEC_MTU_BYTES} type xfrm dev ${ns === 'gw' ? 'eth0' : 'i0'} if_id 5`,
            `ip link set ${device} up`,
            `ip addr add ${own.ipv4}/24 dev ${device}`,
          ];
    const script = [
      association(from.ipv4, to.ipv4, spis[ns]),
      association(to.ipv4, from.ipv4, spis[there]),
      policy('out', own.ipv4, other.ipv4, `src ${from.ipv4} dst ${to.ipv4}`),
      policy('in', other.ipv4, own.ipv4, `src ${to.ipv4} dst ${from.ipv4}`),
      ...ways,
    ];
    await guest.run(['sh', '-ec', script.join('\n')], { ns, spinMs: 60_000 });
  }
  await answers(guest);
}

/** OpenVPN as it is today: over UDP, with certificates that each side has made itself and the other has been told of. */
export async function setUpOpenVpn(guest: Guest): Promise<void> {
  await tearDownTunnels(guest);
  const certificates = `
    mkdir -p /run/lab/ovpn; cd /run/lab/ovpn; umask 077
    for end in gw isp; do
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $end.key -out $end.crt \
        -subj /CN=$end -days 3650 2>/dev/null
      openssl x509 -in $end.crt -noout -fingerprint -sha256 | cut -d= -f2 > $end.print
    done`;
  await guest.run(['sh', '-ec', certificates], { spinMs: 60_000 });
  for (const ns of ['isp', 'gw'] as const) {
    const [there, own, other] =
      ns === 'gw'
        ? (['isp', INSIDE_GATEWAY.ipv4, INSIDE.ipv4] as const)
        : (['gw', INSIDE.ipv4, INSIDE_GATEWAY.ipv4] as const);
    const role =
      ns === 'gw'
        ? `--tls-client --nobind --remote ${PROVIDER.ipv4} 1194`
        : '--tls-server --dh none --port 1194';
    const script = `cd /run/lab/ovpn; rm -f ${ns}.pid; modprobe tun
      [ -e /dev/net/tun ] || { mkdir -p /dev/net; mknod /dev/net/tun c 10 200; }
      openvpn --dev tun0 --dev-type tun --proto udp ${role} --cert ${ns}.crt --key ${ns}.key \
        --peer-fingerprint "$(cat ${there}.print)" --ifconfig ${own} ${other} --data-ciphers AES-256-GCM --verb 1 \
        --log ${ns}.log --writepid ${ns}.pid --daemon`;
    await guest.run(['sh', '-ec', script], { ns, spinMs: 60_000 });
  }
  await answers(guest);
}

/** Once there and back, again where the clock has jumped over the answer. */
async function answers(guest: Guest): Promise<void> {
  const again = `for n in 1 2 3 4 5; do ping -q -c 1 -W 2 ${INSIDE.ipv4} && exit 0; done; exit 1`;
  await guest.run(['sh', '-c', again], { ns: 'gw', spinMs: 60_000 });
}

/**
 * How many of 20 pings of `ipBytes` in the tunnel leave by the line with `lineBytes` of IP length: counted where packets leave.
 */
export async function countedPings(guest: Guest, ipBytes: number, lineBytes: number): Promise<number> {
  await answers(guest);
  const script = countScript(String(lineBytes), INSIDE.ipv4, ipBytes - 28);
  return Number(await guest.run(['sh', '-ec', script], { ns: 'gw', spinMs: 60_000 }));
}

function countScript(lineBytes: string, target: string, payloadBytes: number): string {
  return `plan=$1
    for n in 1 2 3 4 5; do ping -q -c 1 -W 2 ${target} >/dev/null && break; done
    nft add table inet counted
    nft 'add chain inet counted out { type filter hook postrouting priority 300; }'
    nft "add rule inet counted out oifname eth0 meta l4proto { 4, 17, 41, 47, 50 } meta length ${lineBytes} counter"
    ping -q -c 20 -i 0.2 -s ${payloadBytes} ${target} >/dev/null
    nft list table inet counted | sed -n 's/.*counter packets \\([0-9]*\\) .*/\\1/p'; nft delete table inet counted`;
}
