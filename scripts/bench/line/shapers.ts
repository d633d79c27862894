/**
 * The shapers that are put side by side, each as the commands that set it up on the gateway's device. The peers'
 * set-ups are written from their documentation: what they are known by, with this line's framing told to each,
 * so that none suffers from not knowing it.
 */
import type { Guest } from '../../../test/lab/guest.ts';
import { commandArgv, withBpf } from '../../../test/lab/inetgw.ts';
import { runSteps } from '../../../test/lab/steps.ts';
import type { BenchLine } from './lines.ts';

export interface Target {
  device: string;
  upBitPerSec: number;
  downBitPerSec: number;
  line: BenchLine;
}

type Argv = readonly [string, ...string[]];

export interface Shaper {
  title: string;
  /** Run in the gateway, one after another; each must succeed. */
  commands: (target: Target) => Argv[];
}

const IFB = 'ifb-peer';

export const SHAPERS = {
  none: { title: 'no shaper', commands: () => [] },
  classic: {
    title: 'HTB + SFQ, ingress policer',
    commands: (target) => [...htbSfq(target), ...plainPolicer(target)],
  },
  sqm: {
    title: 'HTB + fq_codel both ways (as sqm simple)',
    commands: (target) => [
      ...threeBands(target.device, target.upBitPerSec, target.line, 'noecn'),
      ...redirectToIfb(target.device),
      ...threeBands(IFB, target.downBitPerSec, target.line, 'ecn'),
    ],
  },
  cake: { title: 'cake both ways', commands: (target) => cake(target, '', '') },
  'cake-ingress': {
    title: 'cake, ingress',
    commands: (target) => cake(target, '', 'ingress'),
  },
  'cake-best': {
    title: 'cake, ingress ack-filter diffserv4',
    commands: (target) => cake(target, 'ack-filter diffserv4', 'ingress diffserv4'),
  },
  cascade: {
    title: 'inetgw --pacing off',
    commands: (target) => [inetgw(target, '--pacing', 'off')],
  },
  paced: {
    title: 'inetgw --pacing bpf',
    commands: (target) => [inetgw(target, '--pacing', 'bpf')],
  },
} as const satisfies Readonly<Record<string, Shaper>>;

export type ShaperName = keyof typeof SHAPERS;
export const SHAPER_NAMES = Object.keys(SHAPERS) as ShaperName[];

/** Sets a shaper up on the gateway's device; a command that fails is named in the error. */
export async function setUpShaper(guest: Guest, name: ShaperName, target: Target): Promise<void> {
  const commands = SHAPERS[name].commands(target);
  await runSteps(
    guest,
    commands.map((argv) => ({ ns: 'gw', argv })),
  );
}

/** What a shaper is told: a share of the raw rate, in whole kbit/s. */
export function shareOf(rawBitPerSec: number, share: number): number {
  return Math.round((rawBitPerSec * share) / 1000) * 1000;
}

export function inetgw({ device, upBitPerSec, downBitPerSec, line }: Target, ...options: string[]): Argv {
  const rates = [upBitPerSec, downBitPerSec].map((rate) => String(rate / 1000));
  return withBpf(commandArgv('inetgw', device, ...rates, ...line.inetgwFraming, ...options));
}

/** An Ethernet device's own header of 14 bytes is in the length that tc sees; a ppp device has none. */
function overheadBytes(device: string, { framing, options }: BenchLine): number {
  return options.access === 'ethernet' && (device === 'eth0' || device === IFB)
    ? framing.overheadBytes - 14
    : framing.overheadBytes;
}

function sizeTable(device: string, line: BenchLine): string {
  return `stab linklayer ${line.framing.linklayer} overhead ${overheadBytes(device, line)}`;
}

/** A line for tc, in the words of its manual pages. */
function tc(line: string): Argv {
  return ['tc', ...line.split(' ')];
}

/** The root of an HTB tree, and the class that holds the rate of all others. */
function htbRoot(device: string, rateBitPerSec: number, line: BenchLine, defaultMinor: number): Argv[] {
  return [
    tc(`qdisc add dev ${device} root handle 1: ${sizeTable(device, line)} htb default ${defaultMinor}`),
    htbClass(device, '1:', 1, { rate: rateBitPerSec }),
  ];
}

interface HtbRates {
  rate: number;
  ceil?: number;
  prio?: number;
}

