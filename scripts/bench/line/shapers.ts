/**
 * The shapers that are put side by side, each as the commands that set it up on the gateway's device. The peers'
 * set-ups are written from their documentation: what they are known by, with this line's framing told to each,
 * so that none suffers from not knowing it.
 */
import { commandArgv } from '../../../test/lab/inetgw.ts';
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
  cake: { title: 'cake both ways', commands: (target) => cake(target, [], []) },
  'cake-ingress': {
    title: 'cake, ingress',
    commands: (target) => cake(target, [], ['ingress']),
  },
  'cake-best': {
    title: 'cake, ingress ack-filter diffserv4',
    commands: (target) => cake(target, ['ack-filter', 'diffserv4'], ['ingress', 'diffserv4']),
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

function inetgw({ device, upBitPerSec, downBitPerSec, line }: Target, ...options: string[]): Argv {
  const rates = [upBitPerSec, downBitPerSec].map((rate) => String(rate / 1000));
  const [program, ...words] = commandArgv('inetgw', device, ...rates, ...line.inetgwFraming, ...options);
  // `ip netns exec` gives each program a new /sys; the pinned maps must outlive it, as they do on a gateway.
  const script = 'mount --bind /run/bpf /sys/fs/bpf && exec "$@"';
  return ['sh', '-c', script, 'sh', program, ...words];
}

/** An Ethernet device's own header of 14 bytes is in the length that tc sees; a ppp device has none. */
function overheadBytes(device: string, { framing, options }: BenchLine): number {
  return options.access === 'ethernet' && (device === 'eth0' || device === IFB)
    ? framing.overheadBytes - 14
    : framing.overheadBytes;
}

function sizeTable(device: string, line: BenchLine): string[] {
  const { linklayer } = line.framing;
  return ['stab', 'linklayer', linklayer, 'overhead', String(overheadBytes(device, line))];
}

function tc(...words: (string | number)[]): Argv {
  return ['tc', ...words.map(String)];
}

/** The Wondershaper: urgent packets and acknowledgements, all else, and the rest with a little less. */
function htbSfq({ device, upBitPerSec: rate, line }: Target): Argv[] {
  const bit = (share: number): string => `${Math.round(rate * share)}bit`;
  const dev = ['dev', device];
  const leaf = (minor: number, share: number, prio: number): Argv[] => [
    tc(
      'class',
      'add',
      ...dev,
      'parent',
      '1:1',
      'classid',
      `1:${minor}`,
      'htb',
      'rate',
      bit(share),
      'ceil',
      bit(1),
      'prio',
      prio,
      'burst',
      1700,
      'cburst',
      1700,
      'quantum',
      1514,
    ),
    tc('qdisc', 'add', ...dev, 'parent', `1:${minor}`, 'handle', `${minor}:`, 'sfq', 'perturb', 10),
  ];
  const select = ['protocol', 'ip', 'prio', 1, 'u32', 'match'] as const;
  const ackOnly = [
    'ip',
    'protocol',
    6,
    '0xff',
    'match',
    'u8',
    '0x05',
    '0x0f',
    'at',
    0,
    'match',
    'u16',
    '0x0000',
    '0xffc0',
    'at',
    2,
  ] as const;
  return [
    tc('qdisc', 'add', ...dev, 'root', 'handle', '1:', ...sizeTable(device, line), 'htb', 'default', 20),
    tc(
      'class',
      'add',
      ...dev,
      'parent',
      '1:',
      'classid',
      '1:1',
      'htb',
      'rate',
      bit(1),
      'burst',
      1700,
      'cburst',
      1700,
      'quantum',
      1514,
    ),
    ...leaf(10, 0.4, 1),
    ...leaf(20, 0.6, 2),
    tc('filter', 'add', ...dev, 'parent', '1:', ...select, 'ip', 'protocol', 1, '0xff', 'flowid', '1:10'),
    tc('filter', 'add', ...dev, 'parent', '1:', ...select, ...ackOnly, 'flowid', '1:10'),
    tc('filter', 'add', ...dev, 'parent', '1:', ...select, 'ip', 'tos', '0x10', '0xff', 'flowid', '1:10'),
  ];
}

function plainPolicer({ device, downBitPerSec: rate, line }: Target): Argv[] {
  const { linklayer, overheadBytes: overhead } = line.framing;
  const police = [
    'police',
    'rate',
    `${rate}bit`,
    'burst',
    '12k',
    'mtu',
    '64k',
    'overhead',
    overhead,
    'linklayer',
    linklayer,
    'drop',
  ];
  return [
    tc('qdisc', 'add', 'dev', device, 'handle', 'ffff:', 'ingress'),
    tc(
      'filter',
      'add',
      'dev',
      device,
      'parent',
      'ffff:',
      'protocol',
      'all',
      'prio',
      50,
      'u32',
      'match',
      'u32',
      0,
      0,
      ...police,
      'flowid',
      ':1',
    ),
  ];
}

function redirectToIfb(device: string): Argv[] {
  return [
    ['ip', 'link', 'add', IFB, 'type', 'ifb'],
    ['ip', 'link', 'set', IFB, 'up'],
    tc('qdisc', 'add', 'dev', device, 'handle', 'ffff:', 'ingress'),
    tc(
      'filter',
      'add',
      'dev',
      device,
      'parent',
      'ffff:',
      'protocol',
      'all',
      'matchall',
      'action',
      'mirred',
      'egress',
      'redirect',
      'dev',
      IFB,
    ),
  ];
}

/**
 * Three classes of HTB with fq_codel, all of this benchmark's traffic in the middle one; codel's target is
 * raised on slow links to one and a half packets, as sqm-scripts do.
 */
function threeBands(device: string, rate: number, line: BenchLine, ecn: 'ecn' | 'noecn'): Argv[] {
  const bit = (share: number): string => `${Math.round(rate * share)}bit`;
  const dev = ['dev', device];
  const targetMs = Math.max(5, (1.5 * 1540 * 8000) / rate);
  const codel = [
    'fq_codel',
    'limit',
    1001,
    'target',
    `${targetMs.toFixed(1)}ms`,
    'interval',
    `${(95 + targetMs).toFixed(1)}ms`,
    'quantum',
    300,
    ecn,
  ];
  const leaf = (minor: number, share: number, ceil: number, prio: number): Argv[] => [
    tc(
      'class',
      'add',
      ...dev,
      'parent',
      '1:1',
      'classid',
      `1:${minor}`,
      'htb',
      'rate',
      bit(share),
      'ceil',
      bit(ceil),
      'prio',
      prio,
      'burst',
      1700,
      'cburst',
      1700,
      'quantum',
      1514,
    ),
    tc('qdisc', 'add', ...dev, 'parent', `1:${minor}`, 'handle', `${minor}:`, ...codel),
  ];
  return [
    tc('qdisc', 'add', ...dev, 'root', 'handle', '1:', ...sizeTable(device, line), 'htb', 'default', 12),
    tc(
      'class',
      'add',
      ...dev,
      'parent',
      '1:',
      'classid',
      '1:1',
      'htb',
      'rate',
      bit(1),
      'burst',
      1700,
      'cburst',
      1700,
      'quantum',
      1514,
    ),
    ...leaf(11, 1 / 3, 1 / 3, 1),
    ...leaf(12, 1 / 2, 1, 2),
    ...leaf(13, 1 / 6, 1, 3),
  ];
}

function cake(target: Target, up: readonly string[], down: readonly string[]): Argv[] {
  const { device, upBitPerSec, downBitPerSec, line } = target;
  const { linklayer, overheadBytes: overhead } = line.framing;
  const framing = [...(linklayer === 'atm' ? ['atm'] : ['noatm']), 'overhead', overhead, 'mpu', 0];
  const on = (dev: string, rate: number, options: readonly string[]): Argv =>
    tc('qdisc', 'add', 'dev', dev, 'root', 'cake', 'bandwidth', `${rate}bit`, ...framing, ...options);
  return [on(device, upBitPerSec, up), ...redirectToIfb(device), on(IFB, downBitPerSec, down)];
}
