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

/** In a network namespace of its own: there, nobody else uses the loopback device. */
const OWN_LOOPBACK = ['--net', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const start = (...words: string[]) =>
  execa(
    'unshare',
    [
      ...OWN_LOOPBACK,
      ...['sh', '-c', 'ip link set lo up && exec node --import tsx "$@"', 'measure'],
      ...['test/cli/helpers/measureLoopback.ts', log, ...words],
    ],
    { reject: false, timeout: HANG_MS },
  );
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
