/** The repository that `npm run apt-repository` lays out, as apt uses it in a clean system. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, chosenSuite, CleanRoot } from './cleanRoot.ts';
import { makePackages, NEXT_VERSION, provideNode, type Packages } from './packages.ts';

const suite = chosenSuite();
const isRoot = process.getuid?.() === 0;
const KEY = 'repository@inetgw.invalid';

let made: Packages;
let folder: string;
let out: string;
/** With a key ring of its own, in a folder whose path is short enough for the agent's socket. */
async function aptRepository(...words: string[]): Promise<{ code: number; text: string }> {
  const argv = ['scripts/aptRepository.ts', ...words];
  const { exitCode, all } = await execa(join(checkout, 'node_modules/.bin/tsx'), argv, {
    cwd: checkout,
    env: { GNUPGHOME: folder },
    all: true,
    reject: false,
  });
  return { code: exitCode ?? -1, text: all };
}
beforeAll(async () => {
  made = await makePackages();
  folder = await mkdtemp(join(tmpdir(), 'igw-gpg-'));
  out = join(folder, 'out');
  // As docs/install.md says, but for the passphrase, which nobody could type here.
  const words = ['--batch', '--passphrase', '', '--quick-generate-key', `A test <${KEY}>`, 'ed25519', 'sign'];
  await execa('gpg', words, { env: { GNUPGHOME: folder } });
});
afterAll(async () => {
  await promisify(execFile)('gpgconf', ['--kill', 'gpg-agent'], {
    env: { ...process.env, GNUPGHOME: folder },
  });
  await rm(folder, { recursive: true });
  await made.remove();
});

describe('npm run apt-repository', () => {
  it('needs a key and a folder, and says so', async () => {
    expect(await aptRepository('--out', out)).toMatchObject({ code: 2 });
    expect(await aptRepository('--key', KEY, '--wrong')).toMatchObject({ code: 2 });
    const other = await aptRepository('--key', 'nobody@inetgw.invalid', '--out', out, made.deb);
    expect(other.text).toMatch(/^apt-repository: gpg has no secret key 'nobody@inetgw\.invalid'[^\n]*$/);
    expect(await aptRepository('--key', KEY, '--out', out, made.nodeDeb)).toMatchObject({ code: 1 });
    expect(await readdir(folder)).not.toContain('out');
  });
  it('lays out a signed repository', async () => {
    expect(await aptRepository('--key', KEY, '--out', out, made.deb)).toMatchObject({ code: 0 });
    const release = join(out, 'dists/stable');
    expect(await readdir(out)).toEqual(['dists', 'inetgw.gpg', 'pool']);
    expect(await readdir(release)).toEqual(['InRelease', 'Release', 'Release.gpg', 'main']);
    expect(await readdir(join(release, 'main/binary-amd64'))).toEqual([
      'Packages',
      'Packages.gz',
      'Packages.xz',
    ]);
    await execa('gpg', ['--verify', join(release, 'Release.gpg'), join(release, 'Release')], {
      env: { GNUPGHOME: folder },
    });
  });
  it('does not offer another package under a version that was given out', async () => {
    const changed = join(folder, 'changed.deb');
    await execa('sh', [
      '-ec',
      'dpkg-deb -R "$1" "$2" && echo x >>"$2/etc/inetgw.conf" && dpkg-deb -b "$2" "$3"',
      'sh',
      made.deb,
      join(folder, 'changed'),
      changed,
    ]);
    const { code, text } = await aptRepository('--key', KEY, '--out', out, changed);
    expect([code, text]).toEqual([1, expect.stringMatching(/is in the repository already/)]);
  });
});

describe.skipIf(!isRoot)(`apt in a clean root of ${suite}`, () => {
  let root: CleanRoot;
  const publish = async (): Promise<void> => {
    await root.run('rm -rf /srv/apt');
    await execa('cp', ['-r', out, join(root.path, 'srv/apt')]);
  };
  beforeAll(async () => {
    root = await CleanRoot.open(suite, made.deb);
    await provideNode(root, suite, made);
    await root.run('apt-get install -y --no-install-recommends nodejs iproute2 nftables iputils-ping');
    // From here on there is this repository alone; the network that the others are in cannot be reached.
    await root.run('rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* && mkdir -p /etc/apt/keyrings');
    await publish();
    await root.run(`cp /srv/apt/inetgw.gpg /etc/apt/keyrings/
      echo 'deb [signed-by=/etc/apt/keyrings/inetgw.gpg] file:/srv/apt stable main' >/etc/apt/sources.list.d/inetgw.list`);
  });
  afterAll(() => root.close());
  const UPDATE = 'apt-get update -o APT::Update::Error-Mode=any';
  const version = (): Promise<string> => root.run("dpkg-query -W -f '${Version}' inetgw");

  it('trusts it and installs from it', async () => {
    expect(await root.run(UPDATE)).not.toMatch(/^(W|E|N):/m);
    await root.run('apt-get install -y inetgw');
    expect(await root.run('inetgw --version')).toContain(await version());
  });
  it('upgrades to the next version when there is one', async () => {
    expect(await aptRepository('--key', KEY, '--out', out, made.nextDeb)).toMatchObject({ code: 0 });
    await publish();
    await root.run(UPDATE);
    await root.run('apt-get upgrade -y');
    expect(await version()).toBe(NEXT_VERSION);
    // The one before is still offered.
    expect((await root.run('apt-cache madison inetgw')).split('\n')).toHaveLength(2);
  });
  it('refuses an index that was tampered with', async () => {
    const tamper = `for folder in "$1"/*; do cd "$folder"
      sed -i 's/^Depends: /Depends: sl, /' Packages && gzip -9nkf Packages && xz -9kf Packages; done`;
    await execa('sh', ['-euc', tamper, 'sh', join(root.path, 'srv/apt/dists/stable/main')]);
    await root.run('rm -rf /var/lib/apt/lists/*');
    const { code, text } = await root.sh(UPDATE);
    expect(code).not.toBe(0);
    expect(text).toMatch(/Hash Sum mismatch|unexpected size/);
    await publish();
  });
  it('refuses a list of checksums that another key has signed, or nobody', async () => {
    await root.run(
      "sed -i 's/^Origin: .*/Origin: somebody/' /srv/apt/dists/stable/InRelease && rm /srv/apt/dists/stable/Release.gpg",
    );
    await root.run('rm -rf /var/lib/apt/lists/*');
    const { code, text } = await root.sh(UPDATE);
    expect([code !== 0, text]).toEqual([
      true,
      expect.stringMatching(/BADSIG|[Bb]ad signature|not signed|invalid/i),
    ]);
    await publish();
  });
  it('refuses a package that was tampered with', async () => {
    await root.run(`${UPDATE} && apt-get purge -y inetgw`);
    await root.run(
      `for deb in /srv/apt/pool/main/i/inetgw/*; do printf x | dd of="$deb" bs=1 seek=2000 conv=notrunc; done`,
    );
    const { code, text } = await root.sh('apt-get install -y inetgw');
    expect(code).not.toBe(0);
    expect(text).toMatch(/Hash Sum mismatch|unexpected size/);
  });
});
