/** Two looks at all connections: who has grown, within bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Look, type Remembered } from '../../../../src/report/flows/look.ts';
import { connectionOf } from '../../../../src/report/flows/messages.ts';
import { behindNat, messageOf } from './someConnections.ts';

const message = (n: number, openedBytes?: number, answeredBytes?: number, isOffloaded = false): Buffer =>
  messageOf({ connection: behindNat(n), id: n, openedBytes, answeredBytes, isOffloaded });

function look(
  messages: readonly Buffer[],
  before?: Remembered,
  most?: { remembered: number; lookedAt: number },
): Look {
  const taken = new Look(true, before, most);
  for (const each of messages) taken.take(each);
  return taken;
}
const growths = (taken: Look): number[][] =>
  taken.largest().map(({ openedGrowth, answeredGrowth }) => [openedGrowth, answeredGrowth]);

describe('a look after another one', () => {
  const before = look([message(1, 100, 1000), message(2, 5, 5), message(3, 70, 70)]).remembered(true);
  it('tells who has grown, by how much, most first', () => {
    const now = look([message(1, 150, 1000), message(2, 5, 5), message(3, 70, 9000)], before);
    expect(growths(now)).toEqual([
      [0, 8930],
      [50, 0],
    ]);
    expect([now.connections, now.active, now.uncounted, now.unknown]).toEqual([3, 2, 0, 0]);
    const [first] = now.largest();
    expect(connectionOf(first?.message ?? Buffer.alloc(0), true)).toEqual(behindNat(3));
    expect([first?.openedBytes, first?.answeredBytes]).toEqual([70, 9000]);
  });
  it('takes all of one that was not there before, and of one that begins anew', () => {
    expect(growths(look([message(4, 30, 40), message(2, 4, 9)], before))).toEqual([
      [30, 40],
      [4, 4],
    ]);
  });
  it('does not guess where not all were told before', () => {
    const part = look([message(1, 100, 1000)]).remembered(false);
    const now = look([message(1, 101, 1000), message(4, 30, 40)], part);
    expect([growths(now), now.unknown]).toEqual([[[1, 0]], 1]);
  });
  it('says whose bytes nobody counts: an idle one of a flowtable as well', () => {
    const offloaded = look([message(1, 100, 1000, true)]).remembered(true);
    const now = look([message(1, 100, 1000, true), message(9)], offloaded);
    expect([now.connections, now.active, now.uncounted]).toEqual([2, 0, 2]);
    expect(look([message(1, 100, 1001, true)], offloaded).uncounted).toBe(0);
  });
  it('counts one once that the kernel tells twice', () => {
    const now = look([message(1, 150, 1000), message(1, 150, 1000)], before);
    expect([growths(now), now.connections, now.active]).toEqual([[[50, 0]], 1, 1]);
  });
  it('is the first one: nobody has grown', () => {
    expect(look([message(1, 100, 1000)]).largest()).toEqual([]);
  });
});

it('those that grew most are kept, however many there are and in whatever order they come', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      (grown, lookedAt) => {
        const most = { remembered: 1000, lookedAt };
        const before = look(
          grown.map((_, n) => message(n, 10, 20)),
          undefined,
          most,
        );
        const now = look(
          grown.map((by, n) => message(n, 10 + by, 20)),
          before.remembered(true),
          most,
        );
        const expected = grown.filter((by) => by > 0).toSorted((one, other) => other - one);
        expect(growths(now)).toEqual(expected.slice(0, lookedAt).map((by) => [by, 0]));
        expect(now.active).toBe(expected.length);
      },
    ),
  );
});

it('of many connections no more are remembered and kept than it is told, and it says that it did not see all', () => {
  const most = { remembered: 4000, lookedAt: 50 };
  const all = (bytes: number): Buffer[] => Array.from({ length: 10_000 }, (_, n) => message(n, bytes + n, 0));
  const before = look(all(1), undefined, most).remembered(true);
  expect([before.counts.size, before.isWhole]).toEqual([4000, false]);
  const now = look(all(2), before, most);
  expect(now.largest()).toHaveLength(50);
  expect([now.connections, now.active, now.unknown]).toEqual([10_000, 4000, 6000]);
});
