/**
 * The npm package, in a clean system: installed globally, used, upgraded, and taken away by `inetgw uninstall`, which
 * leaves nothing. One after another in one root.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, chosenSuite, CleanRoot } from './cleanRoot.ts';
import { makePackages, npmFolder, provideNode, type Packages } from './packages.ts';

const suite = chosenSuite();
const isRoot = process.getuid?.() === 0;

let made: Packages;
let folder: string;
let tarball: string;
let packed: string[];
beforeAll(async () => {
  made = await makePackages();
  folder = await mkdtemp(join(tmpdir(), 'inetgw-npm-'));
  // The build is up to date already; prepack would make it anew under other tests' feet.
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await execa('npm', words, { cwd: checkout });
  const [one] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  tarball = join(folder, one?.filename ?? '');
  packed = one?.files.map(({ path }) => path) ?? [];
});
afterAll(async () => {
  await made.remove();
  await rm(folder, { recursive: true });
});

describe('npm publish', () => {
  it('would go through without a warning', async () => {
    // Who publishes is logged in; nothing is asked of any registry in a dry run.
    const registry = '127.0.0.1:9/';
    await writeFile(
      join(folder, '.npmrc'),
      `registry=http://${registry}\n//${registry}:_authToken=none\nfetch-retries=0\n`,
    );
    const { exitCode, all } = await execa('npm', ['publish', '--dry-run', '--ignore-scripts'], {
      cwd: checkout,
      all: true,
      reject: false,
      env: {
        HOME: folder,
        npm_config_cache: join(folder, 'cache'),
        npm_config_userconfig: join(folder, '.npmrc'),
      },
    });
    expect([exitCode, all.split('\n').filter((line) => /warn|error/i.test(line))]).toEqual([0, []]);
    expect(all).toContain('+ inetgw@');
  });
  it('would publish what is needed, and nothing else', () => {
    for (const name of [
      'README.md',
      'LICENSE',
      'CHANGELOG.md',
      'docs/install.md',
      'docs/iprelay.md',
      'docs/iprelay-reference.md',
      'docs/man/inetgw.8',
      'templates/inetgw.conf.example',
      'templates/iprelay.toml',
      'templates/inetgw@.service',
      'templates/systemd/iprelay@.service',
      'templates/systemd/iprelay@.socket',
      'templates/logrotate/iprelay',
      'templates/prometheus/inetgw.rules.yml',
      'templates/grafana/inetgw.json',
      'templates/systemd/inetgw-metrics.service',
      'templates/systemd/inetgw-metrics.timer',
      'templates/completions/bash/inetgw',
      'templates/completions/zsh/_searchbw',
      'templates/completions/fish/iprelay.fish',
    ])
      expect(packed).toContain(name);
    const folders = new Set(packed.map((path) => path.replace(/\/.*/, '')));
    expect([...folders].filter((name) => !name.includes('.')).sort()).toEqual([
      'LICENSE',
      'dist',
      'docs',
      'templates',
    ]);
    expect(packed.filter((path) => /\.(ts|test\.js|map)$/.test(path))).toEqual([]);
  });
  it('would not have links in its documentation that lead nowhere', async () => {
    // For developers, in the repository alone.
    const notThere =
      /^(CONTRIBUTING\.md|docs\/(architecture|benchmarks|lab|reliability|platforms)\.md|docs\/benchmarks\/|docs\/how-it-works|test\/|scripts\/|bpf\/)/;
    const dead: string[] = [];
    for (const page of packed.filter((path) => path.endsWith('.md'))) {
      const text = await readFile(join(checkout, page), 'utf8');
      for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const path = join(page, '..', target).replace(/\/$/, '');
        const found = packed.some((each) => each === path || each.startsWith(`${path}/`));
        if (!found && !notThere.test(path)) dead.push(`${page}: ${target}`);
      }
    }
    expect(dead).toEqual([]);
  });
});

