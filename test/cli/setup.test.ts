/** What scripts/setup.sh says and installs on machines of other kinds: apt, dpkg and apt's lists answer as they do there. */
import { execa } from 'execa';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isRoot, ROOT } from './helpers/built.ts';

const PACKAGES = `# a comment
sh                  dash
no-program-any      any-package
no-program-amd64    amd64-package amd64
no-program-arm64    arm64-package arm64
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-setup-'));
  await mkdir(join(folder, 'bin'));
  await cp(join(ROOT, 'scripts/setup.sh'), join(folder, 'scripts/setup.sh'));
  await writeFile(join(folder, 'scripts/packages.txt'), PACKAGES);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Machine {
  architecture?: string;
  /** What apt-get does beyond noting its words. */
  apt?: string;
  /** Names that apt's lists have. */
  known?: string;
}

/** The machine's own answers stand before all other programs. */
async function setUp({ architecture = 'amd64', apt = ':', known = 'linux-image-amd64' }: Machine) {
  const programs = {
    dpkg: `echo ${architecture}`,
    'apt-get': `echo "$*" >>${folder}/words; echo "Setting up much"; ${apt}`,
    'apt-cache': `case " ${known} " in *" $2 "*) echo "Package: $2" ;; *) exit 100 ;; esac`,
  };
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(join(folder, 'bin', name), `#!/bin/sh\n${script}\n`);
    await chmod(join(folder, 'bin', name), 0o755);
  }
  const { exitCode, all } = await execa('sh', ['scripts/setup.sh', 'system'], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}` },
    stdin: 'ignore',
    all: true,
    reject: false,
  });
  const words = await readFile(join(folder, 'words'), 'utf8').catch(() => '');
  return { exitCode, said: all.split('\n'), words: words.trim().split('\n') };
}

describe.runIf(isRoot)('the system packages', () => {
  it('are installed in silence, those of this architecture', async () => {
    const { exitCode, said, words } = await setUp({});
    expect([exitCode, said]).toEqual([0, ['setup: installing any-package amd64-package']]);
    expect(words.at(-1)).toMatch(/ install -y --no-install-recommends any-package amd64-package$/);
    const other = await setUp({ architecture: 'arm64', known: 'linux-image-arm64' });
    expect([other.exitCode, other.said]).toEqual([0, ['setup: installing any-package arm64-package']]);
  });

  it('have the name that apt knows', async () => {
    await writeFile(
      join(folder, 'scripts/packages.txt'),
      'no-program new-name|old-name\nno-other only-name\n',
    );
    const install = async (known: string): Promise<string | undefined> =>
      (await setUp({ known: `linux-image-amd64 ${known}` })).words.at(-1)?.replace(/^.*-recommends /, '');
    expect(await install('new-name only-name')).toBe('new-name only-name');
    expect(await install('old-name')).toBe('old-name only-name');
    expect(await install('old-name new-name')).toBe('new-name only-name');
  });

  it('that cannot be installed are named, after all that apt-get had to say', async () => {
    const { exitCode, said } = await setUp({
      apt: 'case "$*" in *" install "*) echo "E: no space" >&2; exit 100;; esac',
    });
    expect(exitCode).toBe(5);
    expect(said).toEqual([
      'setup: installing any-package amd64-package',
      'Setting up much',
      'E: no space',
      'setup: apt-get install failed',
      'setup: missing system packages: any-package amd64-package',
      'setup: install them with: apt-get update && apt-get install --no-install-recommends any-package amd64-package',
    ]);
  });

  it('are none where the lab cannot run: on another architecture, and where apt has no kernel of Debian', async () => {
    expect(await setUp({ architecture: 'riscv64' })).toMatchObject({
      exitCode: 5,
      said: ["setup: the lab's guests run on amd64 and arm64; this machine is riscv64"],
      words: [''],
    });
    const { exitCode, said, words } = await setUp({ known: 'linux-image-generic' });
    expect(exitCode).toBe(5);
    expect(said.slice(-2)).toEqual([
      expect.stringMatching(/^setup: apt does not know Debian's package linux-image-amd64 here, on \w/),
      expect.stringMatching(/^setup: the lab boots Debian's kernel: run this on Debian 12 or newer/),
    ]);
    expect(words.join(' ')).not.toContain('install');
  });
});
