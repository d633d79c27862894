import fc from 'fast-check';
import type { Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { listen, type Network, portOf, startRelay } from '../forwarding/network.ts';
import { Acceptor, runPlan, type SidePlan, type StreamPlan } from '../streams.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ write: fc.integer({ min: 1, max: 400_000 }) }) },
  { weight: 1, arbitrary: fc.record({ waitMs: fc.integer({ min: 0, max: 5 }) }) },
);

/** A reset is only judged on the other side if that side still reads: it ends its own stream later. */
const endings = fc.constantFrom<['end' | 'reset', 'end' | 'reset']>(
  ['end', 'end'],
  ['end', 'end'],
  ['reset', 'end'],
  ['end', 'reset'],
);

const plans: fc.Arbitrary<StreamPlan> = fc
  .record({
    seed: fc.nat(0x7fff_ffff),
    client: fc.array(step, { maxLength: 8 }),
    server: fc.array(step, { maxLength: 8 }),
    endings,
  })
  .map(({ seed, client, server, endings: [clientEnds, serverEnds] }) => {
    const side = (steps: SidePlan['steps'], ending: 'end' | 'reset'): SidePlan => ({ steps, ending });
    return { seed, client: side(client, clientEnds), server: side(server, serverEnds) };
  });

const change = fc.constantFrom(
  'set bandwidth 0',
  'set bandwidth 2mb',
  'set bandwidth 50mb',
  'set bandwidth_up 1mb',
  'set bandwidth_up 0',
  'set forwarder 1 bandwidth 3mb',
  'set forwarder 1 bandwidth 0',
  'set forwarder 1 conn_down 1mb',
  'set forwarder 1 conn_down 0',
  'set fault 1 latency 3ms jitter 3ms',
  'set fault 1 stall 5ms/20ms',
  'set fault 1 slow_close 5ms',
  'set fault 1 off',
);

describe('byte streams through the relay', () => {
  let server: Server;
  let network: Network;
  let acceptor: Acceptor;

  beforeAll(async () => {
    server = await listen(() => undefined);
    acceptor = new Acceptor(server);
    network = await startRelay(portOf(server));
  });

  afterAll(async () => {
    await network.end();
    server.close();
  });

  it('every byte arrives in order and every ending as it was sent, whatever is changed meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(plans, { minLength: 1, maxLength: 4 }),
        fc.array(change, { maxLength: 3 }),
        async (some, changes) => {
          const run = async (): Promise<string[]> => {
            const wrong: string[] = [];
            for (const plan of some) wrong.push(...(await runPlan(plan, network.port, acceptor)));
            return wrong;
          };
          const running = run();
          for (const line of changes) {
            await new Promise((resolve) => setTimeout(resolve, 3));
            const reply = await execute(network.relay, line);
            expect(reply.ok, reply.text).toBe(true);
          }
          expect(await running).toEqual([]);
        },
      ),
      { numRuns: 80, endOnFailure: true, interruptAfterTimeLimit: 40_000 },
    );
    // Connections that ended are gone: nothing lingers.
    await expect.poll(() => network.relay.connections.size).toBe(0);
  });
});
