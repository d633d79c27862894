/**
 * What the pacing program takes for the least round trip of a connection when they have become longer: packets are handed to it
 * by `bpftool prog run` at chosen times, in the guest's own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { configuredObject } from '../../src/plan/pacing/pacingObject.ts';
import { HOST_NUMBERS, OPENING_PRIORITY } from '../../src/plan/queues/egressClasses.ts';
import { frame, OPTION, tcpOffset, type FrameOptions } from './frames.ts';
import type { Guest } from './guest.ts';
import { checkoutRoot } from './paths.ts';
import { sharedGuest } from './sharedGuest.ts';

const SUFFIX = 'ffff0002';
const FOLDER = '/sys/fs/bpf/round-trips-test';
const CONFIG = {
  payloadBytesPerSec: 200_000,
  queueUs: 20_000,
  mostQueueUs: 20_000,
  linkHeaderBytes: 14,
  defaultMssBytes: 1440,
  maxRttUs: 1_000_000,
  minSegments: 2,
  byHost: 1,
  numberedPriority: HOST_NUMBERS.first,
  synPriority: OPENING_PRIORITY,
} as const;
/** As long as a slot of bpf/rtt.h; all of them begin when the kernel's clock is a multiple of it. */
const SLOT_SEC = 10;

const SYN = 0x02;
const ACK = 0x10;
const WINDOW_OFFSET = 14;
const HERE = { address: '192.0.2.1', port: 40000 };
const THERE = { address: '198.51.100.9', port: 443 };

let guest: Guest;
let object: string;
beforeAll(async () => {
  guest = await sharedGuest();
  const template = await readFile(join(checkoutRoot, 'bpf/pacing.o'));
  object = configuredObject(template, CONFIG, SUFFIX).toString('base64');
});

const out = (words: Omit<FrameOptions, 'from' | 'to'>): FrameOptions => ({ from: HERE, to: THERE, ...words });
const back = (words: Omit<FrameOptions, 'from' | 'to'>): FrameOptions => ({
  from: THERE,
  to: HERE,
  ...words,
});

const ACKNOWLEDGEMENT = out({ flags: ACK, window: 60000, seq: 100, ack: 500, options: OPTION.stamp(0, 0) });

/** An acknowledgement goes out, and so long afterwards a segment comes in that answers its timestamp. */
function roundTrip(stamp: number, ms: number): string {
  return `
    ${handed('egress', { ...ACKNOWLEDGEMENT, options: OPTION.stamp(stamp, 0) })}
    sleep ${ms / 1000}
    ${handed('ingress', back({ flags: ACK, window: 65535, seq: 500, ack: 100, payloadBytes: 1400, options: OPTION.stamp(0, stamp) }))}`;
}

function handed(direction: 'ingress' | 'egress', packet: FrameOptions): string {
  return `printf %s ${frame(packet).toString('base64')} | base64 -d > $work/in
    bpftool prog run pinned ${FOLDER}/pacing_${direction} data_in $work/in data_out $work/out > /dev/null`;
}

/** Waits until so many seconds of a slot have passed: of this one, or of the next. */
const at = (sec: number): string =>
  `sleep $(awk '{ left = ${sec} - $1 % ${SLOT_SEC}; if (left < 0) left += ${SLOT_SEC}; print left }' /proc/uptime)`;

const SHOW = `bpftool map lookup pinned /sys/fs/bpf/igs_${SUFFIX} key 0 0 0 0 -j >&3; echo >&3`;
const SHOW_PACKET = 'base64 -w 0 $work/out >&3; echo >&3';

interface Seen {
  leastMs: number;
  /** In units of 128 bytes: of an acknowledgement while windows are halved, and of one afterwards. */
  duringProbe: number;
  afterwards: number;
}

/**
 * A connection whose handshake takes 30 ms or so, and then a whole slot of round trips that take 200 ms.
 * @param probedMs what they take while windows are halved
 */
async function longerRoundTrips(probedMs: number): Promise<Seen> {
  const scale = (shift: number): number[] => [...OPTION.mss(1460), ...OPTION.scale(shift)];
  const script = `set -eu; exec 3>&1 >&2; work=$(mktemp -d)
    end() { rm -rf $work ${FOLDER} /sys/fs/bpf/ig[fsh]_${SUFFIX}; }; trap end EXIT
    base64 -d > $work/pacing.o; bpftool prog loadall $work/pacing.o ${FOLDER} type classifier
    ${at(8)}
    ${handed('egress', out({ flags: SYN, window: 64240, seq: 99, options: scale(7) }))}
    sleep 0.02
    ${handed('ingress', back({ flags: SYN | ACK, window: 65535, seq: 499, ack: 100, options: scale(9) }))}
    ${at(2)}
    ${roundTrip(1, 200)}
    ${at(9)}
    ${roundTrip(2, 200)}
    ${at(0.05)}
    ${roundTrip(3, 200)}
    ${handed('egress', ACKNOWLEDGEMENT)}
    ${SHOW_PACKET}
    ${roundTrip(4, probedMs)}
    ${at(2)}
    ${roundTrip(5, 200)}
    ${handed('egress', ACKNOWLEDGEMENT)}
    ${SHOW_PACKET}
    ${SHOW}`;
  const printed = await guest.run(['sh', '-c', script], { input: object });
  const [during = '', after = '', state = ''] = printed.split('\n').filter((line) => line !== '');
  const { formatted } = JSON.parse(state) as { formatted: { value: { last_rtt_us: number } } };
  const window = (packet: string): number =>
    Buffer.from(packet, 'base64').readUInt16BE(tcpOffset(ACKNOWLEDGEMENT) + WINDOW_OFFSET);
  return {
    leastMs: formatted.value.last_rtt_us / 1000,
    duringProbe: window(during),
    afterwards: window(after),
  };
}

describe('round trips that were never as short in a whole slot as before', () => {
  test('get no shorter when windows are halved: the path is longer', async () => {
    const { leastMs, duringProbe, afterwards } = await longerRoundTrips(200);
    expect(leastMs).toBeGreaterThan(190);
    expect(afterwards).toBeGreaterThan(duringProbe * 4);
  });

  test('get shorter when windows are halved: a queue stands, and the window is for the path without it', async () => {
    const { leastMs, duringProbe, afterwards } = await longerRoundTrips(100);
    expect(leastMs).toBeLessThan(100);
    expect(afterwards).toBeGreaterThan(duringProbe * 1.5);
    expect(afterwards).toBeLessThan(duringProbe * 2.5);
  });
});
