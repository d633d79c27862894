/** The command as a user starts it. */
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';
import { gridTask, modelResult, runOnModel } from '../model/run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'searchbw-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const searchbw = (words: readonly string[]) =>
  execa('node', ['--import', 'tsx', 'src/bin/searchbw.ts', ...words], { reject: false, timeout: HANG_MS });

describe('searchbw', () => {
  it.each([
    [['lo', 'DOWN', '1800-1300', '50', '5', '210'], 'searchbw: LOWER 1800 is above UPPER 1300\n', 2],
    [['lo', 'DOWN', '1300-1800', '0', '5', '210'], 'searchbw: STEP is zero', 2],
    [['lo', 'DOWN', '1300-1800', '50', '0', '210'], 'searchbw: PINGS is zero', 2],
    [['lo', 'LEFT', '1300-1800', '50', '5', '210'], "searchbw: unknown direction 'LEFT'", 2],
    [
      ['lo', 'DOWN', '1300-1800', '50', '5', '210', '--ping-host=-f'],
      "searchbw: --ping-host '-f' begins with '-'",
      2,
    ],
    [
      ['nosuch0', 'LEFT', '5'],
      "searchbw: unknown direction 'LEFT': DOWN, UP or AUTO\nsearchbw: searchbw ppp0 DOWN 1300-1800 50 5 210",
      2,
    ],
    [
      ['nosuch0', 'DOWN', '1300-1800', '50', '5', '210'],
      'searchbw: there is no device nosuch0\nsearchbw: there ',
      1,
    ],
    [
      ['lo', 'DOWN', '1300-1800', '50', '5', '210', '--report', '/'],
      'searchbw: / cannot be written: it is a directory',
      2,
    ],
    [
      ['lo', 'DOWN', '1300-1800', '1', '100', '210'],
      '501 lines, about 3 h 37 min\nsearchbw: that is a long run',
      2,
    ],
    [['lo', 'AUTO'], 'searchbw: AUTO measures both directions and needs a load for each', 2],
    [['lo', '--bogus'], "searchbw: unknown option '--bogus'", 2],
    [[], 'searchbw: what is to be measured?', 2],
    [
      ['show', '/nonexistent.json'],
      'searchbw: /nonexistent.json could not be read: there is no such file\n',
      1,
    ],
    [
      ['lo', 'DOWN', '1300-1800', '50', '5', '210', '--ping-host', 'nosuch.invalid'],
      "searchbw: host 'nosuch.invalid' does not resolve\nsearchbw: give its address, or see that names are looked up: getent hosts NAME\n",
      1,
    ],
  ])('%j', async (words, message, code) => {
    const { stdout, stderr, exitCode } = await searchbw(words);
    expect(stdout).toBe('');
    expect(`${stderr}\n`).toContain(message);
    expect(stderr).not.toContain('bug');
    expect(exitCode).toBe(code);
  });

  it('shows how it is used, with the commands of the article', async () => {
    const { stdout, exitCode } = await searchbw(['--help']);
    expect(exitCode).toBe(0);
    for (const example of [
      'searchbw ppp0 DOWN 1300-1800 50 5 210',
      'searchbw ppp0 DOWN 1650-1750 20 100 210',
      'searchbw ppp0 UP 150-250 10 5 1710',
    ]) {
      expect(stdout).toContain(example);
    }
  });

  it('opens a stored result again in every form', async () => {
    const result = modelResult([await runOnModel(gridTask(1_750_000, 0.8, 1.1, 5, 10))]);
    const file = join(folder, 'line.json');
    await writeFile(file, JSON.stringify(result));
    const report = join(folder, 'line.html');
    const text = await searchbw(['show', file, '--report', report]);
    expect(text.exitCode).toBe(0);
    expect(text.stdout).toContain('kbit/s recommended');
    const fromPage = await searchbw(['show', report]);
    expect(fromPage.stdout).toBe(text.stdout);
    expect(JSON.parse((await searchbw(['show', file, '--json'])).stdout)).toEqual(
      JSON.parse(JSON.stringify(result)),
    );
    expect((await searchbw(['show', file, '--csv'])).stdout.split('\n')).toHaveLength(6);
  });
});
