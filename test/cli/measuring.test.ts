/** A run from the outside: what it leaves behind however it ends. */
import { execa } from 'execa';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HANG_MS, until } from '../hang.ts';

let folder = '';
let log = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'searchbw-'));
  log = join(folder, 'calls');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** In a network namespace of its own, with its own /sys: there, nobody else uses the loopback device. */
const OWN_LOOPBACK = ['--net', '--mount', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const startWith = (preparation: string, ...words: string[]) =>
  execa(
    'unshare',
    [
      ...OWN_LOOPBACK,
      ...[
        'sh',
        '-c',
        `mount -t sysfs sysfs /sys && ip link set lo up && ${preparation} exec node --import tsx "$@"`,
        'measure',
      ],
      ...['test/cli/helpers/measureLoopback.ts', log, ...words],
    ],
    { reject: false, timeout: HANG_MS },
  );
const start = (...words: string[]) => startWith('', ...words);

/** A server on port 8080 of the namespace, which ends with it. */
const serving = (handler: string): string =>
  `{ node -e "require('http').createServer((ask, answer) => { ${handler} }).listen(8080)" & server=$!
    trap 'kill $server' EXIT; until ss -Hltn sport = :8080 | grep -q .; do sleep 0.1; done; } &&
    measure() { node --import tsx "$@"; }; measure "$@"; exit;`;
const calls = async (): Promise<string[]> =>
  (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n');

const untilMeasuring = (): Promise<void> =>
  until(async () => (await calls()).some((call) => call.startsWith('set')));

describe('a measuring run', () => {
  it.each([
    ['SIGINT', 130, 'shaped', 'the earlier shaper is back in force'],
    ['SIGTERM', 143, '', 'the device is as it was before'],
    ['SIGHUP', 129, '', 'the device is as it was before'],
  ] as const)('puts the line back on %s and exits with %d: %s', async (signal, code, found, told) => {
    const running = start(found);
    await untilMeasuring();
    running.kill(signal);
    const { exitCode, stderr } = await running;
    expect((await calls()).at(-1)).toBe('restore');
    expect(exitCode).toBe(code);
    expect(stderr).toContain(`searchbw: ended by ${signal}, ${told}`);
  });

  it('puts the line back when nobody reads its output any more', async () => {
    const running = start();
    await untilMeasuring();
    running.stdout.destroy();
    await running;
    const made = await calls();
    expect(made[0]).toBe('prepare');
    expect(made.filter((call) => call === 'restore')).toHaveLength(1);
    expect(made.at(-1)).toBe('restore');
  });

  it('refuses to recommend anything on an idle device, as text and as JSON', async () => {
    const [text, json] = await Promise.all([start(), start('json')]);
    expect(text.stdout).toMatch(/^lo \(loopback, none\); pinging 127\.0\.0\.1 \(as given\)/);
    expect(text.stdout.match(/not valid: hardly any traffic/g)).toHaveLength(3);
    expect(text.stdout).toContain('DOWN: no value can be recommended');
    expect(text.exitCode).toBe(1);
    const result = JSON.parse(json.stdout) as {
      inetgwCommand: unknown;
      directions: { lines: { samples: unknown[] }[] }[];
    };
    expect(result.inetgwCommand).toBeNull();
    expect(result.directions[0]?.lines.map(({ samples }) => samples.length)).toEqual([20, 20, 20]);
    expect(json.stderr).toContain('warning: no value can be recommended');
  });
});

describe('a load of its own', () => {
  const URL = 'http://127.0.0.1:8080/100M';
  const loading = (handler: string, variables = '', url = URL) =>
    startWith(`${variables}${serving(handler)}`, '', url);

  it('that gets the page of a captive portal ends the run, which says so', async () => {
    const { exitCode, stderr } = await loading(
      "if (ask.url === '/login') answer.writeHead(200, { 'content-type': 'text/html' }).end('x'.repeat(2048));" +
        " else answer.writeHead(302, { location: '/login' }).end();",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /^searchbw: the load is too small to fill a line: it got 2\S* kB of text\/html from http:\/\/127\.0\.0\.1:8080\/login\nsearchbw: .*captive portal/m,
    );
    expect((await calls()).at(-1)).toBe('restore');
  });

  it('that the server refuses never starts, and is told in its words, and the proxy that it came from', async () => {
    const { exitCode, stderr } = await loading(
      "answer.writeHead(ask.url.startsWith('http://files.invalid/') ? 503 : 500, { 'retry-after': '5' }).end();",
      'http_proxy=http://me:secret@127.0.0.1:8080; export http_proxy;',
      'http://files.invalid/100M',
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'searchbw: warning: the environment names a proxy, so the load comes from http://127.0.0.1:8080,',
    );
    expect(stderr).toContain(
      'searchbw: the load does not start: http://files.invalid/100M: the server answered 503 Service Unavailable and asks to be left alone for 5 s',
    );
    expect(stderr).not.toContain('secret');
  });

  it('that fails now and then goes on, and what failed is told at the end', async () => {
    const { stdout, stderr } = await loading(
      "globalThis.n = (globalThis.n || 0) + 1; if (n % 3 === 0) return answer.writeHead(429).end('slow down');" +
        ' answer.write(Buffer.alloc(1e6)); setTimeout(() => answer.end(Buffer.alloc(1e6)), 600);',
    );
    expect(stdout).toContain('DOWN: no value can be recommended');
    expect(stderr).toMatch(
      /^searchbw: warning: \d+ of the \d+ transfers of the load that have ended failed, at last \S+: the server answered 429 Too Many Requests$/m,
    );
  });
});
