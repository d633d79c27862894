/** Shares of clients with many connections each, and limits above limits. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Group } from '../../../../src/relay/scheduler/flows.ts';
import { Simulation, type Source } from './simulation.ts';

const WARM_UP_MS = 2000;
const WINDOW_MS = 10_000;

/** Bytes per second of a client's connections in the window. */
function rateOf(sim: Simulation, sources: readonly Source[]): number {
  let sum = 0;
  for (const { atMs, bytes, source } of sim.grants)
    if (atMs > WARM_UP_MS && sources.includes(source)) sum += bytes;
  return sum / (WINDOW_MS / 1000);
}

/** A client with so many connections, all of which send what they can. */
function client(sim: Simulation, groups: readonly Group[], connections: number): Source[] {
  const share = sim.scheduler.addShare();
  return Array.from({ length: connections }, () => sim.add(groups, Infinity, share));
}

const LIMIT = 100_000;

/** Runs clients that want so much each (undefined: all they can get) under one limit; gives what each got. */
function under(
  of: 'the process' | 'a forwarder' | 'several forwarders',
  clients: readonly { readonly connections: number; readonly cap?: number | undefined }[],
): number[] {
  const sim = new Simulation();
  const all = sim.scheduler.addGroup(0);
  const forwarders = [sim.scheduler.addGroup(0), sim.scheduler.addGroup(0)] as const;
  if (of === 'the process') sim.scheduler.setLimit(LIMIT, 0);
  if (of === 'a forwarder') sim.scheduler.setGroupLimit(forwarders[0], LIMIT, 0);
  if (of === 'several forwarders') sim.scheduler.setGroupLimit(all, LIMIT, 0);
  const sources = clients.map(({ connections, cap }, index) => {
    const own = sim.scheduler.addGroup(0);
    sim.scheduler.setGroupLimit(own, cap, 0);
    const forwarder = of === 'a forwarder' ? forwarders[0] : forwarders[index % 2 === 0 ? 0 : 1];
    return client(sim, [forwarder, all, own], connections);
  });
  sim.runUntil(WARM_UP_MS + WINDOW_MS);
  return sources.map((each) => rateOf(sim, each));
}

/** Max-min: what each gets of the limit, if none gets more than its cap. */
function maxMin(limit: number, caps: readonly number[]): number[] {
  const got = caps.map(() => 0);
  let open = caps.map((_, index) => index);
  let left = limit;
  while (open.length > 0) {
    const each = left / open.length;
    const full = open.filter((index) => (caps[index] ?? 0) <= each);
    for (const index of full.length > 0 ? full : open) {
      got[index] = Math.min(each, caps[index] ?? 0);
      left -= got[index] ?? 0;
    }
    if (full.length === 0) break;
    open = open.filter((index) => !full.includes(index));
  }
  return got;
}

const LIMITS = ['the process', 'a forwarder', 'several forwarders'] as const;

