/**
 * The queue of the downlink as the pacing program sees it in the timestamps of what comes in: segments that were sent at chosen
 * times are handed to it, on time or late.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { followingValue } from '../../src/plan/pacing/arrivals.ts';
import { FOLLOWING_LAYOUT } from '../../src/plan/pacing/pacingLayout.ts';
import { OPTION, tcpOffset } from './frames.ts';
import type { Guest } from './guest.ts';
import { sharedGuest } from './sharedGuest.ts';
import { ACK, at, back, CONFIG, handed, handshake, out, SUFFIX, withProgram } from './timedPackets.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  // What reads its programs from the host for the first time takes longer than the times below leave it.
  await withProgram(guest, [at(BEGIN_SEC), handshake(), segment({ atSec: BEGIN_SEC + 1 }, 1), SHOW]);
});

const BEGIN_SEC = 7;
const LATE_MS = 100;

/** One that comes in so long after the beginning of a slot, which may be a later one, and was sent so much earlier. */
interface Arrival {
  atSec: number;
  lateMs?: number;
}

function segment({ atSec, lateMs = 0 }: Arrival, tickMs: number): string {
  const stamp = 1_000_000 + Math.round(((atSec - BEGIN_SEC) * 1000 - lateMs) / tickMs);
  const options = OPTION.stamp(stamp, 0);
  const words = { flags: ACK, window: 65535, seq: 500, ack: 100, payloadBytes: 1400, options };
  return `${at(atSec % 10)}
    ${handed('ingress', back(words))}`;
}

interface Bucket {
  number: number;
  bytes: number;
  packets: number;
  delays: number;
  least_delay_us: number;
}

const SHOW = `bpftool map dump pinned /sys/fs/bpf/igb_${SUFFIX} -j | tr -d '\\n' >&3; echo >&3`;
const forgetNow = (): string => {
  const value = followingValue({
    ...{ payloadBytesPerSec: 0, plannedBytesPerSec: 0, queueUs: 0, forgetBeforeNs: 0n },
  });
  const { forget_before_ns: place } = FOLLOWING_LAYOUT.at;
  const [before, after] = [value.subarray(0, place), value.subarray(place + 8)].map((part) => part.join(' '));
  // The clock's own bytes in place of the zeros.
  return `now=$(awk '{ ns = int($1 * 1000) * 1000000; for (n = 0; n < 8; n++) { printf "%d ", ns % 256; ns = int(ns / 256) } }' /proc/uptime)
    bpftool map update pinned /sys/fs/bpf/igr_${SUFFIX} key 0 0 0 0 value ${before} $now ${after}`;
};

/** What the buckets hold in which something came in, oldest first; shown as often as they would be overwritten. */
async function arrivals(lines: readonly string[], follows = true): Promise<Bucket[]> {
  const config = follows ? { ...CONFIG, follows: 1 as const } : CONFIG;
  const printed = await withProgram(guest, [at(BEGIN_SEC), handshake(), ...lines], config);
  const seen = new Map<number, Bucket>();
  for (const line of printed) {
    const dumped = JSON.parse(line) as { formatted: { value: Bucket } }[];
    for (const { formatted } of dumped) {
      if (formatted.value.packets > 0) seen.set(formatted.value.number, formatted.value);
    }
  }
  return [...seen.values()].sort((one, other) => one.number - other.number);
}

/** The least delays in milliseconds, of the buckets that have one. */
const delaysMs = (buckets: readonly Bucket[]): number[] =>
  buckets.filter(({ delays }) => delays > 0).map((bucket) => bucket.least_delay_us / 1000);

/** To start a program takes this machine as long, at most, and a coarse clock is as much off. */
const OFF_MS = 30;

