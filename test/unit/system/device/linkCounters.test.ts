import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { LinkCounters } from '../../../../src/system/device/linkCounters.ts';

it('counters of a device are those of now, each time', async () => {
  const counters = new LinkCounters('lo');
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  try {
    await once(socket, 'listening');
    const before = counters.read();
    socket.send(Buffer.alloc(1000), socket.address().port, '127.0.0.1');
    await once(socket, 'message');
    const after = counters.read();
    expect(after.txPackets - before.txPackets).toBeGreaterThanOrEqual(1);
    expect(after.txBytes - before.txBytes).toBeGreaterThanOrEqual(1028);
    expect(after.rxBytes - before.rxBytes).toBeGreaterThanOrEqual(1028);
  } finally {
    socket.close();
    counters.close();
  }
});

it('a device that is not there', () => {
  expect(() => new LinkCounters('gone9').read()).toThrow('gone9 went away');
});
