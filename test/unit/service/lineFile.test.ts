import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LineFile, type Lost } from '../../../src/service/lineFile.ts';
import { HANG_MS } from '../../hang.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-lines-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('lines to a file', () => {
  it('are all there at the end, also over a change of the file', async () => {
    const path = join(folder, 'log');
    const file = new LineFile(path, () => undefined);
    for (let i = 0; i < 1000; i++) file.write(`${i}\n`);
    await expect.poll(() => readFileSync(path, 'utf8').split('\n').length).toBe(1001);
    await rename(path, `${path}.1`);
    file.reopen();
    file.write('anew\n');
    await file.close();
    file.write('too late\n');
    expect(readFileSync(path, 'utf8')).toBe('anew\n');
  });

  it('leave no file where they are discarded, unless it was there before or another has written to it', async () => {
    const [path, other] = [join(folder, 'failed'), join(folder, 'shared')];
    const failed = new LineFile(path, () => undefined);
    failed.write('one\n');
    await failed.discard();
    expect(existsSync(path)).toBe(false);
    const [first, second] = [new LineFile(other, () => undefined), new LineFile(other, () => undefined)];
    first.write('one\n');
    second.write('two\n');
    await second.discard();
    await first.discard();
    expect(readFileSync(other, 'utf8').split('\n').sort()).toEqual(['', 'one', 'two']);
  });

  it('that a pipe does not take are lost beyond 1 MiB, counted, and told when it is read again', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    expect(() => new LineFile(path, () => undefined)).toThrow('ENXIO');
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const told: Lost[] = [];
    const file = new LineFile(path, (lost) => told.push(lost));
    const line = `${'x'.repeat(999)}\n`;
    for (let i = 0; i < 2000; i++) file.write(line);
    const buffer = Buffer.alloc(65_536);
    let read = 0;
    await expect
      .poll(
        () => {
          try {
            for (let n = 1; n > 0; read += n) n = readSync(reader, buffer);
          } catch {
            // Empty for the moment.
          }
          return told.length;
        },
        { timeout: HANG_MS, interval: 20 },
      )
      .toBe(1);
    expect(told[0]).toEqual({ lines: 2000 - 1048, why: 'EAGAIN' });
    await file.close();
    closeSync(reader);
    expect(read).toBeGreaterThan(0);
  });

  it('that a full disk does not take are lost, and the end does not wait', async () => {
    const file = new LineFile('/dev/full', () => undefined);
    for (let i = 0; i < 100; i++) file.write('x\n');
    await file.close();
  });
});
