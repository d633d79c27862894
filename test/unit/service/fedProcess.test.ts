/** A process that is fed, and answers in lines; real ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startFed } from '../../../src/service/fedProcess.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-fed-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function started(script: string) {
  const file = join(folder, 'script.cjs');
  await writeFile(file, script);
  const lines: string[] = [];
  let over: (how: string) => void;
  const ended = new Promise<string>((resolve) => (over = resolve));
  const fed = startFed(
    file,
    (line) => lines.push(line),
    (how) => {
      over(how);
    },
  );
  return { fed, lines, ended };
}

it('what it says comes line by line, and it ends when its input has ended', async () => {
  const echo = `process.stdin.on('data', (chunk) => process.stdout.write(String(chunk).toUpperCase()));`;
  const { fed, lines } = await started(echo);
  expect([fed.write('one'), fed.write('two')]).toEqual([true, true]);
  await expect.poll(() => lines).toEqual(['ONE', 'TWO']);
  await fed.end();
  expect(() => process.kill(fed.pid ?? 0, 0)).toThrow('ESRCH');
});

it('a line without end is no line: it is ended, and nothing more of it is gathered', async () => {
  const endless = `const more = () => { while (process.stdout.write('x'.repeat(65536))); }; process.stdout.on('drain', more); more();`;
  const { lines, ended } = await started(endless);
  expect(await ended).toBe('by SIGKILL');
  expect(lines).toEqual([]);
});
