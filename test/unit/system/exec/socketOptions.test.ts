import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { run } from '../../../../src/system/exec/run.ts';
import { KERNELS_OWN, setListenerOptions } from '../../../../src/system/exec/socketOptions.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listening(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server as unknown as { _handle: { fd: number } })._handle.fd;
}

/** Runs a line of perl on the socket `$s`. */
async function perl(descriptor: number, line: string): Promise<string> {
  const script = `use Socket; open(my $s, '+<&=', 3) or die $!; ${line}`;
  return (await run(['perl', '-e', script], { descriptors: [descriptor] })).stdout;
}

/** Receive buffer, what of the buffers is locked, largest segment, urgent data inline, window clamp. */
const read = (descriptor: number): Promise<string> =>
  perl(
    descriptor,
    String.raw`print join ' ', map { unpack 'i', getsockopt($s, $_->[0], $_->[1]) } [SOL_SOCKET, SO_RCVBUF], [SOL_SOCKET, 72], [6, 2], [SOL_SOCKET, SO_OOBINLINE], [6, 10];`,
  );

describe('options of listening sockets', () => {
  it('are set without locking the buffer, and given back', async () => {
    const [one, other] = [await listening(), await listening()];
    const [rcvbuf = ''] = (await read(one)).split(' ');
    await setListenerOptions([one, other], { receiveBytes: 4096, segmentBytes: 1460 }, 65_536);
    // The kernel doubles the buffer.
    expect(await read(one)).toBe('8192 0 1460 1 65535');
    expect(await read(other)).toBe('8192 0 1460 1 65535');
    await setListenerOptions([one], KERNELS_OWN, Number(rcvbuf) / 2);
    expect(await read(one)).toMatch(new RegExp(`^${rcvbuf} 0 \\d+ 1 1073741824$`));
    expect((await read(one)).split(' ')[2]).not.toBe('1460');
  });

  it('leave a buffer alone that the administrator has chosen', async () => {
    const descriptor = await listening();
    await perl(descriptor, `setsockopt($s, SOL_SOCKET, SO_RCVBUF, pack('i', 3000)) or die $!`);
    await setListenerOptions([descriptor], { receiveBytes: 16_384, segmentBytes: 1460 }, 65_536);
    expect((await read(descriptor)).split(' ').slice(0, 2)).toEqual(['6000', '2']);
  });

  it('do not make the socket block', async () => {
    const descriptor = await listening();
    await setListenerOptions([descriptor], KERNELS_OWN, 65_536);
    expect(
      await perl(descriptor, `use Fcntl; print fcntl($s, F_GETFL, 0) & O_NONBLOCK ? 'free' : 'blocks'`),
    ).toBe('free');
  });

  it('are refused where it is no socket', async () => {
    await expect(setListenerOptions([1_000_000], KERNELS_OWN, 65_536)).rejects.toThrow();
  });
});