describe.each([1, 4, 10])('a clock with ticks of %i ms', (tickMs) => {
  test('is known after 400 ms, and then tells what comes late', async () => {
    const times: Arrival[] = [
      { atSec: 7.5 },
      { atSec: 7.8 },
      { atSec: 8.2 },
      { atSec: 8.6, lateMs: LATE_MS },
    ];
    const buckets = await arrivals([...times.map((each) => segment(each, tickMs)), SHOW]);
    const [onTime, late, ...others] = delaysMs(buckets);
    expect(others).toEqual([]);
    expect(onTime).toBeLessThan(OFF_MS);
    expect(late).toBeGreaterThan(LATE_MS - OFF_MS);
    expect(late).toBeLessThan(LATE_MS + OFF_MS);
  });
});

test('a clock with ticks that nobody has is left out, and what came in by it counts all the same', async () => {
  const times: Arrival[] = [{ atSec: 7.5 }, { atSec: 8.2 }, { atSec: 8.9 }, { atSec: 9.5, lateMs: LATE_MS }];
  const buckets = await arrivals([...times.map((each) => segment(each, 2.3)), SHOW]);
  expect(delaysMs(buckets)).toEqual([]);
  const bytes = buckets.reduce((sum, each) => sum + each.bytes, 0);
  // Ethernet, IPv4, TCP and the timestamps; the SYN-ACK has 8 bytes of options.
  expect(bytes).toBe(times.length * (14 + 20 + 20 + 12 + 1400) + (14 + 20 + 20 + 8));
});

test('what was the least stays while a queue stands, until it is said that the way has become longer', async () => {
  const late = [8.6, 12, 19, 22, 29, 32].map((atSec) => ({ atSec, lateMs: LATE_MS }));
  const known = [{ atSec: 7.5 }, { atSec: 8.2 }];
  const buckets = await arrivals([
    ...[...known, ...late].flatMap((each) => [segment(each, 1), SHOW]),
    forgetNow(),
    ...[33, 34].map((atSec) => segment({ atSec, lateMs: LATE_MS }, 1)),
    SHOW,
  ]);
  const delays = delaysMs(buckets);
  expect(delays).toHaveLength(1 + late.length + 2);
  for (const delay of delays.slice(1, -2)) {
    expect(delay).toBeGreaterThan(LATE_MS - OFF_MS);
    expect(delay).toBeLessThan(LATE_MS + OFF_MS);
  }
  for (const delay of delays.slice(-2)) expect(delay).toBeLessThan(OFF_MS);
});

test('nothing is taken down where no rate follows', async () => {
  const times: Arrival[] = [{ atSec: 7.5 }, { atSec: 8.2 }];
  expect(await arrivals([...times.map((each) => segment(each, 1)), SHOW], false)).toEqual([]);
});

describe('the rate that is set in the map', () => {
  const WINDOW_OFFSET = 14;
  const ACKNOWLEDGEMENT = out({ flags: ACK, window: 60000, seq: 100, ack: 500, options: OPTION.stamp(0, 0) });
  /** The window of an acknowledgement, in units of 128 bytes, where that is said for a plan with so much of user data. */
  async function windowWhere(plannedBytesPerSec: number, follows = true): Promise<number> {
    const said = followingValue({
      ...{ payloadBytesPerSec: CONFIG.payloadBytesPerSec * 10, plannedBytesPerSec },
      ...{ queueUs: CONFIG.queueUs, forgetBeforeNs: 0n },
    });
    const [packet = ''] = await withProgram(
      guest,
      [
        handshake(),
        `bpftool map update pinned /sys/fs/bpf/igr_${SUFFIX} key 0 0 0 0 value ${said.join(' ')}`,
        handed('egress', ACKNOWLEDGEMENT),
        'base64 -w 0 $work/out >&3; echo >&3',
      ],
      follows ? { ...CONFIG, follows: 1 } : CONFIG,
    );
    return Buffer.from(packet, 'base64').readUInt16BE(tcpOffset(ACKNOWLEDGEMENT) + WINDOW_OFFSET);
  }

  test('stands for the plan that it was set for, where the rate follows', async () => {
    const planned = await windowWhere(CONFIG.payloadBytesPerSec, false);
    expect(await windowWhere(CONFIG.payloadBytesPerSec)).toBeGreaterThan(planned * 5);
    expect(await windowWhere(CONFIG.payloadBytesPerSec + 1)).toBeLessThan(planned * 1.5);
  });
});
