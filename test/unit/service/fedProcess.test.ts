/** A process that is fed, and answers in lines; real ones. */
import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GIVEN_DESCRIPTOR, startFed } from '../../../src/service/fedProcess.ts';

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

it('is another user with what it listens on, where it is given that', async () => {
  const path = join(folder, 'listens.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.new`, resolve));
  await rename(`${path}.new`, path);
  // Nobody else can become nobody.
  const id = process.getuid?.() === 0 ? 65_534 : (process.getuid?.() ?? 0);
  const file = join(folder, 'given.cjs');
  const script = `const server = require('net').createServer((socket) => socket.end(process.getuid() + ' ' + process.getgroups()));
    server.listen({ fd: ${GIVEN_DESCRIPTOR} }, () => console.log('listens')); process.stdin.resume().on('end', () => process.exit());`;
  await writeFile(file, script);
  await chmod(folder, 0o755);
  const lines: string[] = [];
  const fed = startFed(
    file,
    (line) => lines.push(line),
    (how) => lines.push(how),
    { id, server },
  );
  await expect.poll(() => lines).toEqual(['listens']);
  let answer = '';
  for await (const chunk of connect(path)) answer += String(chunk);
  expect(answer).toBe(`${id} ${id}`);
  expect(server.listening).toBe(false);
  await fed.end();
});

it('a line without end is no line: it is ended, and nothing more of it is gathered', async () => {
  const endless = `const more = () => { while (process.stdout.write('x'.repeat(65536))); }; process.stdout.on('drain', more); more();`;
  const { lines, ended } = await started(endless);
  expect(await ended).toBe('by SIGKILL');
  expect(lines).toEqual([]);
});
