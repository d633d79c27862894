/** Hostile names, files and programs against the three commands: refused with a clear line, and nothing happens. */
import { execa } from 'execa';
import { access, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportPage } from '../../src/search/result/html.ts';
import { parseResult } from '../../src/search/result/resultFile.ts';
import { HANG_MS } from '../hang.ts';
import { built, isRoot, ROOT, type Outcome } from './helpers/built.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-hostile-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As paths, for a shell, for a terminal, as options, for printf. Generated ones: test/fuzz. */
const NAMES = [
  '../../etc/passwd',
  '$(touch pwned)',
  'x;touch pwned',
  'x\ninetgw: all is well',
  '\x1b[2J\x1b]0;owned\x07\u009b2J\u202e',
  '-f',
  '%s%n',
  'a'.repeat(5000),
  '',
];

function expectRefused({ code, stdout, stderr }: Outcome, command: string): void {
  expect([1, 2, 5, 6]).toContain(code);
  expect(stdout).toBe('');
  expect(stderr).not.toContain('this is a bug');
  for (const line of stderr.trimEnd().split('\n'))
    expect(line).toMatch(new RegExp(`^(?:${command}: |    )\\P{Cc}*$`, 'u'));
}

describe('a hostile name', () => {
  it('of a device is refused by inetgw and searchbw', async () => {
    for (const name of NAMES) {
      expectRefused(await built('inetgw', [name, '210', '1710', '-n']), 'inetgw');
      expectRefused(await built('searchbw', [name, 'DOWN', '1300-1800', '50', '5', '210']), 'searchbw');
    }
  });

  it('of a host is refused by searchbw and iprelay', async () => {
    for (const name of NAMES) {
      expectRefused(
        await built('searchbw', ['lo', 'DOWN', '1300-1800', '50', '5', '210', '-q', '--ping-host', name]),
        'searchbw',
      );
      expectRefused(
        await built('iprelay', ['--log', 'none', '--foreground', `8080:${name.slice(0, 300)}:x`]),
        'iprelay',
      );
      expectRefused(await built('iprelay', ['--foreground', '--name', `${name}/`, '8080:h:80']), 'iprelay');
    }
  });

  it('of a file is refused by all', async () => {
    for (const name of NAMES.slice(1)) {
      expectRefused(await built('inetgw', ['apply', '--config', `${folder}/${name}`]), 'inetgw');
      expectRefused(await built('searchbw', ['show', `${folder}/${name}`]), 'searchbw');
      expectRefused(await built('iprelay', ['-c', `${folder}/${name}`, '--foreground']), 'iprelay');
    }
  });

  it('has made nothing anywhere', async () => {
    expect(await readdir(folder)).toEqual([]);
    await expect(access(join(ROOT, 'pwned'))).rejects.toThrow();
  });
});

describe('a file that is none', () => {
  it.each([
    ['/dev/zero', /cannot read|:\d+:\d+: /],
    ['/', /: cannot read \/: it is a folder, not a file$/],
  ])('is not read without end: %s', async (path, said) => {
    const limited = (name: string, ...args: string[]) =>
      execa(
        'sh',
        [
          '-c',
          'ulimit -v 30000000; exec "$@"',
          'sh',
          process.execPath,
          '--max-old-space-size=600',
          `${ROOT}/dist/bin/${name}.js`,
          ...args,
        ],
        {
          reject: false,
          timeout: HANG_MS,
        },
      );
    for (const [name, ...args] of [
      ['inetgw', 'apply', '--config', path],
      ['iprelay', '-c', path, '--foreground'],
    ] as const) {
      const { exitCode, stderr } = await limited(name, ...args);
      expect([exitCode, stderr]).toEqual([6, expect.stringMatching(said)]);
    }
  });
});

describe('the page of a hostile result', () => {
  it('shows in a browser what it holds and runs nothing of it', async () => {
    const corpus = JSON.parse(
      await readFile(join(ROOT, 'test/fuzz/corpus/result-file.json'), 'utf8'),
    ) as string[];
    const evil = `</script></title></style><script>document.title='owned'</script><img src=x onerror="document.title='owned'">'"`;
    // Every text in it that is free is hostile.
    const template = corpus.find((text) => text.includes('</script>')) ?? '';
    const hostile = JSON.stringify(
      JSON.parse(template, (key, value: unknown) =>
        typeof value === 'string' &&
        [
          'device',
          'kind',
          'framing',
          'kernel',
          'address',
          'verdictText',
          'text',
          'nextCommand',
          'inetgwCommand',
        ].includes(key)
          ? evil
          : value,
      ),
    );
    const page = reportPage(parseResult(hostile, 'f'));
    expect(page.match(/<script|<img/g)).toEqual(['<script']);
    const file = join(folder, 'page.html');
    await writeFile(file, page);
    const { stdout } = await execa(
      // scripts/packages.txt has it installed.
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--timeout=${HANG_MS / 2}`,
        `--user-data-dir=${folder}/chromium`,
        '--dump-dom',
        `file://${file}`,
      ],
      { timeout: HANG_MS, stderr: 'ignore' },
    );
    expect(stdout.match(/<script|<img/g)).toEqual(['<script']);
    expect(stdout).toContain('<title>Bandwidth of &lt;/script&gt;');
    // What was measured can still be read out of it.
    expect(parseResult(page, 'f').line.device).toBe(evil);
  });
});

describe.runIf(isRoot)('a ping that misbehaves', () => {
  const pingWith = async (script: string): Promise<{ error?: string; kind?: string }> => {
    const { stdout } = await execa(
      'unshare',
      [
        '--mount',
        'sh',
        '-c',
        `mount -t tmpfs tmpfs /usr/local/sbin && printf '%s\\n' '#!/bin/sh' "$1" > /usr/local/sbin/ping && chmod 755 /usr/local/sbin/ping && shift && exec "$@"`,
        'sh',
        script,
        process.execPath,
        '--import',
        'tsx',
        'test/cli/helpers/pingInNamespace.ts',
        'once',
        '192.0.2.1',
        '{"timeoutSec":1}',
      ],
      { cwd: ROOT, timeout: HANG_MS },
    );
    return JSON.parse(stdout) as { error?: string; kind?: string };
  };

  it.each([
    ['prints nothing', 'exit 0'],
    ['prints rubbish', 'echo F%o; echo 64 bytes from x: time=abc'],
    ['is killed while it prints', 'printf PING; kill -9 $$'],
    [
      'prints a broken answer',
      'echo "PING h (1.1.1.1) x"; echo "64 bytes from 1.1.1.1: icmp_seq=1 ttl=64 time=- ms"',
    ],
    ['prints binary', 'head -c 10000 /dev/urandom'],
  ])('counts as lost or failed, never as an answer: it %s', async (_what, script) => {
    const outcome = await pingWith(script);
    expect(outcome.kind === 'lost' || outcome.error !== undefined).toBe(true);
  });

  it('is ended when it hangs or prints without end', async () => {
    const [hanging, endless] = await Promise.all([pingWith('sleep 600'), pingWith('exec yes')]);
    expect(hanging.error).toMatch(/did not end within 6 s/);
    expect(endless.error).toMatch(/printed more than 16 MiB/);
  });
});
