/**
 * The role for Ansible, with three gateways: roots of this machine's files, into whose memory alone is written, in network
 * namespaces of their own. test/lab/fleet.test.ts has lines that can be set up.
 */
import { describe, expect, it, beforeAll, afterAll } from 'vitest';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildDeb } from '../../scripts/deb.ts';
import { Ansible, type Played, type Ran, type Target } from '../ansible.ts';
import { inMemoryRoot, PATH } from '../roots/memoryRoot.ts';
import { build } from './helpers/buildOnce.ts';
import { isRoot, ROOT } from './helpers/built.ts';

interface Gateway {
  target: Target;
  /** What a script prints, which has to succeed. */
  run: (script: string) => Promise<string>;
  /** All that was written into its memory, but by dpkg's and apt's own books, and code that inetgw keeps compiled. */
  written: () => Promise<string>;
  close: () => Promise<void>;
}

/** Where a gateway has what was written into its memory. */
const WRITTEN = '/mnt';
/** What a root without devices of its own needs; without indices of manual pages and packages, which take minutes. */
const DEVICES = `mount --bind ../upper .${WRITTEN}
  mount -t tmpfs tmpfs dev
  for name in null zero full random urandom tty fd stdin stdout stderr; do cp -a /dev/$name dev/; done
  rm -rf etc/inetgw.conf etc/inetgw var/lib/man-db/auto-update var/cache/apt/*.bin
  mount -t tmpfs tmpfs var/lib/apt/lists`;

async function openGateway(): Promise<Gateway> {
  const mountPoint = await mkdtemp(join(tmpdir(), 'inetgw-gateway-'));
  const root = { mountPoint, folders: ['/'], network: 'own', prepare: DEVICES } as const;
  // It ends with its input, so with this process.
  const [file, ...args] = inMemoryRoot(root, ['sh', '-c', 'echo ready; exec cat']);
  const keeper = execa(file, args, { stdin: 'pipe', reject: false, buffer: { stdout: false } });
  const [said] = (await Promise.race([once(keeper.stdout, 'data'), once(keeper.stdout, 'end')])) as unknown[];
  if (said === undefined) throw new Error(`no root in ${mountPoint}: ${(await keeper).stderr}`);
  const outer = String(keeper.pid);
  const pid = (await readFile(`/proc/${outer}/task/${outer}/children`, 'utf8')).trim();
  const target = async (command: string, input: Buffer): Promise<Ran> => {
    const enter = [
      '-t',
      pid,
      '-m',
      '-n',
      '-p',
      '-i',
      '-u',
      '-r',
      '-w',
      '/usr/bin/env',
      '-i',
      PATH,
      'HOME=/root',
    ];
    const { exitCode, stdout, stderr } = await execa('nsenter', [...enter, 'sh', '-c', command], {
      input,
      reject: false,
      stripFinalNewline: false,
    });
    return { code: exitCode ?? -1, stdout, stderr };
  };
  return {
    target,
    run: async (script) => {
      const { code, stdout, stderr } = await target(script, Buffer.alloc(0));
      if (code !== 0) throw new Error(`exit code ${code} of: ${script}\n${stdout}${stderr}`);
      return stdout.trimEnd();
    },
    written: async () => {
      const script = `cd /proc/${pid}/root${WRITTEN} && find . -path ./var/cache/inetgw -prune -o -type f -printf '%p %s %T@\\n'`;
      const { stdout } = await execa('sh', ['-ec', script]);
      return stdout.split('\n').sort().join('\n');
    },
    close: async () => {
      keeper.stdin.end();
      await keeper;
      await rm(mountPoint, { recursive: true, force: true });
    },
  };
}

const NAMES = ['gw1', 'gw2', 'gw3'] as const;
const CONF = '/etc/inetgw.conf';

