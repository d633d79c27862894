/**
 * The pacing program on single packets, without a line: each is handed to it by `bpftool prog run`, and the packet and
 * the maps are looked at afterwards.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { PacingConfig } from '../../src/plan/pacing/pacing.ts';
import { configuredObject } from '../../src/plan/pacing/pacingObject.ts';
import { HOST_NUMBERS, OPENING_PRIORITY } from '../../src/plan/queues/egressClasses.ts';
import { checksums, frame, OPTION, tcpOffset, type FrameOptions } from './frames.ts';
import type { Guest } from './guest.ts';
import { checkoutRoot } from './paths.ts';
import { sharedGuest } from './sharedGuest.ts';
import { ACK, CONFIG, SYN } from './timedPackets.ts';

const SUFFIX = 'ffff0001';
const FOLDER = '/sys/fs/bpf/program-test';
const RST = 0x04;
const WINDOW_OFFSET = 14;
const NO_MATCH = 0;
/** A classifier's -1 as bpftool prints it. */
const MATCH = 0xffff_ffff;

type Direction = 'ingress' | 'egress';
interface Handed extends FrameOptions {
  direction: Direction;
  /** 0 by default. */
  priority?: number;
}

interface Seen {
  returned: number;
  /** The packet's priority afterwards. */
  priority: number;
  before: Buffer;
  after: Buffer;
}

