/**
 * Real pings through real routers: a chain of network namespaces made for this test.
 *
 *     home a0 ── first ── second ── third ── far (203.0.113.1)
 */
import { execa, execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';

const PREFIX = `sbw${process.pid}`;
const NAMES = ['home', 'first', 'second', 'third', 'far'] as const;
const ns = (name: string): string => `${PREFIX}-${name}`;
const FAR = '203.0.113.1';

const ip = (...words: string[]): void => {
  execaSync('ip', words);
};
const inside = (name: string, ...words: string[]): void => {
  ip('netns', 'exec', ns(name), ...words);
};

function canMakeNamespaces(): boolean {
  if (process.getuid?.() !== 0) return false;
  const made = execaSync('ip', ['netns', 'add', `${PREFIX}-try`], { reject: false });
  if (made.exitCode !== 0) return false;
  ip('netns', 'del', `${PREFIX}-try`);
  return true;
}

/** Public addresses beyond the first hop, as on a real path; 198.51.100.0/24 and 203.0.113.0/24 are for examples. */
function makeChain(): void {
  for (const name of NAMES) {
    ip('netns', 'add', ns(name));
    inside(name, 'ip', 'link', 'set', 'lo', 'up');
    inside(name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.icmp_ratelimit=0');
    // Otherwise the namespace sends from any address it has when it answers for an expired TTL.
    inside(name, 'sysctl', '-qw', 'net.ipv4.icmp_msgs_per_sec=100000', 'net.ipv4.icmp_msgs_burst=10000');
  }
  const links = ['192.168.7', '198.51.100', '198.51.101', '203.0.113'];
  links.forEach((net, index) => {
    const [left = '', right = ''] = [NAMES[index], NAMES[index + 1]];
    ip('link', 'add', 'a0', 'netns', ns(left), 'type', 'veth', 'peer', 'name', 'b0', 'netns', ns(right));
    const [near, far] = net === '203.0.113' ? ['2', '1'] : ['1', '2'];
    inside(left, 'ip', 'address', 'add', `${net}.${near}/24`, 'dev', 'a0');
    inside(right, 'ip', 'address', 'add', `${net}.${far}/24`, 'dev', 'b0');
    inside(left, 'ip', 'link', 'set', 'a0', 'up');
    inside(right, 'ip', 'link', 'set', 'b0', 'up');
  });
  links.forEach((net, index) => {
    const left = NAMES[index] ?? '';
    const right = NAMES[index + 1] ?? '';
    const [near, far] = net === '203.0.113' ? ['2', '1'] : ['1', '2'];
    inside(left, 'ip', 'route', 'add', 'default', 'via', `${net}.${far}`);
    // Back towards home.
    links.slice(0, index).forEach((back) => {
      inside(right, 'ip', 'route', 'add', `${back}.0/24`, 'via', `${net}.${near}`);
    });
  });
}

async function run(what: string, host: string, options: object = {}, from = 'home'): Promise<unknown> {
  const { stdout } = await execa(
    'ip',
    [
      ...['netns', 'exec', ns(from), 'node', '--import', 'tsx'],
      ...['test/cli/helpers/pingInNamespace.ts', what, host, JSON.stringify(options)],
    ],
    // A locale in which ping would print its errors otherwise: the wrapper has to see to that.
    { env: { LC_ALL: 'de_DE.UTF-8', LANGUAGE: 'de' }, timeout: HANG_MS },
  );
  return JSON.parse(stdout);
}

describe.skipIf(!canMakeNamespaces())('ping', () => {
  beforeAll(makeChain);
  afterAll(() => {
    for (const name of NAMES) ip('netns', 'del', ns(name));
  });

  it('gives the answer time as a number, and who answered', async () => {
    const reply = (await run('once', FAR)) as { rttMs: number };
    expect(reply).toMatchObject({ kind: 'answer', from: FAR });
    expect(reply.rttMs).toBeGreaterThan(0);
  });

  it('sees every router on the way by its TTL', async () => {
    const hops = await Promise.all([1, 2, 3].map((ttl) => run('once', FAR, { ttl })));
    expect(hops).toEqual([
      { kind: 'ttl-exceeded', from: '192.168.7.2' },
      { kind: 'ttl-exceeded', from: '198.51.100.2' },
      { kind: 'ttl-exceeded', from: '198.51.101.2' },
    ]);
    expect(await run('once', FAR, { ttl: 4 })).toMatchObject({ kind: 'answer' });
  });

  it('tells lost, unreachable, no route and unknown apart', async () => {
    // 203.0.113.9 has no neighbour: the last router says so after its ARP gave up.
    expect(await run('once', '203.0.113.9', { timeoutSec: 5 })).toMatchObject({
      kind: 'unreachable',
      from: '198.51.101.2',
    });
    inside('third', 'ip', 'route', 'add', 'blackhole', '192.0.2.0/24');
    expect(await run('once', '192.0.2.1', { timeoutSec: 1 })).toEqual({ kind: 'lost' });
    inside('third', 'ip', 'route', 'del', 'blackhole', '192.0.2.0/24');
    inside('home', 'ip', 'route', 'add', 'unreachable', '192.0.2.0/24');
    expect(await run('once', '192.0.2.1', { timeoutSec: 1 })).toMatchObject({
      kind: 'unreachable',
      from: null,
    });
    inside('home', 'ip', 'route', 'del', 'unreachable', '192.0.2.0/24');
    expect(await run('once', 'nosuch.invalid')).toEqual({
      error: "host 'nosuch.invalid' does not resolve",
      code: 1,
    });
    expect(await run('once', '-f')).toEqual({ error: "ping host '-f' begins with '-'", code: 2 });
  });

  it('sends a series at its pace and ends at once when aborted', async () => {
    const { startMs, samples } = (await run('series', FAR)) as {
      startMs: number;
      samples: { atMs: number; rttMs: number | null }[];
    };
    expect(samples).toHaveLength(5);
    expect(samples.every(({ rttMs }) => rttMs !== null)).toBe(true);
    // None before its time, by a millisecond of Node's timers. How late one may be is the machine's affair, the first too.
    expect(samples.map(({ atMs }, index) => atMs - startMs >= index * 100 - 1)).not.toContain(false);
    inside('third', 'ip', 'route', 'add', 'blackhole', '192.0.2.0/24');
    const aborted = (await run('abort', '192.0.2.1')) as { reason: string };
    inside('third', 'ip', 'route', 'del', 'blackhole', '192.0.2.0/24');
    // Not the answer, or its absence, for which it would have waited.
    expect(aborted.reason).toBe('TimeoutError');
  });

  it('finds the peer first, and without one the first router beyond the local network', async () => {
    expect(await run('find', FAR, { peer: '192.168.7.2' })).toMatchObject({
      address: '192.168.7.2',
      how: 'peer',
    });
    expect(await run('find', FAR)).toMatchObject({ address: '198.51.100.2', how: 'router', hops: 2 });
  });

  it('passes over routers that do not answer, and says what to do when none is left', async () => {
    const silence = (name: string, on: boolean): void => {
      inside(name, 'sysctl', '-qw', `net.ipv4.icmp_echo_ignore_all=${on ? 1 : 0}`);
    };
    silence('first', true);
    silence('second', true);
    expect(await run('find', FAR, { peer: '192.168.7.2' })).toMatchObject({
      address: '198.51.101.2',
      how: 'router',
      hops: 3,
    });
    silence('third', true);
    silence('far', true);
    expect(await run('find', FAR)).toEqual({
      error: 'no host was found that answers ping without loss through a0',
      code: 1,
    });
    for (const name of NAMES) silence(name, false);
  });
});
