/**
 * What the pacing program takes for the least round trip of a connection when they have become longer: packets are handed to it
 * by `bpftool prog run` at chosen times, in the guest's own.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { OPTION, tcpOffset } from './frames.ts';
import type { Guest } from './guest.ts';
import { sharedGuest } from './sharedGuest.ts';
import { ACK, at, back, handed, handshake, out, SUFFIX, withProgram } from './timedPackets.ts';

const WINDOW_OFFSET = 14;

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
});

const ACKNOWLEDGEMENT = out({ flags: ACK, window: 60000, seq: 100, ack: 500, options: OPTION.stamp(0, 0) });

/** An acknowledgement goes out, and so long afterwards a segment comes in that answers its timestamp. */
function roundTrip(stamp: number, ms: number): string {
  return `
    ${handed('egress', { ...ACKNOWLEDGEMENT, options: OPTION.stamp(stamp, 0) })}
    sleep ${ms / 1000}
    ${handed('ingress', back({ flags: ACK, window: 65535, seq: 500, ack: 100, payloadBytes: 1400, options: OPTION.stamp(0, stamp) }))}`;
}

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
  const printed = await withProgram(guest, [
    at(8),
    handshake(),
    at(2),
    roundTrip(1, 200),
    at(9),
    roundTrip(2, 200),
    at(0.05),
    roundTrip(3, 200),
    handed('egress', ACKNOWLEDGEMENT),
    SHOW_PACKET,
    roundTrip(4, probedMs),
    at(3),
    roundTrip(5, 200),
    handed('egress', ACKNOWLEDGEMENT),
    SHOW_PACKET,
    SHOW,
  ]);
  const [during = '', after = '', state = ''] = printed;
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
