/** What a user can get wrong: one clear line, the right exit code, nothing changed. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { settingsFromArguments } from '../../src/config/fromArguments.ts';
import { EXIT } from '../../src/core/errors.ts';
import type { PlanJson } from '../../src/report/statistics/planSummary.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { CheckResult } from '../../src/system/check/check.ts';
import { stepsAsScript } from '../../src/plan/steps.ts';
import { renderState } from '../../src/system/record/state.ts';
import { inNamespace, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

/** In a network namespace of its own where lo is the only device; its number, which paths name, does not matter. */
const inetgw = async (...words: string[]) => {
  await build();
  const command = join(ROOT, 'dist/bin/inetgw.js');
  const argv = ['--net', process.execPath, command, ...words];
  const { exitCode, stdout, stderr } = await execa('unshare', argv, { reject: false });
  return { exitCode, stderr, stdout: stdout.replaceAll(/\bnetns-\d+/g, 'netns-N') };
};

describe('inetgw', () => {
  it.each([
    [['nosuch0', '210', '1710'], EXIT.failed, 'there is no device nosuch0'],
    [['nosuch0'], EXIT.failed, 'there is no device nosuch0'],
    [['lo'], EXIT.notInForce, 'inetgw is not in force on lo'],
    [['check', 'nosuch0'], EXIT.failed, 'there is no device nosuch0'],
    [['lo', '0', '1710'], EXIT.usage, 'UP is 0 bit/s; it must be between 64 kbit/s and 10 Gbit/s'],
    [['lo', '210', '11gbit'], EXIT.usage, 'DOWN is 11 Gbit/s; it must be between 64 kbit/s and 10 Gbit/s'],
    [['lo', 'fast', '1710'], EXIT.usage, "UP is 'fast', which is no rate"],
    [['lo', '-5', '1710'], EXIT.usage, "UP is '-5', which is no rate"],
    [['lo', '210'], EXIT.usage, "'lo 210': UP and DOWN are both needed, or 'clear'"],
    [['lo', '210', '1710', '99'], EXIT.usage, "'lo 210 1710 99' is one word too many"],
    [['a-name-that-is-too-long', '210', '1710'], EXIT.usage, 'longer than 15 characters'],
    [['../etc', '210', '1710'], EXIT.usage, 'is no device name'],
    [['ppp0;id', 'clear'], EXIT.usage, 'is no device name'],
    [['lo', '210', '1710', '--framing', 'dosis'], EXIT.usage, '--framing dosis is not known'],
    [['lo', '210', '1710', '--frobnicate'], EXIT.usage, "unknown option '--frobnicate'"],
    [['lo', '210', '1710', '--dry-run=all'], EXIT.usage, "'--dry-run=all' is not known"],
    [['lo', '210', '1710', '--dry-run'], EXIT.usage, 'lo is this machine itself and no line'],
    [['install-hook', 'systemd', 'lo', '210', '1710', '--dry-run'], EXIT.usage, 'lo is this machine itself'],
    [['lo', '210', '1710', '--dry-run=script', '--json'], EXIT.usage, 'take one of them'],
    [['nosuch0', '210', '1710', '--dry-run'], EXIT.failed, 'there is no device nosuch0'],
  ] as const)('%j: exit code %i', async (words, code, message) => {
    const { exitCode, stdout, stderr } = await inetgw(...words);
    expect(exitCode).toBe(code);
    expect(stdout).toBe('');
    const [first, ...hints] = stderr.split('\n');
    expect(first).toMatch(/^inetgw: /);
    expect(first).toContain(message);
    expect(hints.length).toBeLessThanOrEqual(1);
    expect(existsSync('/run/inetgw/lo.json')).toBe(false);
  });

  it.each([
    [['statsu'], "'statsu' is no command and no device", 'did you mean: inetgw status?'],
    [['aply', 'ppp0'], "'aply' is no command and no device", 'did you mean: inetgw apply ppp0?'],
    [['eth0:1', '210', '1710'], '"eth0:1" is no device name', 'the label of an address; the device is eth0'],
    [['[ppp0'], '"[ppp0" is no device name', 'a device has no brackets: ppp0'],
    [['/dev/ppp0'], '"/dev/ppp0" is no device name', 'network devices have no path: ppp0'],
    [
      ['lo', '10MB/s', '16mbit'],
      "UP is '10MB/s', which is no rate",
      "'MB/s' is bytes: type 80mbit, or 10mbit",
    ],
    [['lo', '--up', '10mbit'], 'UP and DOWN are both needed', 'for example'],
    [['lo', 'off'], "inetgw has no word 'off'", 'to take everything away: inetgw lo clear'],
    [
      ['uninstall-hook', 'ppp', 'ppp0'],
      'there is no uninstall-hook',
      'type: inetgw install-hook ppp ppp0 --remove',
    ],
    [
      ['install-hook', 'netplan', 'eth0', '1mbit', '9mbit'],
      'there is no hook for netplan',
      'inetgw install-hook systemd eth0 1mbit 9mbit (or networkmanager)',
    ],
  ] as const)('%j is answered with what to type', async (words, message, hint) => {
    const { exitCode, stderr, stdout } = await inetgw(...words);
    expect(exitCode).toBe(EXIT.usage);
    expect(stdout).toBe('');
    const lines = stderr.split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(message);
    expect(lines[1]).toContain(hint);
  });

  it.each([
    [['ppp0', '--down', '16Mbps', '--up', '1 Mbit/s']],
    [['ppp0', '--down=16Mbps', '1mbit']],
    [['ppp0', '1', 'mbit', '16', 'mbit']],
    [['ppp0@if5:', 'down', '16mbit', 'up', '1mbit']],
  ])('%j is 1 and 16 Mbit/s', async (words) => {
    const meant = ['ppp0', '1mbit', '16mbit'];
    const [one, other] = await Promise.all(
      [words, meant].map((each) => inetgw(...each, '--dry-run', '--firewall', 'nft')),
    );
    expect(one).toMatchObject({ exitCode: EXIT.ok });
    expect(one?.stdout).toBe(other?.stdout);
  });

  it('names a variable that nobody reads, and the one that may be meant', async () => {
    await build();
    const command = [join(ROOT, 'dist/bin/inetgw.js'), 'rules', 'egress', 'ppp0'];
    const run = (env: Record<string, string>, ...words: string[]) =>
      execa(process.execPath, [...command, ...words], { env });
    expect((await run({ INETGW_LARGE_PAKET: '512', INETGW_COLOUR: 'no', INETGW_X: '' })).stderr).toBe(
      [
        'inetgw: the variable INETGW_LARGE_PAKET is not known: did you mean INETGW_LARGE_PACKET?',
        'inetgw: the variable INETGW_COLOUR is not known',
      ].join('\n'),
    );
    expect((await run({ INETGW_LARGE_PACKET: '512', INETGW_CONFIG: '' })).stderr).toBe('');
    expect((await run({ INETGW_LARGE_PAKET: '512' }, '--quiet')).stderr).toBe('');
  });

  it.skipIf(!isRoot)(
    'takes a device by an alternative name, or names the device that may be meant',
    async () => {
      await build();
      const program = `"${process.execPath}" "${ROOT}/dist/bin/inetgw.js"`;
      const { stdout, stderr } = await inNamespace(`
      ip tuntap add dev eth7 mode tap
      ip link property add dev eth7 altname wan-of-the-house
      ${program} wan-of-the-house 1mbit 9mbit --dry-run --firewall nft >byAlternative
      ${program} eth7 1mbit 9mbit --dry-run --firewall nft >byName
      cmp byAlternative byName && echo the same; rm byAlternative byName
      ${program} rules egress wan-of-the-house --format nft | grep -c '"eth7"'
      ${program} wan-of-the-house clear
      ${program} eth8 1mbit 9mbit; echo $?
      ${program} wan-of-the-flats clear`);
      expect(stdout.split('\n')).toEqual(['the same', '1', 'eth7: nothing to clear', '1', '']);
      expect(stderr.split('\n')).toEqual([
        'inetgw: wan-of-the-house is eth7',
        'inetgw: wan-of-the-house is eth7',
        'inetgw: wan-of-the-house is eth7',
        'inetgw: there is no device eth8',
        'inetgw: did you mean eth7? there are: eth7',
        "inetgw: 'wan-of-the-flats' is no device name: it is longer than 15 characters",
        '',
      ]);
    },
  );

  const onTap = async (script: string) => {
    await build();
    return inNamespace(`
      inetgw() { "${process.execPath}" "${ROOT}/dist/bin/inetgw.js" "$@"; }
      ip tuntap add dev eth7 mode tap
      ip link add br0 type bridge
      ip link set eth7 master br0
      ip link set eth7 up
      ip link set br0 up
      ip address add 192.0.2.2/24 dev br0
      ip route add default via 192.0.2.1 dev br0
      ${script}`);
  };

  it.skipIf(!isRoot)('says which device is the line, on a real bridge and a real tunnel', async () => {
    const { stdout, stderr } = await onTap(`
      ip tuntap add dev tun3 mode tun
      for dev in eth7 br0 lo; do inetgw $dev 1mbit 9mbit --dry-run --firewall none >/dev/null; done
      inetgw tun3 1mbit 9mbit --dry-run --firewall none | grep -E '^  framing|^note: tun3 is'
      inetgw tun3 1mbit 9mbit --framing vdsl,wireguard6 --dry-run --firewall none | grep -E '^  framing|^note: tun3 is'
      inetgw tun3 1mbit 9mbit --framing raw --dry-run --firewall none | grep -E '^  framing|^note: tun3 is'
      inetgw eth7 1mbit 9mbit --dry-run --firewall none --quiet >/dev/null
      inetgw lo 1mbit 9mbit; echo $?`);
    expect(stderr.split('\n')).toEqual([
      'inetgw: eth7 is a port of the bridge br0: rules and window pacing see its packets on the bridge only; type: inetgw br0 1mbit 9mbit',
      'inetgw: lo is this machine itself and no line',
      'inetgw: type: inetgw br0 1mbit 9mbit',
      'inetgw: lo is this machine itself and no line',
      'inetgw: type: inetgw br0 1mbit 9mbit',
      '',
    ]);
    expect(stdout.split('\n')).toEqual([
      '  framing   ethernet, 70 bytes overhead, at least 64 bytes (docsis,openvpn)',
      expect.stringMatching(
        /^note: tun3 is a tunnel; OpenVPN over IPv4 is assumed: 52 bytes .* docsis, which is assumed of br0; .*--framing raw$/,
      ),
      '  framing   ptm, 102 bytes overhead, at least 166 bytes (bridged-ptm,wireguard6)',
      '  framing   ethernet, 0 bytes overhead (raw)',
      '2',
      '',
    ]);
  });

  it.skipIf(!isRoot)(
    'warns of rates that are hardly meant, with the line to type, and not of meant ones',
    async () => {
      const { stderr } = await onTap(`
      for rates in '100 500' '100kbit 500kbit' '100 500 --yes' '9mbit 1mbit' '9mbit 1mbit --yes' '300 1500'
      do inetgw br0 $rates --dry-run --firewall none >/dev/null; done`);
      expect(stderr.split('\n')).toEqual([
        'inetgw: plain numbers are kbit/s, and 100 kbit/s up and 500 kbit/s down are less than this kind of access has;' +
          ' if Mbit/s are meant: inetgw br0 100mbit 500mbit; if not: 100kbit 500kbit',
        'inetgw: UP (9000 kbit/s) is above DOWN (1000 kbit/s): are they swapped? The uplink comes first;' +
          ' if they are: inetgw br0 1mbit 9mbit; if not: --yes',
        '',
      ]);
    },
  );

  it.skipIf(!isRoot)('asks about them on a terminal, and changes nothing without a yes', async () => {
    const { stdout } = await onTap(`
      for answer in n '' nonsense; do
        [ "$answer" = n ] && flag=--quiet || flag=
        echo "$answer" | script -qec "'${process.execPath}' '${ROOT}/dist/bin/inetgw.js' br0 100 500 $flag" /dev/null
        echo "code $?"
      done
      ls /run`);
    const lines = stdout.replaceAll('\r', '').split('\n');
    expect(lines.filter((line) => line.includes('Did you mean 100mbit 500mbit? [y/N/kbit]'))).toHaveLength(3);
    expect(lines.filter((line) => line === 'inetgw: nothing was changed')).toHaveLength(3);
    expect(lines.filter((line) => line === 'code 1')).toHaveLength(3);
    expect(lines.at(-2)).toBe('code 1');
  });

  it('tells every error of one command line', async () => {
    const { stderr, exitCode } = await inetgw('lo', '0', 'x', '--mark', '-1');
    expect(exitCode).toBe(EXIT.usage);
    expect(stderr.split('\n').filter((line) => line.includes(' is '))).toHaveLength(3);
  });

  it.each([
    [['uninstall', '--dry-run=script'], '--dry-run=script does not go with uninstall'],
    [['uninstall', '--dry-run', '--json'], '--json does not go with uninstall'],
    [
      ['install-hook', 'ppp', 'ppp0', '1mbit', '9mbit', '--json', '--root', '/nowhere'],
      '--json does not go with',
    ],
    [['check', '--framing', 'raw'], '--framing does not go with check'],
    [['lo', '--framing', 'nonsense'], '--framing goes with rates alone'],
    [['lo', 'clear', '--no-large-downloads'], '--no-large-downloads goes with rates alone'],
    [['clear', 'all'], "'clear all' names no device"],
    [
      ['install-hook', 'ppp', 'ppp0', '--root', '--dry-run'],
      "--root needs a value, and '--dry-run' is an option",
    ],
    [['metrics', '--output', ''], '--output is empty'],
    [['check', 'lo', '--firewall', 'nft'], '--firewall does not go with check'],
    [['status', '--no-large-downloads'], '--no-large-downloads does not go with status'],
    [
      ['10mbit', '50mbit', 'lo'],
      "the device comes first: '10mbit' is a rate\ninetgw: type: inetgw lo 10mbit 50mbit",
    ],
  ])('%j is wrong usage', async (words, message) => {
    const { stdout, stderr, exitCode } = await inetgw(...words);
    expect([exitCode, stdout]).toEqual([EXIT.usage, '']);
    expect(stderr).toContain(message);
  });

  it('suggests the framing that was meant', async () => {
    const { stderr } = await inetgw('lo', '210', '1710', '--framing', 'pppoe-llcsnp');
    expect(stderr).toContain('did you mean pppoe-llcsnap?');
  });

  it('warns of rates that look swapped, and goes on', async () => {
    const { stderr, exitCode } = await inetgw('ppp0', '1710', '210', '--dry-run');
    expect(exitCode).toBe(EXIT.ok);
    expect(stderr.split('\n')).toEqual([
      'inetgw: UP (1710 kbit/s) is above DOWN (210 kbit/s): are they swapped? The uplink comes first;' +
        ' if they are: inetgw ppp0 210 1710; if not: --yes',
      expect.stringContaining('there is no ppp0 yet'),
    ]);
  });

  it('shows help with examples, and its version', async () => {
    const help = await inetgw('--help');
    expect(help.exitCode).toBe(EXIT.ok);
    expect(help.stdout).toContain('inetgw ppp0 210 1710');
    const version = await inetgw('--version');
    expect(version.stdout).toMatch(/^inetgw \d+\.\d+\.\d+$/);
  });

  it('tells a run that works on the device at this moment from one that was ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inetgw-record-'));
    const { settings } = settingsFromArguments('lo', '210', '1710', {});
    const link = { device: 'lo', ifindex: 1, kind: 'ip', mtuBytes: 65536 } as const;
    const plan = makePlan(settings, link, { leafQdisc: 'cake', pacingObjectFile: undefined }, 'nft');
    const since = '2026-01-01T00:00:00.000Z';
    await writeFile(join(folder, 'lo.json'), renderState({ version: 2, phase: 'changing', plan, since }));
    const show = `"${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo`;
    const { code, stdout } = await inNamespace(`
      # Which one it is depends on whether the namespace of process 1 may be seen.
      run=/run/inetgw own=/run/inetgw/netns-$(readlink /proc/self/ns/net | tr -dc 0-9)
      mkdir -p $own
      for folder in $run $own; do cp ${folder}/lo.json $folder; done
      sleep 20 & worker=$!
      echo "$worker $(cut -d ' ' -f 22 /proc/$worker/stat)" | tee $run/lo.lock >$own/lo.lock
      ${show} 2>&1 | sed "s/$worker/N/"
      kill $worker; wait $worker
      ${show} 2>&1`);
    await rm(folder, { recursive: true });
    expect(code).toBe(3);
    expect(stdout.split('\n')).toEqual([
      'inetgw: inetgw is not in force on lo (process N is changing lo at this moment)',
      'inetgw: inetgw is not in force on lo (an earlier run was ended while it was changing lo)',
      'inetgw: set it up again: inetgw lo UP DOWN',
      '',
    ]);
  });

  it('in a container, a service without privileges works with the record that a shell there has made', async () => {
    const inetgwLo = `"${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo`;
    // Process 1 has more privileges than the service, whose own namespace it may therefore see and no other.
    const { all } = await execa(
      'unshare',
      [
        ...['--mount', '--net', '--pid', '--fork', '--mount-proc', 'sh', '-c'],
        `mount -t tmpfs run /run && mkdir /run/inetgw && echo damaged >/run/inetgw/lo.json
        service() { setpriv --bounding-set=-all,+net_admin --inh-caps=-all "$@"; }
        service readlink /proc/1/ns/net && exit 1
        service ${inetgwLo}`,
      ],
      { all: true, reject: false },
    );
    expect(all).toMatch(/^inetgw: inetgw is not in force on lo \(.*\/run\/inetgw\/lo\.json/);
  });

  it('begins nothing once a signal has come while another run is waited for', async () => {
    const { code, stdout } = await inNamespace(`
      run=/run/inetgw own=/run/inetgw/netns-$(readlink /proc/self/ns/net | tr -dc 0-9)
      mkdir -p $own
      sleep 60 & holder=$!
      echo "$holder $(cut -d ' ' -f 22 /proc/$holder/stat)" | tee $run/lo.lock >$own/lo.lock
      "${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo clear & waits=$!
      # Its own identity lies beside the lock as long as it waits; by then it has a handler for the signal.
      until ls /run/inetgw/lo.lock.$waits $own/lo.lock.$waits 2>/dev/null | grep -q .; do sleep 0.05; done
      kill -TERM $waits; sleep 0.1; kill $holder
      wait $waits`);
    expect([code, stdout]).toEqual([143, expect.not.stringContaining('lo: ')]);
  });

  it.each([
    ['gpon', /framing {3}ethernet, 30 bytes overhead, at least 64 bytes \(fiber\)/],
    ['g.fast', /framing {3}ptm, 30 bytes overhead \(pppoe-ptm\)/],
    ['DOCSIS3.1', /framing {3}ethernet, 18 bytes overhead, at least 64 bytes \(docsis\)/],
    ['4g,wireguard', /framing {3}ethernet, 60 bytes overhead, at least 124 bytes \(raw,wireguard\)/],
  ])('knows what people call their line: %s', async (word, framing) => {
    const { stdout } = await inetgw('ppp0', '10mbit', '50mbit', '--framing', word, '--dry-run');
    expect(stdout).toMatch(framing);
  });

  it('says of a line without a framing of its own what to do', async () => {
    const { exitCode, stderr } = await inetgw('eth7', '10mbit', '50mbit', '--framing', 'starlink');
    expect(exitCode).toBe(EXIT.usage);
    expect(stderr).toMatch(/^inetgw: --framing starlink is not known\ninetgw: .*: leave --framing out, and /);
  });

  it('a script ends where a step fails, and says how to undo what was done', async () => {
    const { stdout } = await inetgw('ppp0', '210', '1710', '--dry-run=script');
    const broken = stdout.replace(/^tc -batch -/m, 'false').replaceAll('/run/inetgw', '/run/trial');
    const { code, stderr } = await inNamespace(`sh -s <<'END'\n${broken}END\n`);
    expect(code).not.toBe(0);
    expect(stderr.trim().split('\n').at(-1)).toBe(
      'stopped; to undo all of it, or what was done of it: inetgw ppp0 clear',
    );
  });

  it('plans with nft where it may not ask the kernel', async () => {
    // Root in name only, so that the checkout can be read wherever it lies.
    const plain = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] as const;
    const command = [process.execPath, join(ROOT, 'dist/bin/inetgw.js'), 'ppp0', '210', '1710', '--dry-run'];
    const { exitCode, stdout } = await execa(plain[0], [...plain.slice(1), ...command], { reject: false });
    expect(exitCode).toBe(EXIT.ok);
    expect(stdout).toContain('nft -f - <<');
    expect(stdout).not.toContain('iptables');
  });

  it('plans for a device that is not there yet, as its name tells', async () => {
    const { exitCode, stdout, stderr } = await inetgw('ppp0', '210', '1710', '--dry-run');
    expect(exitCode).toBe(EXIT.ok);
    expect(stderr).toMatch(
      /^inetgw: there is no ppp0 yet: planned as for a ppp device of its name, mtu 1492/,
    );
    const summary = stdout.split('\n\n')[0] ?? '';
    expect(summary).toContain(
      'framing   atm, 40 bytes overhead (pppoe-llcsnap)\n            assumed from the rates, see --framing',
    );
    // A person reads it on a terminal of 80 columns; the program's bytes are told by a digest.
    for (const line of summary.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(
      /^# the pacing program is written: \S+\/ppp0\.pacing\.o, \d+ bytes, sha256 [0-9a-f]{64}$/m,
    );
    expect(stdout).not.toContain('base64');
    const eth = await inetgw('eth7', '20mbit', '100mbit', '--dry-run', '--quiet');
    expect([eth.exitCode, eth.stderr]).toEqual([EXIT.ok, '']);
    expect(eth.stdout).toContain('docsis');
  });

  it('gives the same steps to a person, a shell and a program', async () => {
    const words = ['ppp0', '210', '1710', '--firewall', 'nft'];
    const [text, script, json] = await Promise.all(
      ['--dry-run', '--dry-run=script', '--json'].map((form) => inetgw(...words, '-n', form)),
    );
    const [head, rest = ''] = (script?.stdout ?? '').split(/(?<=^trap .*\n)/m);
    expect(head).toMatch(
      /^#!\/bin\/sh\n# sets up ppp0, and stops where something fails\n# to undo .*: inetgw ppp0 clear\nset -e\n/,
    );
    const shell = rest.replace(/^# the pacing program\n[^]*?\nEOF\n/, '');
    expect(shell).toContain("tc -batch - <<'EOF'\n");
    expect(text?.stdout.split('\n\n').at(-1)?.split('\n').slice(1).join('\n')).toBe(shell);
    const plan = JSON.parse(json?.stdout ?? '') as PlanJson;
    expect(stepsAsScript(plan.steps)).toBe(`${shell}\n`);
    const bytes = /base64 -d >\S+ <<'EOF'\n([^]*?)\nEOF$/m.exec(script?.stdout ?? '')?.[1] ?? '';
    const sha256 = createHash('sha256').update(Buffer.from(bytes, 'base64')).digest('hex');
    expect(plan.pacing?.sha256).toBe(sha256);
    expect(text?.stdout).toContain(sha256);
    expect(plan).toMatchObject({
      device: 'ppp0',
      link: { exists: false },
      upBitPerSec: 210_000,
      firewall: 'nft',
    });
  });

  it('shows what clearing would take away, and takes nothing away', async () => {
    const nothing = await inetgw('lo', 'clear', '--dry-run');
    expect([nothing.exitCode, nothing.stdout]).toEqual([EXIT.ok, 'lo: nothing to clear']);
    const show = `"${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo clear`;
    const { code, stdout } = await inNamespace(`
      nft add table inet inetgw_lo; mkdir -p /run/inetgw/netns-$(readlink /proc/self/ns/net | tr -dc 0-9)
      ${show} --dry-run; nft list tables; ${show} --dry-run=script >/run/script; sh -e /run/script; nft list tables`);
    expect(code).toBe(0);
    expect(stdout).toContain('lo would be cleared; nothing was changed\n  programs  nft\n');
    expect(stdout.match(/^table inet inetgw_lo$/gm)).toHaveLength(1);
    const plain = await execa('setpriv', [
      '--bounding-set=-all',
      '--inh-caps=-all',
      'sh',
      '-c',
      `${show} --dry-run`,
    ]);
    expect(plain.stderr).toContain('could not see the firewall rules');
  });

  it('checks the machine without a device, and before the device is there', async () => {
    const results = await Promise.all(
      [[], ['ppp0'], ['lo']].map((words) => inetgw('check', ...words, '--json')),
    );
    for (const [n, { exitCode, stdout, stderr }] of results.entries()) {
      const result = JSON.parse(stdout) as Record<string, unknown> & CheckResult;
      expect([exitCode, stderr]).toEqual([result.ready ? EXIT.ok : EXIT.missing, '']);
      expect([result['device'], result['exists']]).toEqual(
        [
          [undefined, undefined],
          ['ppp0', false],
          ['lo', true],
        ][n],
      );
      for (const item of result.items) expect(item.cost).not.toBe('');
      expect(result.autoFirewall.why).not.toBe('');
    }
    const { stdout } = await inetgw('check', 'ppp0');
    expect(stdout).toMatch(/^kernel .*\n\nrequired\n +(yes|no) +tc /);
    expect(stdout).toContain('ppp0: not there yet; by its name ppp, mtu 1492\n');
    expect(stdout).toMatch(/\n {7}--firewall auto takes (nft|iptables|none): /);
    expect(stdout).toMatch(/\n(not )?ready[^\n]*$/);
  });

  it('checks in lines that fit the terminal', async () => {
    await build();
    const command = `stty cols 80; unshare --net "${process.execPath}" "${ROOT}/dist/bin/inetgw.js" check lo`;
    const { stdout } = await execa('script', ['-qfec', command, '/dev/null'], {
      stdin: 'ignore',
      reject: false,
    });
    const lines = stdout.split(/\r?\n/);
    expect(lines.length).toBeGreaterThan(20);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('checks a machine without tc, nft and iptables', async () => {
    const { code, stdout, stderr } = await inNamespace(
      `mount -t tmpfs tmpfs /usr/sbin; "${process.execPath}" "${ROOT}/dist/bin/inetgw.js" check lo --json`,
    );
    const result = JSON.parse(stdout) as CheckResult & { queues: string };
    expect([code, stderr, result.ready]).toEqual([EXIT.missing, '', false]);
    expect(result.autoFirewall.tool).toBeNull();
    expect(result.autoFirewall.why).toMatch(/nft was not found, and there is no iptables-restore/);
    expect(result.queues).toBe('cannot be seen: tc was not found');
    expect(result.items.find(({ name }) => name === 'tc')?.state).toBe('missing');
  });

  it('clears a device that has nothing, and one that does not exist', async () => {
    const nothing = await inetgw('lo', 'clear');
    expect([nothing.exitCode, nothing.stdout]).toEqual([EXIT.ok, 'lo: nothing to clear']);
    const gone = await inetgw('ppp7', 'clear');
    expect([gone.exitCode, gone.stdout]).toEqual([EXIT.ok, 'ppp7: the device is gone, nothing to clear']);
  });
});
