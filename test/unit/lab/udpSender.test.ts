/** The lab's UDP sender does what the benchmark says of it: it fills a link, shares it, and yields to loss. */
import { describe, expect, it } from 'vitest';
import { SenderFlow, type LossBased } from '../../lab/agent/udpSender.ts';

const RTT_MS = 40;
const PACKETS_PER_MS = 0.5;
const QUEUE_PACKETS = 30;

/** One flow over a link of 500 packets a second with a short queue; gives what arrived, per second, and window peaks. */
function overLink(congestion: LossBased, seconds: number, dropAll = (_nowMs: number) => false) {
  const places = new Set<number>();
  const acks: { atMs: number; number: number }[] = [];
  let nowMs = 0;
  let freeMs = 0;
  let sent = 0;
  const flow = new SenderFlow({ congestion, packetBytes: 1350, maxAckDelayMs: 25 }, ({ number, place }) => {
    sent += 1;
    const queued = Math.max(0, freeMs - nowMs) * PACKETS_PER_MS;
    if (queued > QUEUE_PACKETS || dropAll(nowMs)) return;
    freeMs = Math.max(freeMs, nowMs) + 1 / PACKETS_PER_MS;
    places.add(place);
    acks.push({ atMs: freeMs + RTT_MS, number });
  });
  flow.acknowledge([], 0);
  const windows: number[] = [];
  for (; nowMs < seconds * 1000; nowMs += 1) {
    while ((acks[0]?.atMs ?? Infinity) <= nowMs) flow.acknowledge([acks.shift()?.number ?? 0], nowMs);
    if (nowMs % 5 === 0) flow.tick(nowMs);
    windows.push(flow.window);
  }
  return { perSecond: places.size / seconds, sent, arrived: places.size, windows };
}

describe.each(['reno', 'cubic'] as const)('%s over UDP', (congestion) => {
  it('fills a link whose queue it overflows again and again, and sends little twice', () => {
    const { perSecond, sent, arrived, windows } = overLink(congestion, 60);
    expect(perSecond).toBeGreaterThan(450);
    expect(perSecond).toBeLessThanOrEqual(501);
    expect(sent).toBeLessThan(arrived * 1.05);
    const reductions = windows.filter((window, index) => window < (windows[index - 1] ?? 0) * 0.8);
    expect(reductions.length).toBeGreaterThan(2);
  });

  it('comes down to two packets while nothing arrives, and recovers', () => {
    const { windows, perSecond } = overLink(congestion, 40, (nowMs) => nowMs > 10_000 && nowMs < 14_000);
    expect(windows[13_900]).toBe(2);
    expect(perSecond).toBeGreaterThan(300);
  });
});
