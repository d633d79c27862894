/** The scripts of the Debian package, run as dpkg runs them. What they do in a real system: test/packages. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyrightFile, POSTINST, POSTRM, PRERM } from '../../scripts/debFiles.ts';
import { hookFiles } from '../../src/linkHooks/render.ts';
import { isUnedited, seal } from '../../src/linkHooks/seal.ts';

describe('the copyright file', () => {
  const line = `\n${'-'.repeat(78)}\n\n`;
  it("refers to Debian's own text of the Apache licence, and keeps who holds the copyright", () => {
    const apache = `b 2.0.0 (Apache-2.0)\n\nApache License\n  long text\n   Copyright 2025 Somebody\n`;
    const text = copyrightFile('MIT', ['intro', 'a 1.0.0 (MIT)\n\nPermission is granted', apache].join(line));
    expect(text).toContain('a 1.0.0 (MIT)\n\nPermission is granted');
    expect(text).toContain('b 2.0.0 (Apache-2.0)\n\nCopyright 2025 Somebody\n\nOn Debian systems');
    expect(text).not.toContain('long text');
  });
});

describe('the scripts', () => {
  it.each([
    ['prerm', PRERM],
    ['postinst', POSTINST],
    ['postrm', POSTRM],
  ])('%s is right for a POSIX shell', (_, text) => {
    const { status, stderr } = spawnSync('dash', ['-n'], { input: text, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });
});

describe('what the purge takes for an unedited hook', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'inetgw-postrm-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  /** The function of the script, asked about a text. */
  function unedited(text: string): boolean {
    writeFileSync(join(folder, 'hook'), text);
    const body = POSTRM.slice(POSTRM.indexOf('unedited()'), POSTRM.indexOf('\nif ['));
    return spawnSync('dash', ['-ec', `${body}\nunedited "$1"`, 'sh', join(folder, 'hook')]).status === 0;
  }
  it('is what inetgw takes for it', () => {
    const texts = hookFiles('ppp', { device: 'ppp0', program: ['/usr/bin/inetgw'], apply: [undefined] })
      .concat(hookFiles('systemd', { device: 'ppp0', program: ['/usr/bin/inetgw'], apply: ['apply'] }))
      .map(({ text }) => text);
    for (const text of texts) {
      const sealed = seal(text);
      for (const each of [
        text,
        sealed,
        `${sealed} `,
        `${sealed}\n`,
        sealed.replace('ppp0', 'ppp1'),
        sealed.slice(0, -1),
      ])
        expect([each, unedited(each)]).toEqual([each, isUnedited(each)]);
      expect(unedited(sealed)).toBe(true);
    }
  });
});
