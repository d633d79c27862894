import { readdirSync, readlinkSync } from 'node:fs';
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
  expect(() => new LinkCounters('gone9')).toThrow('gone9 went away');
});

it('its files are closed with it, once', () => {
  const open = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => targetOf(fd).includes('/statistics/')).length;
  const counters = new LinkCounters('lo');
  counters.read();
  expect(open()).toBe(3);
  counters.close();
  counters.close();
  expect(open()).toBe(0);
});

function targetOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    // Of the folder that is being read: closed by now.
    return '';
  }
}