describe.skipIf(!isRoot)(`the npm package in a clean root of ${suite}`, () => {
  let root: CleanRoot;
  let before: string[];
  let npm: string;
  beforeAll(async () => {
    root = await CleanRoot.open(suite, made.deb);
    await provideNode(root, suite, made);
    await root.run('apt-get install -y --no-install-recommends nodejs iproute2 nftables iputils-ping');
    // This machine's npm, as it comes with node; Debian's is in four hundred packages.
    await execa('cp', ['-r', await npmFolder(), join(root.path, 'usr/share/npm')]);
    await root.run('ln -s /usr/share/npm/bin/npm-cli.js /usr/bin/npm');
    await root.bring(tarball);
    npm =
      'npm --offline --no-audit --no-fund --no-update-notifier --prefix /usr/local --cache /tmp/npm-cache';
    await root.run(
      'mkdir -p /usr/local/lib/node_modules /usr/local/share/man/man1 /usr/local/share/man/man5 /usr/local/share/man/man8 /etc/ppp/ip-up.d /etc/ppp/ip-down.d /etc/bash_completion.d',
    );
    before = await root.files();
  });
  afterAll(() => root.close());

  it('is installed without a network and without a word of warning', async () => {
    const text = await root.run(`${npm} install --global /tmp/inetgw-*.tgz`);
    expect(text).not.toMatch(/warn|error/i);
  });
  it.each(['inetgw', 'searchbw', 'iprelay'])('%s runs', async (command) => {
    expect(await root.run(`${command} --version`)).toMatch(/^\S+ \d+\.\d+\.\d+/);
    expect(await root.run(`${command} --help`)).toContain(command);
  });
  it('has manual pages where man looks, and examples that are right', async () => {
    for (const page of ['man8/inetgw.8', 'man5/inetgw.conf.5', 'man1/iprelay.1', 'man1/searchbw.1'])
      expect([page, (await root.sh(`test -s /usr/local/share/man/${page}`)).code]).toEqual([page, 0]);
    await root.run('cp /usr/local/lib/node_modules/inetgw/templates/inetgw.conf.example /etc/inetgw.conf');
    await root.run('inetgw config check');
  });
  it('is used: hooks, units, completions, a record of a device, a relay', async () => {
    await root.run('inetgw install-hook ppp ppp0 210 1710 --quiet');
    await root.run('inetgw install-hook systemd ppp0 210 1710 --quiet');
    await root.run(
      `mkdir -p /etc/systemd/system/multi-user.target.wants && cd /etc/systemd/system && ln -s /etc/systemd/system/inetgw@ppp0.service multi-user.target.wants/`,
    );
    await root.run(`sed 's#/usr/bin/iprelay#/usr/local/bin/iprelay#' /usr/local/lib/node_modules/inetgw/templates/systemd/iprelay@.service \\
      >/etc/systemd/system/iprelay@.service
      ln -s ../iprelay@.service /etc/systemd/system/multi-user.target.wants/iprelay@web.service`);
    await root.run(`sed 's#/usr/bin/iprelay#/usr/local/bin/iprelay#' /usr/local/lib/node_modules/inetgw/templates/logrotate/iprelay \
      >/etc/logrotate.d/iprelay`);
    await root.run(
      'cp /usr/local/lib/node_modules/inetgw/templates/completions/bash/* /etc/bash_completion.d/',
    );
    await root.run(`mkdir -p /run/inetgw && echo '{}' >/run/inetgw/lo.json && nft add table inet inetgw_lo
      ip netns add other && folder=/run/inetgw/netns-$(stat -Lc %i /run/netns/other) && mkdir $folder
      echo '{}' >$folder/wan1.json && ip netns exec other nft add table inet inetgw_wan1`);
    await root.run('iprelay -d 127.0.0.1:8000:127.0.0.1:9');
    await root.run('mkdir /etc/inetgw && echo "[forwarder.1]" >/etc/inetgw/iprelay-web.toml');
  });
  it('is upgraded by installing the next version, which leaves all of that', async () => {
    const next = join(folder, 'next');
    await execa('sh', ['-ec', `mkdir "$1" && tar -xzf "$2" -C "$1"`, 'sh', next, tarball]);
    const own = join(next, 'package/package.json');
    const description = JSON.parse(await readFile(own, 'utf8')) as { version: string };
    await writeFile(own, JSON.stringify({ ...description, version: '99.0.0' }));
    await execa('tar', ['-czf', join(folder, 'next.tgz'), '-C', next, 'package']);
    await root.bring(join(folder, 'next.tgz'));
    await root.run(`${npm} install --global /tmp/next.tgz`);
    expect(await root.run(`${npm} ls --global`)).toContain('inetgw@99.0.0');
    expect(await root.has('/run/inetgw/lo.json')).toBe(true);
    expect(await root.has('/etc/ppp/ip-up.d/inetgw-ppp0')).toBe(true);
  });
  it('tells what an uninstallation would take away, and takes nothing', async () => {
    const files = await root.files();
    const text = await root.run('inetgw uninstall --dry-run');
    for (const part of [
      'lo: would be cleared',
      'wan1 in the network namespace other: would be cleared',
      '/etc/logrotate.d/iprelay: would be removed',
      '/etc/ppp/ip-down.d/inetgw-ppp0: would be removed',
      '/etc/systemd/system/inetgw@ppp0.service: would be removed',
      '/etc/systemd/system/multi-user.target.wants/iprelay@web.service: would be removed',
      '/etc/bash_completion.d/searchbw: would be removed',
      '/etc/inetgw.conf: would be left',
      '/usr/local/lib/node_modules/inetgw: would be removed by npm',
    ])
      expect(text).toContain(part);
    expect(text).toMatch(/iprelay, process \d+: would be ended/);
    expect(await root.files()).toEqual(files);
  });
  it('is not taken away by somebody who may not, and nothing is touched', async () => {
    const files = await root.files();
    const { code, text } = await root.sh(
      'setpriv --reuid 65534 --regid 65534 --clear-groups inetgw uninstall',
    );
    expect([code, text.split('\n').length]).toEqual([4, 2]);
    expect(await root.files()).toEqual(files);
  });
  it("an uninstallation keeps what was edited and what is the administrator's, and names it", async () => {
    await root.run(
      `cp -a /etc/ppp/ip-up.d/inetgw-ppp0 /tmp/kept && echo '# mine' >>/etc/ppp/ip-up.d/inetgw-ppp0`,
    );
    const text = await root.run('inetgw uninstall');
    expect(text).toContain('/etc/ppp/ip-up.d/inetgw-ppp0 was edited: left alone');
    expect(text).toMatch(
      /^left, for they are yours .*: \/etc\/inetgw\.conf \/etc\/inetgw\/iprelay-web\.toml \/var\/log\/iprelay-8000\.log/m,
    );
    expect(await root.run('nft list tables; ip netns exec other nft list tables')).toBe('');
    await root.run('ip netns delete other && umount /run/netns && rmdir /run/netns');
    expect(await root.run('ss -Hltn sport = :8000')).toBe('');
    expect(await root.has('/usr/local/bin/inetgw')).toBe(false);
    const { code, text: said } = await root.sh('PPP_IFACE=ppp0 /etc/ppp/ip-up.d/inetgw-ppp0');
    expect([code, said]).toEqual([0, '']);
  });
  it('with --purge it leaves nothing', async () => {
    await root.run(`${npm} install --global /tmp/next.tgz`);
    await root.run('mv /tmp/kept /etc/ppp/ip-up.d/inetgw-ppp0');
    const text = await root.run('inetgw uninstall --purge');
    expect(text).toContain('/usr/local/lib/node_modules/inetgw: removed');
    expect(await root.files()).toEqual(before);
  });
});