describe.skipIf(!isRoot)('the role for Ansible', () => {
  let folder: string;
  let deb: string;
  let ansible: Ansible;
  let gateways: Gateway[];
  const all = (script: string): Promise<string[]> => Promise.all(gateways.map(({ run }) => run(script)));
  const first = (script: string): Promise<string> => gateways[0]?.run(script) ?? Promise.reject(new Error());
  const written = (): Promise<string[]> => Promise.all(gateways.map((each) => each.written()));
  const changed = ({ recap }: Played): (number | undefined)[] => NAMES.map((name) => recap[name]?.changed);
  const settings = {
    inetgw_hook: 'ppp',
    inetgw_devices: { ppp0: { up: 210, down: '1.7mbit', 'bulk-hosts': ['192.0.2.30', '192.0.2.31'] } },
  };
  const tried = (variables: object, ...words: readonly string[]): Promise<Played> =>
    ansible.play({ inetgw_deb: deb, ...settings, ...variables }, ...words);
  const play = async (...words: Parameters<typeof tried>): Promise<Played> => {
    const played = await tried(...words);
    if (played.code !== 0) throw new Error(played.text);
    return played;
  };
  const ONE = ['--limit', 'gw1'] as const;

  beforeAll(async () => {
    await build();
    folder = await mkdtemp(join(tmpdir(), 'inetgw-ansible-deb-'));
    deb = await buildDeb(folder);
    gateways = await Promise.all(NAMES.map(openGateway));
    const targets = gateways.map(({ target }, at) => [NAMES[at] ?? '', target] as const);
    ansible = await Ansible.begin(Object.fromEntries(targets));
  });
  afterAll(async () => {
    await Promise.all(gateways.map(({ close }) => close()));
    await ansible.end();
    await rm(folder, { recursive: true });
  });

  it('with --check, tells that the package would be installed, and changes nothing', async () => {
    const before = await written();
    const played = await play({}, '--check');
    expect({ ...played, changed: changed(played) }).toMatchObject({ code: 0, changed: [1, 1, 1] });
    expect(played.text).toContain('inetgw_0.1.0_all.deb would be installed; now: none');
    expect(await written()).toEqual(before);
  });

  it('installs the package, writes the file and the hooks; the second run changes nothing', async () => {
    const played = await play({});
    expect(played).toMatchObject({ code: 0, recap: { gw1: { failed: 0 }, gw3: { failed: 0 } } });
    for (const count of changed(played)) expect(count).toBeGreaterThan(2);
    for (const said of await all(
      `dpkg-query -W -f '\${db:Status-Status}\n' inetgw; inetgw config check; ls /etc/ppp/ip-up.d/inetgw-ppp0`,
    ))
      expect(said).toBe(
        `installed\n${CONF} is right\n  ppp0: up 210 kbit/s, down 1700 kbit/s\n/etc/ppp/ip-up.d/inetgw-ppp0`,
      );
    const before = await written();
    const again = await play({});
    expect({ ...again, changed: changed(again) }).toMatchObject({ code: 0, changed: [0, 0, 0] });
    expect(await written()).toEqual(before);
  });

  it('with --check, tells what of a change would be written and set up', async () => {
    await first('ip link add ppp0 type ifb && ip link set ppp0 up');
    const before = await written();
    const other = { inetgw_devices: { ppp0: { up: 300, down: 1710 } }, inetgw_hook: 'ifupdown' };
    const played = await play(other, '--check', '--diff', ...ONE);
    expect(played).toMatchObject({ code: 0, recap: { gw1: { changed: 3, failed: 0 } } });
    expect(played.text).toMatch(/^-up = 210$[^]*^\+up = 300$/m);
    expect(played.text).toContain('ppp0 would be set up: nothing is in force');
    expect(await written()).toEqual(before);
    await first('ip link del ppp0');
  });

  it('a wrong file is told, is not written, and meets one gateway', async () => {
    const before = await written();
    const played = await tried({ inetgw_devices: { ppp0: { up: 210, dwon: 1710 } } });
    expect(played).toMatchObject({ code: 2, recap: { gw1: { failed: 1 } } });
    expect(Object.keys(played.recap)).toEqual(['gw1']);
    expect(played.text).toContain('did you mean down?');
    expect(await written()).toEqual(before);
  });

  it('takes a file as it stands, and a unit of systemd for what has a name to be escaped', async () => {
    const file = join(folder, 'own.conf');
    await writeFile(file, '# mine\n["wan-1"]\nup = 210\ndown = 1710\n');
    const variables = { inetgw_conf_file: file, inetgw_hook: 'systemd' };
    expect(await play(variables, ...ONE)).toMatchObject({ code: 0, recap: { gw1: { failed: 0 } } });
    expect(await first(`cat ${CONF}`)).toBe('# mine\n["wan-1"]\nup = 210\ndown = 1710');
    const unit = 'inetgw@wan\\x2d1.service';
    expect(await first(`find /etc/systemd/system -name '${unit.replace('\\', '\\\\')}' | wc -l`)).toBe('2');
    expect(await play(variables, ...ONE)).toMatchObject({
      code: 0,
      recap: { gw1: { changed: 0, failed: 0 } },
    });
  });

  it('installs the npm package, once', async () => {
    const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
    const { stdout } = await execa('npm', words, { cwd: ROOT });
    const [packed] = JSON.parse(stdout) as { filename: string }[];
    await first('dpkg --purge inetgw');
    const variables = { inetgw_deb: '', inetgw_npm: join(folder, packed?.filename ?? '') };
    const played = await play(variables, ...ONE);
    expect(played).toMatchObject({ code: 0, recap: { gw1: { failed: 0 } } });
    expect(await first('readlink -f $(command -v inetgw)')).toContain(
      '/node_modules/inetgw/dist/bin/inetgw.js',
    );
    expect(await play(variables, ...ONE)).toMatchObject({
      code: 0,
      recap: { gw1: { changed: 0, failed: 0 } },
    });
  });
});
