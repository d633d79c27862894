import { describe, expect, it } from 'vitest';
import {
  bytesIn,
  fqCodelParameters,
  htbBurstBytes,
  htbQuantumBytes,
  policeBurstBytes,
} from '../../../../src/plan/numbers/arithmetic.ts';
import { defaultFraming, framedBytes } from '../../../../src/plan/input/framing.ts';

const ethernet = defaultFraming('ethernet', { upBitPerSec: 1e6, downBitPerSec: 1e7 });
const FULL = 1500;

it('a rate carries so many bytes in so many ms, the last one counted whole', () => {
  expect(bytesIn(1_000_000, 8)).toBe(1000);
  expect(bytesIn(1_000_001, 8)).toBe(1001);
});

describe('a bucket', () => {
  it('of a policer has what is wanted, and a tick of 64 ns more, which tc rounds off', () => {
    expect(policeBurstBytes(ethernet, 1_000_000, FULL, 10_000)).toBe(10_002);
    // 64 ns of 10 Gbit/s are 80 bytes.
    expect(policeBurstBytes(ethernet, 10e9, FULL, 10_000)).toBe(10_081);
  });
  it('of a policer holds two of the longest packets, of HTB one', () => {
    const packet = framedBytes(ethernet, FULL);
    expect(policeBurstBytes(ethernet, 1_000_000, FULL, 0)).toBe(2 * packet + 2);
    expect(htbBurstBytes(ethernet, 1_000_000, FULL)).toBe(packet + 2);
    expect(htbQuantumBytes(ethernet, 1_000_000, FULL)).toBe(packet);
  });
  it('of HTB has a millisecond of a fast line', () => {
    expect(htbBurstBytes(ethernet, 1e9, FULL)).toBe(125_000 + 9);
    expect(htbQuantumBytes(ethernet, 1e9, FULL)).toBe(125_000);
  });
});

describe('fq_codel', () => {
  const quantum = (rateBitPerSec: number) => fqCodelParameters(ethernet, rateBitPerSec, FULL).quantumBytes;
  it('lets small packets pass between large ones below 100 Mbit/s', () => {
    expect(quantum(99_999_999)).toBe(300);
    // Above it, a packet with its Ethernet header, as the kernel has it by itself.
    expect(quantum(100e6)).toBe(FULL + 14);
  });
  it('waits for a packet and a half where that takes longer than 5 ms, and looks for as much longer', () => {
    const fast = fqCodelParameters(ethernet, 100e6, FULL);
    expect([fast.targetUs, fast.intervalUs]).toEqual([5000, 100_000]);
    const slow = fqCodelParameters(ethernet, 1_000_000, FULL);
    expect(slow.targetUs).toBeGreaterThan(18_000);
    expect(slow.intervalUs - slow.targetUs).toBe(95_000);
  });
  it('holds a second of the rate, 64 packets at least and 10240 at most', () => {
    const limit = (rateBitPerSec: number) => fqCodelParameters(ethernet, rateBitPerSec, FULL).limitPackets;
    expect(limit(64_000)).toBe(64);
    expect(limit(10e9)).toBe(10_240);
    expect(limit(12_000_000)).toBeGreaterThan(950);
    expect(limit(12_000_000)).toBeLessThan(1000);
  });
});
