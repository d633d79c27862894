/**
 * The pacing program on single packets, without a line: each is handed to it by `bpftool prog run`, and the packet and
 * the maps are looked at afterwards.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { configuredObject } from '../../src/plan/pacing/pacingObject.ts';
import { checksums, frame, OPTION, tcpOffset, type FrameOptions } from './frames.ts';
import type { Guest } from './guest.ts';
import { checkoutRoot } from './paths.ts';
import { sharedGuest } from './sharedGuest.ts';

const SUFFIX = 'ffff0001';
const FOLDER = '/sys/fs/bpf/program-test';
const PAYLOAD_BYTES_PER_SEC = 200_000;
const CONFIG = {
  payloadBytesPerSec: PAYLOAD_BYTES_PER_SEC,
  queueUs: 20_000,
  mostQueueUs: 20_000,
  linkHeaderBytes: 14,
  defaultMssBytes: 1440,
  maxRttUs: 1_000_000,
  minSegments: 2,
};

const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const WINDOW_OFFSET = 14;
const NO_MATCH = 0;
/** A classifier's -1 as bpftool prints it. */
const MATCH = 0xffff_ffff;

type Direction = 'ingress' | 'egress';
interface Handed extends FrameOptions {
  direction: Direction;
}

interface Seen {
  returned: number;
  before: Buffer;
  after: Buffer;
}

interface Flow {
  key: { local_port: number; version: number };
  value: {
    mss: number;
    local_scale: number;
    remote_scale: number;
    window_field: number;
    stamp: number;
    turn: number;
  };
}

interface State {
  seen: number;
  rewritten: number;
  unknown: number;
  weight: number;
  last_window: number;
  last_rtt_us: number;
}

let guest: Guest;
let object: string;
beforeAll(async () => {
  guest = await sharedGuest();
  const template = await readFile(join(checkoutRoot, 'bpf/pacing.o'));
  object = configuredObject(template, CONFIG, SUFFIX).toString('base64');
});

/** All packets go to a program that was loaded for them, in one request, so that little time passes between them. */
async function hand(...packets: readonly Handed[]): Promise<{ seen: Seen[]; flows: Flow[]; state: State }> {
  const frames = packets.map((packet) => frame(packet));
  const runs = packets.map(
    ({ direction }, at) => `
    printf %s ${frames[at]?.toString('base64')} | base64 -d > $work/in
    bpftool prog run pinned ${FOLDER}/pacing_${direction} data_in $work/in data_out $work/out -j >&3
    echo >&3; base64 -w 0 $work/out >&3; echo >&3`,
  );
  const script = `set -eu; exec 3>&1 >&2; work=$(mktemp -d)
    end() { rm -rf $work ${FOLDER} /sys/fs/bpf/ig[fs]_${SUFFIX}; }; trap end EXIT
    base64 -d > $work/pacing.o; bpftool prog loadall $work/pacing.o ${FOLDER} type classifier
    ${runs.join('')}
    bpftool map dump pinned /sys/fs/bpf/igf_${SUFFIX} -j >&3; echo >&3
    bpftool map dump pinned /sys/fs/bpf/igs_${SUFFIX} -j >&3`;
  const printed = await guest.run(['sh', '-c', script], { input: object });
  const lines = printed.split('\n').filter((line) => line !== '');
  const seen = frames.map((before, at) => ({
    returned: (JSON.parse(lines[2 * at] ?? '') as { retval: number }).retval,
    before,
    after: Buffer.from(lines[2 * at + 1] ?? '', 'base64'),
  }));
  const formatted = (line: string | undefined): unknown[] =>
    (JSON.parse(line ?? '') as { formatted: unknown }[]).map((entry) => entry.formatted);
  const [state] = formatted(lines.at(-1)) as { value: State }[];
  if (state === undefined) throw new Error('no state');
  return { seen, flows: formatted(lines.at(-2)) as Flow[], state: state.value };
}

const HERE = {
  4: { address: '192.0.2.1', port: 40000 },
  6: { address: '2001:db8::1', port: 40000 },
} as const;
const THERE = {
  4: { address: '198.51.100.9', port: 443 },
  6: { address: '2001:db8:9::9', port: 443 },
} as const;

type Words = Pick<FrameOptions, 'flags' | 'window'> & Partial<FrameOptions>;
function out(words: Words): Handed {
  const family = words.family ?? 4;
  return { direction: 'egress', from: HERE[family], to: THERE[family], ...words };
}
function back(words: Words): Handed {
  const family = words.family ?? 4;
  return { direction: 'ingress', from: THERE[family], to: HERE[family], ...words };
}

/** A handshake with scales of 7 and 9. */
function handshake(more: Partial<FrameOptions> = {}): Handed[] {
  const options = (scale: number): number[] => [...OPTION.mss(1460), ...OPTION.scale(scale)];
  return [
    out({ flags: SYN, window: 64240, seq: 99, options: options(7), ...more }),
    back({ flags: SYN | ACK, window: 65535, seq: 499, ack: 100, options: options(9), ...more }),
  ];
}
const acknowledgement = (more: Partial<FrameOptions> = {}): Handed =>
  out({ flags: ACK, window: 60000, seq: 100, ack: 500, ...more });

