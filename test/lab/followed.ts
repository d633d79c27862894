/** A line whose rate changes while it is loaded, told to `inetgw` with limits, and followed by `inetgw serve` or not. */
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, withBpf } from './inetgw.ts';
import { changeRate, ETHERNET, setUpLine, type Line, type LineOptions } from './line.ts';
import { type FlowGroup, type MeasureResult } from './measure.ts';
import { downloads, measure, uploads } from './traffic.ts';

/** 20/5 Mbit/s by PPPoE, 10 ms; 1 MB and 500 KB at the provider and in the modem. */
export const LINE: Partial<LineOptions> = {
  upBitPerSec: 5e6,
  downBitPerSec: 20e6,
  framing: ETHERNET,
  upBufferMs: 800,
  downBufferMs: 400,
  access: 'pppoe',
  lan: { nat: true },
};
/** IP in PPPoE in Ethernet, with its check sequence. */
const settingsAt = (scale: number): string[] => [
  ...['ppp0', String(4875 * scale), String(19_600 * scale), '--linklayer', 'ethernet', '--overhead', '26'],
  ...['--down-min', `${3 * scale}mbit`],
];
export const SETTINGS: readonly string[] = settingsAt(1);
const TCP_FLOWS = [downloads(4, { client: 'lan' }), uploads(2, { client: 'lan' })];
export const WARM_UP_SEC = 5;
const PINGS_PER_SEC = 20;

/** A rate that the line's downlink has from some second of the window on. */
interface Phase {
  atSec: number;
  bitPerSec: number;
}
export interface Walk {
  phases: readonly Phase[];
  seconds: number;
}

/** 20, 10, 4, 20 Mbit/s. */
export const STEPS: Walk = {
  phases: [
    { atSec: 6, bitPerSec: 10e6 },
    { atSec: 22, bitPerSec: 4e6 },
    { atSec: 38, bitPerSec: 20e6 },
  ],
  seconds: 52,
};

/** A step a second, by up to a quarter either way, between 3 and 12.6 Mbit/s, always the same from one seed. */
export function lteWalk(seed: number): Walk {
  const random = randomFrom(seed);
  let bitPerSec = 7e6;
  const phases = Array.from({ length: 36 }, (_, atSec) => {
    bitPerSec = Math.round(Math.min(12.6e6, Math.max(3e6, bitPerSec * (0.75 + random() * 0.6))));
    return { atSec, bitPerSec };
  });
  return { phases, seconds: 36 };
}

/** Numbers below 1 (mulberry32, public domain). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The mean of what the line carries in the window. */
export function rawBitPerSec({ phases, seconds }: Walk): number {
  const all = [{ atSec: 0, bitPerSec: LINE.downBitPerSec ?? 0 }, ...phases];
  const bits = all.map(({ atSec, bitPerSec }, at) => bitPerSec * ((all[at + 1]?.atSec ?? seconds) - atSec));
  return bits.reduce((sum, each) => sum + each, 0) / seconds;
}

async function changeAsWalked(guest: Guest, line: Line, { phases }: Walk): Promise<void> {
  let passedSec = -WARM_UP_SEC;
  const lines = phases.map(({ atSec, bitPerSec }) => {
    const waitSec = atSec - passedSec;
    passedSec = atSec;
    return `sleep ${waitSec}; ${changeRate(line, 'down', bitPerSec).argv.join(' ')}`;
  });
  await guest.request('spawn', { ns: 'modem', argv: ['sh', '-c', lines.join('\n')] });
}

export interface Service {
  job: number;
  pid: number;
}

/** Starts `inetgw serve` as a user does; it has begun to follow when this is back. */
export async function startService(guest: Guest, ...args: string[]): Promise<Service> {
  const service = await guest.request('spawn', {
    ns: 'gw',
    argv: withBpf(commandArgv('inetgw', 'serve', ...args)),
  });
  const file = '/run/inetgw/netns-*/ppp0.following';
  const wait = `for n in $(seq 100); do grep -qs '"pid":${service.pid},' ${file} && exit; sleep 0.1; done; exit 1`;
  await guest.run(['sh', '-c', wait], { ns: 'gw' });
  return service;
}

export interface Followed {
  result: MeasureResult;
  /** What the service wrote: empty where it found nothing to tell. */
  said: string;
  trace: string;
}

const TRACE_FILE = '/run/followed.jsonl';

export interface WalkOptions {
  /** `inetgw serve` runs; as it does unless told otherwise. */
  isFollowed?: boolean;
  flows?: FlowGroup[];
  /** All rates times this: real QUIC takes more of the emulated processor than TCP. */
  scale?: number;
  /** What ends the service: SIGTERM unless told otherwise. */
  signal?: 'SIGTERM' | 'SIGKILL';
}

/** Sets up, follows (or not) and measures over the walk. */
export async function walkLine(
  guest: Guest,
  walk: Walk,
  { isFollowed = true, flows = TCP_FLOWS, scale = 1, signal = 'SIGTERM' }: WalkOptions = {},
): Promise<Followed> {
  const { upBitPerSec = 0, downBitPerSec = 0 } = LINE;
  const line = await setUpLine(guest, {
    ...LINE,
    ...{ upBitPerSec: upBitPerSec * scale, downBitPerSec: downBitPerSec * scale },
  });
  await inetgwOk(guest, ...settingsAt(scale));
  const service = isFollowed ? await startService(guest, 'ppp0', '--record', TRACE_FILE) : undefined;
  const phases = walk.phases.map(({ atSec, bitPerSec }) => ({ atSec, bitPerSec: bitPerSec * scale }));
  await changeAsWalked(guest, line, { ...walk, phases });
  const result = await measure(guest, {
    flows,
    warmUpMs: WARM_UP_SEC * 1000,
    pings: walk.seconds * PINGS_PER_SEC,
    pingIntervalMs: 1000 / PINGS_PER_SEC,
    pingNs: 'lan',
  });
  if (service === undefined) return { result, said: '', trace: '' };
  const { stderr } = await guest.request('stop', { job: service.job, signal });
  return { result, said: stderr, trace: await guest.run(['cat', TRACE_FILE]) };
}