function htbClass(device: string, parent: string, minor: number, { rate, ceil, prio }: HtbRates): Argv {
  const above = ceil === undefined ? '' : ` ceil ${Math.round(ceil)}bit`;
  const order = prio === undefined ? '' : ` prio ${prio}`;
  const sizes = 'burst 1700 cburst 1700 quantum 1514';
  return tc(
    `class add dev ${device} parent ${parent} classid 1:${minor} htb rate ${Math.round(rate)}bit${above}${order} ${sizes}`,
  );
}

/** A class below that one, with its queue. */
function htbLeaf(device: string, minor: number, rates: HtbRates, queue: string): Argv[] {
  return [
    htbClass(device, '1:1', minor, rates),
    tc(`qdisc add dev ${device} parent 1:${minor} handle ${minor}: ${queue}`),
  ];
}

/** The Wondershaper: urgent packets and acknowledgements, all else, and the rest with a little less. */
function htbSfq({ device, upBitPerSec: rate, line }: Target): Argv[] {
  const select = `filter add dev ${device} parent 1: protocol ip prio 1 u32 match`;
  const ackOnly = 'ip protocol 6 0xff match u8 0x05 0x0f at 0 match u16 0x0000 0xffc0 at 2';
  return [
    ...htbRoot(device, rate, line, 20),
    ...htbLeaf(device, 10, { rate: rate * 0.4, ceil: rate, prio: 1 }, 'sfq perturb 10'),
    ...htbLeaf(device, 20, { rate: rate * 0.6, ceil: rate, prio: 2 }, 'sfq perturb 10'),
    tc(`${select} ip protocol 1 0xff flowid 1:10`),
    tc(`${select} ${ackOnly} flowid 1:10`),
    tc(`${select} ip tos 0x10 0xff flowid 1:10`),
  ];
}

function plainPolicer({ device, downBitPerSec: rate, line }: Target): Argv[] {
  const { linklayer, overheadBytes: overhead } = line.framing;
  const police = `police rate ${rate}bit burst 12k mtu 64k overhead ${overhead} linklayer ${linklayer} drop`;
  return [
    tc(`qdisc add dev ${device} handle ffff: ingress`),
    tc(`filter add dev ${device} parent ffff: protocol all prio 50 u32 match u32 0 0 ${police} flowid :1`),
  ];
}

function redirectToIfb(device: string): Argv[] {
  return [
    ['ip', 'link', 'add', IFB, 'type', 'ifb'],
    ['ip', 'link', 'set', IFB, 'up'],
    tc(`qdisc add dev ${device} handle ffff: ingress`),
    tc(
      `filter add dev ${device} parent ffff: protocol all matchall action mirred egress redirect dev ${IFB}`,
    ),
  ];
}

/**
 * Three classes of HTB with fq_codel, all of this benchmark's traffic in the middle one; codel's target is
 * raised on slow links to one and a half packets, as sqm-scripts do.
 */
function threeBands(device: string, rate: number, line: BenchLine, ecn: 'ecn' | 'noecn'): Argv[] {
  const targetMs = Math.max(5, (1.5 * 1540 * 8000) / rate);
  const times = `target ${targetMs.toFixed(1)}ms interval ${(95 + targetMs).toFixed(1)}ms`;
  const codel = `fq_codel limit 1001 ${times} quantum 300 ${ecn}`;
  return [
    ...htbRoot(device, rate, line, 12),
    ...htbLeaf(device, 11, { rate: rate / 3, ceil: rate / 3, prio: 1 }, codel),
    ...htbLeaf(device, 12, { rate: rate / 2, ceil: rate, prio: 2 }, codel),
    ...htbLeaf(device, 13, { rate: rate / 6, ceil: rate, prio: 3 }, codel),
  ];
}

/** cake as who wants hosts to share sets it up (tc-cake(8), `nat` and `dual-*host`). */
export function cakeOnHosts(target: Target): Argv[] {
  return cake(target, 'diffserv4 nat dual-srchost ack-filter', 'diffserv4 nat dual-dsthost ingress');
}

function cake(target: Target, up: string, down: string): Argv[] {
  const { device, upBitPerSec, downBitPerSec, line } = target;
  const { linklayer, overheadBytes: overhead } = line.framing;
  const framing = `${linklayer === 'atm' ? 'atm' : 'noatm'} overhead ${overhead} mpu 0`;
  const on = (dev: string, rate: number, options: string): Argv =>
    tc(`qdisc add dev ${dev} root cake bandwidth ${rate}bit ${framing} ${options}`.trimEnd());
  return [on(device, upBitPerSec, up), ...redirectToIfb(device), on(IFB, downBitPerSec, down)];
}