test.each([
  ['IPv4', {}],
  ['IPv6', { family: 6 }],
  ['IPv6 behind a hop-by-hop header', { family: 6, hopByHop: true }],
  ['IPv4 with timestamps', { options: OPTION.stamp(7, 8) }],
] as const)(
  'a window is lowered to what the line carries, and nothing else of the packet: %s',
  async (_, more) => {
    const { options, ...shared } = { options: [] as readonly number[], ...more };
    const told = acknowledgement({ ...shared, options });
    const { seen, flows, state } = await hand(...handshake(shared), told);
    const last = seen.at(-1);
    if (last === undefined) throw new Error('nothing was handed');
    expect(seen.map(({ returned }) => returned)).toEqual([NO_MATCH, NO_MATCH, MATCH]);
    for (const { before, after } of seen.slice(0, -1)) expect(after).toEqual(before);

    const at = tcpOffset(told) + WINDOW_OFFSET;
    const window = last.after.readUInt16BE(at);
    expect(window).toBeLessThan(60000);
    const { written, right } = checksums(last.after, told);
    expect(written).toBe(right);
    const same = Buffer.from(last.before);
    last.after.copy(same, at, at, at + 4);
    expect(last.after).toEqual(same);

    expect(flows).toHaveLength(1);
    expect(flows[0]?.value).toMatchObject({
      mss: 1460,
      local_scale: 7,
      remote_scale: 9,
      window_field: window,
    });
    expect(state).toMatchObject({ seen: 1, rewritten: 1, unknown: 0, last_window: window << 7 });
    // Whole segments, two at least, and no more than the share for the round trip and the queue.
    const segment = 1460 - (options.length > 0 ? 12 : 0);
    const most = (PAYLOAD_BYTES_PER_SEC * (state.last_rtt_us + CONFIG.queueUs)) / 1e6;
    const segments = Math.max(2, Math.ceil(most / segment));
    expect(window << 7).toBeLessThanOrEqual(segments * segment + 127);
    expect(window << 7).toBeGreaterThan(segments * segment - 127);
  },
);

test('a window that is smaller is left as it is, one of zero too', async () => {
  const packets = [...handshake(), acknowledgement({ window: 20 }), acknowledgement({ window: 0 })];
  const { seen, state } = await hand(...packets);
  expect(seen.map(({ returned }) => returned)).toEqual([NO_MATCH, NO_MATCH, NO_MATCH, NO_MATCH]);
  for (const { before, after } of seen) expect(after).toEqual(before);
  expect(state).toMatchObject({ seen: 2, rewritten: 0 });
});

test('where one side knows no scaling, the field is bytes', async () => {
  const [syn, answer] = handshake();
  if (syn === undefined || answer === undefined) throw new Error('no handshake');
  const { seen, flows } = await hand(syn, { ...answer, options: OPTION.mss(1460) }, acknowledgement());
  expect(flows[0]?.value).toMatchObject({ local_scale: 7, remote_scale: 0xfe });
  const window = seen[2]?.after.readUInt16BE(tcpOffset(acknowledgement()) + WINDOW_OFFSET) ?? 0;
  expect(window % 1460).toBe(0);
  expect(window).toBeGreaterThanOrEqual(2 * 1460);
});

test('a connection whose SYN was not seen is left alone', async () => {
  const { seen, flows, state } = await hand(acknowledgement());
  expect(seen[0]?.returned).toBe(NO_MATCH);
  expect(seen[0]?.after).toEqual(seen[0]?.before);
  expect(flows).toEqual([]);
  expect(state).toMatchObject({ seen: 1, unknown: 1, rewritten: 0 });
});

test.each([
  ['a fragment', { fragment: 0x2000 }],
  ['a later fragment', { fragment: 0x0001 }],
  ['UDP', { protocol: 17 }],
  ['an option without a length', { options: [2, 0, 0, 0] }],
  ['an option longer than the header', { options: [2, 200, 5, 180] }],
  ['more options than anybody sends', { options: [...Array<number>(36).fill(1), 3, 3, 7, 0] }],
] as const)('what is no segment of ours leaves no trace: %s', async (_, more) => {
  const { seen, flows } = await hand(out({ flags: SYN, window: 64240, ...more }));
  expect(seen[0]?.returned).toBe(NO_MATCH);
  expect(seen[0]?.after).toEqual(seen[0]?.before);
  expect(flows).toEqual([]);
});

test('data counts for the connection until its reset', async () => {
  const data = back({ flags: ACK, window: 65535, seq: 500, ack: 100, payloadBytes: 1400 });
  const counted = await hand(...handshake(), acknowledgement(), data);
  expect(counted.state.weight).toBeGreaterThan(0);
  const ended = await hand(
    ...handshake(),
    acknowledgement(),
    data,
    back({ flags: RST, window: 0, seq: 1900, ack: 100 }),
  );
  expect(ended.state.weight).toBe(0);
});

test('the round trip of a repeated SYN is not taken: which one was answered is not known (Karn)', async () => {
  const [syn, answer] = handshake();
  if (syn === undefined || answer === undefined) throw new Error('no handshake');
  const { state } = await hand(syn, syn, answer, acknowledgement());
  // Nothing is known of the path: the window is that of the queue alone.
  expect(state.last_rtt_us).toBe(0);
});
