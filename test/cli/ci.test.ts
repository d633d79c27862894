/** The runner of CI on a small repository of its own: what it counts, what it leaves out, and that it leaves nothing. */
import { execa } from 'execa';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ROOT } from './helpers/built.ts';

let folder: string;
let checkout: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-ci-test-'));
  checkout = join(folder, 'checkout');
  for (const path of ['.ci/run', 'scripts/ci']) {
    await cp(join(ROOT, path), join(checkout, path), { recursive: true });
  }
  await mkdir(join(folder, 'tmp'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const git = (...words: string[]) =>
  execa('git', ['-c', 'user.name=test', '-c', 'user.email=test@localhost.invalid', ...words], {
    cwd: checkout,
  });

async function ci(readme: string, steps?: string): Promise<{ code: number | undefined; lines: string[] }> {
  await writeFile(join(checkout, 'README.md'), readme);
  if (steps !== undefined) await writeFile(join(checkout, '.ci/steps.txt'), steps);
  await git('init', '-q');
  await git('add', '-A');
  await git('commit', '-q', '-m', 'all');
  const { exitCode, stdout } = await execa('.ci/run', [], {
    cwd: checkout,
    env: { TMPDIR: join(folder, 'tmp') },
    reject: false,
    stdin: 'ignore',
  });
  // Its clone is gone.
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  return { code: exitCode, lines: stdout.split('\n') };
}

it('runs the commands of the README in order, in a clone, and counts them and their tests', async () => {
  const { code, lines } = await ci(
    [
      '```',
      'echo "$CI here" > made   # first',
      "cat made; printf '7 passed, 0 failed\\n'",
      '```',
      '<!-- not run by CI: it would end the world -->',
      '```',
      'exit 3',
      '```',
    ].join('\n'),
  );
  expect(lines).toEqual([
    '== echo "$CI here" > made',
    '== echo "$CI here" > made: passed',
    "== cat made; printf '7 passed, 0 failed\\n'",
    'true here',
    '7 passed, 0 failed',
    "== cat made; printf '7 passed, 0 failed\\n': passed",
    '== exit 3: not run: it would end the world',
    '9 passed, 0 failed',
  ]);
  expect(code).toBe(0);
  expect(await readdir(checkout)).not.toContain('made');
});

it('fails when a command does, goes on with the next, and says both in the last line', async () => {
  const { code, lines } = await ci('```\nexit 3\nprintf "2 passed, 1 failed\\n"; exit 1\ntrue\n```\n');
  expect(lines).toContain('== exit 3: failed: exit code 3');
  expect(lines.at(-1)).toBe('3 passed, 3 failed');
  expect(code).toBe(1);
});

it('tells in the last lines what failed in all of its commands, so that the end of its output is enough', async () => {
  const tests = [
    '== failed: a.test.ts > b',
    '   expected 1 to be 2',
    '== passed at the second try: c',
    '1 passed, 1 failed',
  ];
  const { lines } = await ci(
    [
      '```',
      `printf '%s\\n' '${tests.join("' '")}'; exit 1`,
      'seq 200; echo much; echo "it broke" >&2; exit 7',
      "printf '%s\\n' '== passed at the second try: d' '   too late' '1 passed, 0 failed'",
      '```',
    ].join('\n'),
    'echo the clean root works\n',
  );
  const end = lines.slice(lines.indexOf('== echo the clean root works: passed') + 1);
  expect(end[0]).toMatch(/^== printf .*: failed: exit code 1$/);
  expect(end.slice(1, 5)).toEqual([
    ...['failed: a.test.ts > b', '   expected 1 to be 2', 'passed at the second try: c'],
    '== seq 200; echo much; echo "it broke" >&2; exit 7: failed: exit code 7',
  ]);
  expect(end.slice(5, -3)).toHaveLength(15);
  expect(end.slice(5, -3)).toEqual(expect.arrayContaining(['   200', '   much', '   it broke']));
  expect(end.slice(-3)).toEqual(['passed at the second try: d', '   too late', '4 passed, 3 failed']);
});

it('looks at the table of the demo, not only at its exit code', async () => {
  await writeFile(
    join(checkout, 'package.json'),
    JSON.stringify({ scripts: { demo: 'printf "without inetgw  1800  1\\nwith inetgw  100  1\\n"' } }),
  );
  const { code, lines } = await ci('```\nnpm run demo\n```\n');
  expect(lines).toContain(
    '== npm run demo: failed: with inetgw the average answer takes 100 ms, not below 100',
  );
  expect(code).toBe(1);
});

it('fails where the README shows no command at all', async () => {
  const { code, lines } = await ci('# Nothing\n');
  expect(lines.at(-1)).toBe('0 passed, 0 failed');
  expect(code).toBe(1);
});

it('runs the further steps after the README, and counts them as well', async () => {
  const { lines } = await ci('```\ntrue\n```\n', '# a comment\necho further\nexit 4\n');
  expect(lines).toEqual([
    ...['== true', '== true: passed'],
    ...['== echo further', 'further', '== echo further: passed'],
    ...['== exit 4', '== exit 4: failed: exit code 4'],
    ...['== exit 4: failed: exit code 4', '2 passed, 1 failed'],
  ]);
});
