/** What the guest copies into its memory, of this machine's files. */
import { realpathSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostArchitecture } from '../../lab/architecture.ts';
import { filesToPreload } from '../../lab/preload.ts';

test('programs with their libraries, each once and without symbolic links', async () => {
  const from = { rootFolder: '/', architecture: hostArchitecture(), nodeFile: process.execPath };
  const files = await filesToPreload(from);
  for (const path of [process.execPath, '/bin/sh', '/usr/sbin/tc']) {
    expect(files).toContain(realpathSync(path));
  }
  expect(files.filter((path) => /\/libc\.so/.test(path))).toHaveLength(1);
  expect(files.filter((path) => /\/xtables\/lib/.test(path)).length).toBeGreaterThan(20);
  expect(files.some((path) => path.endsWith('/rp-pppoe.so') || path.endsWith('/pppoe.so'))).toBe(true);
  expect(files).toEqual([...new Set(files)]);
  for (const path of files) expect(realpathSync(path)).toBe(path);
});