interface Flow {
  key: { local_port: number; version: number };
  value: {
    host: number;
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
let template: Buffer;
beforeAll(async () => {
  guest = await sharedGuest();
  template = await readFile(join(checkoutRoot, 'bpf/pacing.o'));
});

/** Where `struct __sk_buff` has the priority. */
const PRIORITY_AT = 32;

interface Result {
  seen: Seen[];
  flows: Flow[];
  state: State;
}

function hand(...packets: readonly Handed[]): Promise<Result> {
  return handWith(CONFIG, packets);
}

/** All packets go to a program that was loaded for them, in one request, so that little time passes between them. */
async function handWith(config: PacingConfig, packets: readonly Handed[]): Promise<Result> {
  const object = configuredObject(template, config, SUFFIX).toString('base64');
  const context = ({ priority = 0 }: Handed): string => {
    const bytes = Buffer.alloc(PRIORITY_AT + 4);
    bytes.writeUInt32LE(priority, PRIORITY_AT);
    return bytes.toString('base64');
  };
  const frames = packets.map((packet) => frame(packet));
  const runs = packets.map(
    (packet, at) => `
    printf %s ${frames[at]?.toString('base64')} | base64 -d > $work/in
    printf %s ${context(packet)} | base64 -d > $work/context
    bpftool prog run pinned ${FOLDER}/pacing_${packet.direction} data_in $work/in data_out $work/out \\
      ctx_in $work/context ctx_out $work/context-out -j >&3
    echo >&3; base64 -w 0 $work/out >&3; echo >&3; base64 -w 0 $work/context-out >&3; echo >&3`,
  );
  const script = `set -eu; exec 3>&1 >&2; work=$(mktemp -d)
    end() { rm -rf $work ${FOLDER} /sys/fs/bpf/ig?_${SUFFIX}; }; trap end EXIT
    base64 -d > $work/pacing.o; bpftool prog loadall $work/pacing.o ${FOLDER} type classifier
    ${runs.join('')}
    bpftool map dump pinned /sys/fs/bpf/igf_${SUFFIX} -j >&3; echo >&3
    bpftool map dump pinned /sys/fs/bpf/igs_${SUFFIX} -j >&3`;
  const printed = await guest.run(['sh', '-c', script], { input: object });
  const lines = printed.split('\n').filter((line) => line !== '');
  const seen = frames.map((before, at) => ({
    returned: (JSON.parse(lines[3 * at] ?? '') as { retval: number }).retval,
    before,
    after: Buffer.from(lines[3 * at + 1] ?? '', 'base64'),
    priority: Buffer.from(lines[3 * at + 2] ?? '', 'base64').readUInt32LE(PRIORITY_AT),
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
    const most = (CONFIG.payloadBytesPerSec * (state.last_rtt_us + CONFIG.queueUs)) / 1e6;
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
  // On a line so slow that the field is too large whatever the round trip was taken for.
  const slow = { ...CONFIG, payloadBytesPerSec: 20_000 };
  const packets = [syn, { ...answer, options: OPTION.mss(1460) }, acknowledgement()];
  const { seen, flows } = await handWith(slow, packets);
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

const NOP = 1;
const SCALE = [3, 3, 7];
const SACK_PERMITTED = [4, 2];
const STAMP = OPTION.stamp(7, 0).slice(2);
const MULTIPATH = [30, 12, 1, 1, ...Array<number>(8).fill(7)];
test.each([
  ['Linux', [...OPTION.mss(1452), ...SACK_PERMITTED, ...STAMP, NOP, ...SCALE]],
  ['Windows', [...OPTION.mss(1452), NOP, ...SCALE, NOP, NOP, ...SACK_PERMITTED]],
  ['macOS', [...OPTION.mss(1452), NOP, ...SCALE, NOP, NOP, ...STAMP, ...SACK_PERMITTED, 0, 0]],
  [
    'Linux by several paths, all 40 bytes',
    [
      ...[...OPTION.mss(1452), ...SACK_PERMITTED, ...STAMP, NOP, ...SCALE, ...MULTIPATH],
      ...Array<number>(8).fill(NOP),
    ],
  ],
  ['what it takes first last', [...SCALE, ...SACK_PERMITTED, NOP, NOP, NOP, ...OPTION.mss(1452)]],
  ['an end, and behind it what is none', [...OPTION.mss(1452), ...SCALE, 0, 2, 4, 0, 9]],
] as const)('what a SYN announces is found where systems put it: %s', async (_, options) => {
  expect(options.length % 4).toBe(0);
  for (const family of [4, 6] as const) {
    const { flows } = await hand(out({ flags: SYN, window: 64240, family, options }));
    expect(flows.map(({ value }) => [value.mss, value.local_scale])).toEqual([[1452, 7]]);
  }
});

test('a SYN without options announces that it has none', async () => {
  const { flows } = await hand(out({ flags: SYN, window: 64240, options: [] }));
  expect(flows.map(({ value }) => [value.mss, value.local_scale])).toEqual([[0, 0xfe]]);
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

test('what opens a connection behind NAT says whose it is, and goes on to its class', async () => {
  const [syn] = handshake();
  if (syn === undefined) throw new Error('no SYN');
  const numbered = await hand({ ...syn, priority: HOST_NUMBERS.first + 77 });
  expect(numbered.seen[0]?.priority).toBe(OPENING_PRIORITY);
  const other = await hand({ ...syn, priority: HOST_NUMBERS.first + 78 });
  expect((other.flows[0]?.value.host ?? NaN) - (numbered.flows[0]?.value.host ?? NaN)).toBe(1);
  // Also where it is no segment that the program knows what to do with.
  const unread = await hand({ ...syn, options: [2, 0, 0, 0], priority: HOST_NUMBERS.first });
  expect([unread.seen[0]?.priority, unread.flows]).toEqual([OPENING_PRIORITY, []]);
});

test.each([0, OPENING_PRIORITY, HOST_NUMBERS.first - 1, HOST_NUMBERS.first + HOST_NUMBERS.count])(
  'a priority that is no number of a host stays: %i',
  async (priority) => {
    const { seen } = await hand(...handshake({}).map((packet) => ({ ...packet, priority })));
    expect(seen.map((packet) => packet.priority)).toEqual([priority, priority]);
  },
);

describe('three connections of one host beside one of another', () => {
  /** Less than the ten that one counts for that begins: all of these count whole. */
  const SEGMENTS = 9.8;
  const rate = Math.round((SEGMENTS * 1460) / (CONFIG.queueUs / 1e6));
  const OTHER = { address: '192.0.2.7', port: 41000 };

  /** The windows that each is given at last, in segments; those of the first host first. */
  async function windows(
    byHost: 0 | 1,
    other: Partial<FrameOptions>,
    priorities = [0, 0],
  ): Promise<number[]> {
    const connections = [0, 1, 2, 3].map((number) => {
      const more = number < 3 ? { from: { ...HERE[4], port: 40_000 + number } } : other;
      const priority = priorities[number < 3 ? 0 : 1] ?? 0;
      const [syn, answer] = handshake();
      if (syn === undefined || answer === undefined) throw new Error('no handshake');
      return {
        opening: [
          { ...syn, ...more, priority },
          { ...answer, to: more.from ?? answer.to },
          acknowledgement(more),
        ],
        last: acknowledgement(more),
      };
    });
    const packets = [
      ...connections.flatMap(({ opening }) => opening),
      ...connections.map(({ last }) => last),
    ];
    // How long this machine takes from one packet to the next is no round trip.
    const config = { ...CONFIG, byHost, payloadBytesPerSec: rate, maxRttUs: 1 };
    const { seen } = await handWith(config, packets);
    return seen
      .slice(-connections.length)
      .map(
        ({ after }, at) =>
          (after.readUInt16BE(tcpOffset(packets.at(at - 4) ?? acknowledgement()) + WINDOW_OFFSET) << 7) /
          1460,
      )
      .map(Math.round);
  }

  test('share what their host gets, which is half, for the twice as long that its turn takes', async () => {
    expect(await windows(1, { from: OTHER })).toEqual([4, 4, 4, 10]);
  });
  test('the same behind NAT, where both have one address', async () => {
    const port = { from: { ...HERE[4], port: 40_003 } };
    expect(await windows(1, port, [HOST_NUMBERS.first + 1, HOST_NUMBERS.first + 2])).toEqual([4, 4, 4, 10]);
    expect(await windows(1, port)).toEqual([3, 3, 3, 3]);
  });
  test('are four that share, where flows do', async () => {
    expect(await windows(0, { from: OTHER })).toEqual([3, 3, 3, 3]);
  });
});

describe('UDP, while more comes in than DOWN', () => {
  const SLOW: PacingConfig = { ...CONFIG, lineBytesPerSec: 2000 };
  /** Three in a row: at most the second and the third can be lost, for the first may be all that comes. */
  const three = (more: Partial<FrameOptions> = {}): Handed[] =>
    Array.from({ length: 3 }, () => back({ flags: 0, window: 0, payloadBytes: 1400, protocol: 17, ...more }));

  test.each([
    { family: 4, lengthAt: 16 },
    { family: 6, lengthAt: 18 },
  ] as const)(
    'IPv$family: a sender loses a packet behind the local queue, where IP finds it too short',
    async ({ family, lengthAt }) => {
      const { seen } = await handWith(SLOW, three({ family }));
      const [first, second] = seen;
      expect([first?.returned, second?.returned]).toEqual([NO_MATCH, MATCH]);
      expect(first?.after).toEqual(first?.before);
      const spoilt = Buffer.from(second?.before ?? '');
      spoilt.writeUInt16BE(0xffff, lengthAt);
      expect(second?.after).toEqual(spoilt);
    },
  );

  test.each([
    ['a sender that takes marks', SLOW, { ecn: 2 }],
    ['the same by IPv6', SLOW, { ecn: 1, family: 6 }],
    ['small packets', SLOW, { payloadBytes: 150 }],
    ['fragments', SLOW, { fragment: 0x2000 }],
    ['a line that is not full', { ...CONFIG, lineBytesPerSec: 2e9 }, {}],
    ['TCP', SLOW, { protocol: 6, flags: ACK }],
  ] as const)('loses nothing: %s', async (_, config, more) => {
    const { seen } = await handWith(config, three(more));
    for (const { returned, before, after } of seen) {
      expect(returned).toBe(NO_MATCH);
      expect(after).toEqual(before);
    }
  });
});
