import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTextFile, whyUnreadable } from '../../../../src/system/exec/textFile.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-text-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const why = (path: string, regularOnly = false): Promise<string> =>
  readTextFile(path, { limitBytes: 1024, regularOnly }).then(
    (text) => `read: ${text}`,
    (error: unknown) => whyUnreadable(error),
  );

describe('a named file', () => {
  it('is read up to its limit, to the byte', async () => {
    const path = join(folder, 'file');
    await writeFile(path, 'x'.repeat(1024));
    expect(await why(path, true)).toBe(`read: ${'x'.repeat(1024)}`);
    await writeFile(path, 'x'.repeat(1025));
    expect(await why(path)).toBe('it is larger than 1 KiB');
  });
  it('that is a device, a folder, or not there, says so', async () => {
    expect(await why('/dev/zero')).toBe('it is larger than 1 KiB');
    expect(await why('/dev/zero', true)).toBe('it is not a regular file');
    expect(await why(folder)).toBe('it is a folder, not a file');
    expect(await why(join(folder, 'none'))).toBe('there is no such file');
  });
  it('that is a pipe nobody writes to is not waited for where only a file will do', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    expect(await why(path, true)).toBe('it is not a regular file');
  });
});