describe('clients share the limit', () => {
  it.each(LIMITS)('of %s alike: one connection beside nine is a half', (of) => {
    const [one = 0, nine = 0] = under(of, [{ connections: 1 }, { connections: 9 }]);
    expect(one / LIMIT).toBeCloseTo(0.5, 2);
    expect(nine / LIMIT).toBeCloseTo(0.5, 2);
  });

  it.each(LIMITS)(
    'of %s within 4 per cent, whatever their number of connections and their caps, and all of it',
    (of) => {
      fc.assert(
        fc.property(
          fc.array(
            fc.record({
              connections: fc.integer({ min: 1, max: 12 }),
              cap: fc.option(fc.integer({ min: 5000, max: 80_000 }), { nil: undefined }),
            }),
            { minLength: 2, maxLength: 6 },
          ),
          (clients) => {
            const got = under(of, clients);
            const wanted = maxMin(
              LIMIT,
              clients.map(({ cap }) => cap ?? Infinity),
            );
            for (const [index, bytesPerSec] of got.entries()) {
              const want = wanted[index] ?? 0;
              expect(Math.abs(bytesPerSec - want), JSON.stringify({ clients, got, wanted })).toBeLessThan(
                // Nearly always within 3 per cent; least where a client's own limit is just below what it would have.
                0.04 * want + 300,
              );
            }
            const sum = (rates: readonly number[]): number => rates.reduce((a, b) => a + b, 0);
            expect(sum(got)).toBeGreaterThan(0.99 * sum(wanted));
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it('and within a client its connections are equal', () => {
    const sim = new Simulation();
    sim.scheduler.setLimit(LIMIT, 0);
    const many = client(sim, [], 8);
    client(sim, [], 1);
    sim.runUntil(WARM_UP_MS + WINDOW_MS);
    for (const each of many) expect(Math.abs(rateOf(sim, [each]) / 6250 - 1)).toBeLessThan(0.03);
  });

  it('what a capped connection of a client leaves, its others have', () => {
    const sim = new Simulation();
    sim.scheduler.setLimit(LIMIT, 0);
    const mixed = client(sim, [], 3);
    const other = client(sim, [], 1);
    for (const { flow } of mixed.slice(1)) sim.scheduler.setFlowLimit(flow, 1000, 0);
    sim.runUntil(WARM_UP_MS + WINDOW_MS);
    expect(Math.abs(rateOf(sim, mixed) / 50_000 - 1)).toBeLessThan(0.03);
    expect(Math.abs(rateOf(sim, other) / 50_000 - 1)).toBeLessThan(0.03);
  });

  it('a keystroke of a client waits no longer than a few slices beside its own and others’ downloads', () => {
    const sim = new Simulation();
    sim.scheduler.setLimit(20_000, 0);
    const share = sim.scheduler.addShare();
    sim.add([], Infinity, share);
    client(sim, [], 5);
    const keys = sim.add([], 0, share);
    sim.runUntil(3000);
    const waits: number[] = [];
    for (let i = 0; i < 20; i++) {
      const fromMs = sim.nowMs;
      sim.queue(keys, 50);
      sim.runUntil(fromMs + 700);
      const sent = sim.grants.find(({ source, atMs }) => source === keys && atMs >= fromMs);
      waits.push((sent?.atMs ?? Infinity) - fromMs);
    }
    // A round of two clients: two segments of 72 ms.
    expect(Math.max(...waits)).toBeLessThanOrEqual(150);
  });
});

describe('limits above limits', () => {
  it('use all there is: the lowest sum of caps on the way', () => {
    fc.assert(
      fc.property(
        fc.record({
          root: fc.option(fc.integer({ min: 20_000, max: 200_000 }), { nil: undefined }),
          all: fc.option(fc.integer({ min: 20_000, max: 200_000 }), { nil: undefined }),
          forwarders: fc.tuple(
            fc.integer({ min: 5000, max: 100_000 }),
            fc.integer({ min: 5000, max: 100_000 }),
          ),
          connections: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 })),
        }),
        ({ root, all, forwarders, connections }) => {
          const sim = new Simulation();
          sim.scheduler.setLimit(root, 0);
          const above = sim.scheduler.addGroup(0);
          sim.scheduler.setGroupLimit(above, all, 0);
          const sources = forwarders.map((limit, index) => {
            const group = sim.scheduler.addGroup(0);
            sim.scheduler.setGroupLimit(group, limit, 0);
            return Array.from({ length: connections[index] ?? 1 }, () => sim.add([group, above]));
          });
          sim.runUntil(WARM_UP_MS + WINDOW_MS);
          const got = sources.map((each) => rateOf(sim, each));
          const most = Math.min(root ?? Infinity, all ?? Infinity, forwarders[0] + forwarders[1]);
          const sum = (got[0] ?? 0) + (got[1] ?? 0);
          expect(sum, JSON.stringify(got)).toBeGreaterThan(0.97 * most);
          expect(sum).toBeLessThan(1.02 * most + 300);
          for (const [index, limit] of forwarders.entries())
            expect(got[index]).toBeLessThan(1.02 * limit + 300);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('one that moves to another share and other limits goes on with what it has to send', () => {
    const sim = new Simulation();
    sim.scheduler.setLimit(LIMIT, 0);
    const slow = sim.scheduler.addGroup(0);
    sim.scheduler.setGroupLimit(slow, 1000, 0);
    const source = sim.add(slow);
    sim.runUntil(1000);
    sim.scheduler.moveFlow(source.flow, [], sim.nowMs);
    const before = source.sentBytes;
    sim.runUntil(2000);
    expect(source.sentBytes - before).toBeGreaterThan(0.95 * LIMIT);
  });
});
