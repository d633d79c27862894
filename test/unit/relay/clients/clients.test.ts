import { describe, expect, it } from 'vitest';
import { clientOf } from '../../../../src/relay/clients/address.ts';
import { Clients, MOST_NAMED } from '../../../../src/relay/clients/clients.ts';
import { Scheduler } from '../../../../src/relay/scheduler/scheduler.ts';

const make = (): Clients => new Clients({ up: new Scheduler(0), down: new Scheduler(0) });

describe('a client', () => {
  it.each([
    ['192.0.2.1', 64, '192.0.2.1'],
    ['::ffff:192.0.2.1', 64, '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', 64, '2001:db8:1:2::/64'],
    ['2001:db8:1:2::5', 48, '2001:db8:1::/48'],
    ['2001:db8:ffff::1', 33, '2001:db8:8000::/33'],
    ['2001:db8::1', 128, '2001:db8::1'],
    ['2001:db8::1', 1, '::/1'],
    ['fe80::1%eth0', 128, 'fe80::1'],
    ['::1', 64, '::/64'],
    ['64:ff9b::192.0.2.1', 128, '64:ff9b::c000:201'],
  ])('%s with /%d is %s', (address, bits, client) => {
    expect(clientOf(address, bits)).toBe(client);
  });
});

describe('how many are counted by name is bounded', () => {
  it('and all others are counted together, no byte is lost', () => {
    const clients = make();
    const open = Array.from({ length: MOST_NAMED + 50 }, (_, index) =>
      clients.enter(`192.0.2.${index}`, undefined),
    );
    for (const client of open) client.counts.bytes.down += 10;
    expect(clients.named.size).toBe(MOST_NAMED);
    expect(clients.others).toEqual({
      openConnections: 50,
      totalConnections: 50,
      bytes: { up: 0, down: 500 },
    });
    for (const client of open) clients.leave(client);
    // Those that come now take the names of those that are gone.
    for (let index = 0; index < 30; index++) clients.enter(`198.51.100.${index}`, undefined);
    expect(clients.named.size).toBe(MOST_NAMED);
    const named = [...clients.named.values()].reduce((sum, { bytes }) => sum + bytes.down, 0);
    expect(named + clients.others.bytes.down).toBe((MOST_NAMED + 50) * 10);
    expect([...clients.open]).toHaveLength(30);
  });

  it('and one that comes back goes on with what it had', () => {
    const clients = make();
    const first = clients.enter('192.0.2.1', undefined);
    first.counts.bytes.up += 7;
    clients.leave(first);
    expect(clients.enter('192.0.2.1', undefined).counts).toEqual({
      openConnections: 1,
      totalConnections: 2,
      bytes: { up: 7, down: 0 },
    });
  });
});
