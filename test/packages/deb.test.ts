/**
 * The Debian package, as an administrator meets it: installed by apt in a clean system that has nothing but what it
 * depends on, used, upgraded, removed and purged. One after another in one root.
 */
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chosenSuite, CleanRoot, hasNode20 } from './cleanRoot.ts';
import { makePackages, NEXT_VERSION, provideNode, type Packages } from './packages.ts';

const suite = chosenSuite();
const INSTALL = 'apt-get install -y --no-install-recommends';
const isRoot = process.getuid?.() === 0;

let made: Packages;
beforeAll(async () => {
  made = await makePackages();
});
afterAll(() => made.remove());

describe('lintian', () => {
  it('finds neither errors nor warnings, and no override without need', async () => {
    const words = ['--fail-on', 'error,warning', '--allow-root', '--tag-display-limit', '0', made.deb];
    const { exitCode, stdout } = await execa('lintian', words, { reject: false });
    expect(
      stdout.split('\n').filter((line) => /^[EW]: |mismatched-override|unused-override/.test(line)),
    ).toEqual([]);
    expect(exitCode).toBe(0);
  });
});

describe.skipIf(!isRoot)(`the package in a clean root of ${suite}`, () => {
  let root: CleanRoot;
  let deb: string;
  let next: string;
  let before: string[];
  beforeAll(async () => {
    root = await CleanRoot.open(suite, made.deb);
    [deb = '', next = ''] = await root.bring(made.deb, made.nextDeb);
  });
  afterAll(() => root.close());

  it.skipIf(hasNode20(suite))('is refused by apt without Node 20, by name', async () => {
    const { code, text } = await root.sh(`${INSTALL} ${deb}`);
    expect(code).not.toBe(0);
    expect(text).toContain('nodejs (>= 20)');
  });
  it('is installed by apt with what it depends on, and nothing else', async () => {
    await provideNode(root, suite, made);
    // What apt installs for it is not taken away with it: both lists are compared with the dependencies in place.
    const depends = 'iproute2 nftables iputils-ping nodejs';
    await root.run(`${INSTALL} ${depends}`);
    before = await root.files();
    const installed = await root.run("dpkg-query -W -f '${Package}\\n' | sort");
    const text = await root.run(`${INSTALL} ${deb}`);
    expect(text).not.toMatch(/warning|error|not found/i);
    const now = await root.run("dpkg-query -W -f '${Package}\\n' | sort");
    expect(now.split('\n').filter((name) => !installed.split('\n').includes(name))).toEqual(['inetgw']);
    for (const absent of ['/etc/protocols', '/usr/sbin/iptables', '/usr/bin/systemctl', '/usr/sbin/modprobe'])
      expect([absent, await root.has(absent)]).toEqual([absent, false]);
  });
  it('is what was packed', async () => {
    expect(await root.run('dpkg --verify inetgw')).toBe('');
    expect(await root.run("dpkg-query -W -f '${Conffiles}' inetgw")).toMatch(
      /^\s*\/etc\/inetgw\.conf \w+\s+\/etc\/logrotate\.d\/iprelay \w+$/,
    );
  });
  it.each(['inetgw', 'searchbw', 'iprelay'])('%s runs without any environment', async (command) => {
    expect(await root.run(`env -i /usr/bin/${command} --version`)).toMatch(/^\S+ \d+\.\d+\.\d+/);
    expect(await root.run(`env -i /usr/bin/${command} --help`)).toContain(command);
  });
  it('finds its configuration right, and plans', async () => {
    await root.run('inetgw config check');
    expect(await root.run('env -i /usr/bin/inetgw ppp0 210 1710 --dry-run=script')).toContain(
      'skbedit priority 4947:10 mark 20',
    );
  });
  it('its firewall rules are understood by what it depends on', async () => {
    const { text } = await root.sh('inetgw check lo');
    expect(text).toMatch(/^ *yes +rules by nft /m);
    expect(text).toMatch(/^ *yes +tc /m);
    const rules = `inetgw rules ingress lo --format nft | nft -c -f - && inetgw rules egress lo --format nft | nft -c -f -`;
    expect(await root.sh(rules)).toEqual({ code: 0, text: '' });
  });
  it('searchbw pings', async () => {
    expect(await root.run('ping -c 1 -n 127.0.0.1')).toContain('1 received');
  });
  it('carries a relay, which logs, is commanded and ends', async () => {
    await root.run(`node -e "require('net').createServer((s) => s.end('through')).listen(9000, '127.0.0.1')" >/dev/null 2>&1 &
      until [ -n "$(ss -Hltn sport = :9000)" ]; do sleep 0.1; done`);
    await root.run('iprelay -d 127.0.0.1:8000:127.0.0.1:9000');
    const read = "node -e \"require('net').connect(8000, '127.0.0.1').pipe(process.stdout)\"";
    expect(await root.run(read)).toBe('through');
    expect(await root.run('iprelay ctl 8000 show forwarders')).toContain('127.0.0.1:9000');
    expect(await root.run('cat /var/log/iprelay-8000.log')).toMatch(/CONN000001/);
  });
  it('brings manual pages, completions, units, examples and documentation to where each is looked for', async () => {
    for (const path of [
      '/usr/share/man/man8/inetgw.8.gz',
      '/usr/share/man/man5/inetgw.conf.5.gz',
      '/usr/share/man/man1/iprelay.1.gz',
      '/usr/share/man/man1/searchbw.1.gz',
      '/usr/share/bash-completion/completions/inetgw',
      '/usr/share/zsh/vendor-completions/_iprelay',
      '/usr/share/fish/vendor_completions.d/searchbw.fish',
      '/usr/lib/systemd/system/inetgw@.service',
      '/usr/lib/systemd/system/inetgw-heal.service',
      '/usr/lib/systemd/system/inetgw.service',
      '/etc/systemd/system/paths.target.wants/inetgw-heal.path',
      '/usr/share/inetgw/heal.sh',
      '/usr/lib/systemd/system/iprelay@.service',
      '/usr/lib/systemd/system/iprelay@.socket',
      '/usr/share/doc/inetgw/examples/inetgw.conf.example',
      '/usr/share/doc/inetgw/examples/iprelay.toml',
      '/usr/share/doc/inetgw/README.md',
      '/usr/share/doc/inetgw/CHANGELOG.md',
      '/usr/share/doc/inetgw/docs/install.md',
      '/usr/share/doc/inetgw/docs/iprelay.md',
      '/usr/share/doc/inetgw/docs/iprelay-reference.md',
      '/usr/share/inetgw/hooks/ppp-ip-up',
      '/usr/share/inetgw/prometheus/inetgw.rules.yml',
      '/usr/share/inetgw/grafana/inetgw.json',
      '/usr/share/inetgw/ansible/inetgw/tasks/main.yml',
      '/usr/share/inetgw/systemd/inetgw-metrics.service',
      '/usr/share/inetgw/systemd/inetgw-metrics.timer',
      '/usr/share/doc/inetgw/docs/monitoring.md',
      '/usr/lib/inetgw/templates/iptables-egress',
    ])
      expect([path, (await root.sh(`test -s ${path}`)).code]).toEqual([path, 0]);
    expect(await root.run("find / -xdev -xtype l -path '*inetgw*'")).toBe('');
  });
  it('prints the example of the configuration and the completions', async () => {
    expect(await root.run('inetgw config example | cmp - /etc/inetgw.conf')).toBe('');
    const loaded = `bash -c 'source <(inetgw completion bash) && complete -p inetgw searchbw iprelay'`;
    expect(await root.run(loaded)).toContain('complete -F _iprelay iprelay');
  });
  it('a snippet says so where there is no iptables', async () => {
    const { code, text } = await root.sh('DEV=lo; . /usr/share/inetgw/iptables-egress');
    expect(code).not.toBe(0);
    expect(text).toMatch(/iptables/);
  });

  describe('hooks', () => {
    const kinds = ['ppp', 'ifupdown', 'networkmanager'] as const;
    const places = {
      ppp: ['/etc/ppp/ip-up.d/inetgw-ppp0', '/etc/ppp/ip-down.d/inetgw-ppp0'],
      ifupdown: ['/etc/network/if-up.d/inetgw-ppp0', '/etc/network/if-down.d/inetgw-ppp0'],
      networkmanager: ['/etc/NetworkManager/dispatcher.d/90-inetgw-ppp0'],
    };
    const hooks = kinds.flatMap((kind) => places[kind]);
    const unit = '/etc/systemd/system/inetgw@ppp0.service';
    it('call the installed program', async () => {
      await root.run(
        'mkdir -p /etc/ppp/ip-up.d /etc/ppp/ip-down.d /etc/NetworkManager/dispatcher.d /etc/network/if-up.d /etc/network/if-down.d',
      );
      for (const kind of kinds) await root.run(`inetgw install-hook ${kind} ppp0 210 1710 --quiet`);
      await root.run('mkdir -p /etc/systemd/system && inetgw install-hook systemd ppp0 210 1710 --quiet');
      for (const hook of hooks)
        expect(await root.run(`grep -c '/usr/bin/node /usr/bin/inetgw "$dev" ' ${hook}`)).not.toBe('0');
      expect(await root.run(`cat ${unit}`)).toContain(
        'ExecStart=/usr/bin/node /usr/bin/inetgw ppp0 210 1710',
      );
    });

    it('an upgrade keeps the edited configuration, the hooks and what is in force', async () => {
      // What a shaper leaves behind, as far as any kernel can carry it: a record and firewall rules.
      await root.run(
        `mkdir -p /run/inetgw && echo '{}' >/run/inetgw/lo.json && nft add table inet inetgw_lo
         ip netns add other && folder=/run/inetgw/netns-$(stat -Lc %i /run/netns/other) && mkdir $folder
         echo '{}' >$folder/wan1.json && ip netns exec other nft add table inet inetgw_wan1`,
      );
      await root.run("echo '# mine' >>/etc/inetgw.conf");
      await root.run(`${INSTALL} -o Dpkg::Options::=--force-confold ${next}`);
      expect(await root.run("dpkg-query -W -f '${Version}' inetgw")).toBe(NEXT_VERSION);
      expect(await root.run('cat /etc/inetgw.conf')).toMatch(/^# mine$/m);
      expect(await root.has('/run/inetgw/lo.json')).toBe(true);
      await root.run('nft list table inet inetgw_lo');
      for (const hook of [...hooks, unit]) expect([hook, await root.has(hook)]).toEqual([hook, true]);
      expect(await root.run('iprelay ctl 8000 show version')).toMatch(/\d/);
    });
    it('removal takes away what is in force, ends relays, and disables instances', async () => {
      await root.run(`mkdir -p /etc/systemd/system/multi-user.target.wants
        ln -s /usr/lib/systemd/system/iprelay@.service /etc/systemd/system/multi-user.target.wants/iprelay@web.service
        ln -s /usr/lib/systemd/system/inetgw@.service /etc/systemd/system/multi-user.target.wants/inetgw@ppp0.service`);
      const text = await root.run('apt-get remove -y inetgw');
      expect(text).not.toMatch(/^inetgw: |systemctl/m);
      expect(await root.has('/run/inetgw/lo.json')).toBe(false);
      expect(await root.run('nft list tables; ip netns exec other nft list tables; ls -A /run/inetgw')).toBe(
        'iprelay',
      );
      await root.run('ip netns delete other && umount /run/netns && rmdir /run/netns');
      for (const link of ['iprelay@web.service', 'inetgw@ppp0.service'])
        expect([link, await root.has(`/etc/systemd/system/multi-user.target.wants/${link}`)]).toEqual([
          link,
          false,
        ]);
      expect(await root.run('ss -Hltn sport = :8000')).toBe('');
      expect(await root.has('/etc/inetgw.conf')).toBe(true);
      expect(await root.has('/usr/bin/inetgw')).toBe(false);
    });
    it('then do nothing, say nothing and write nothing', async () => {
      await root.run(
        "printf '#!/bin/sh\\ncat >>/tmp/logged\\n' >/usr/bin/logger.new && chmod +x /usr/bin/logger.new && mv /usr/bin/logger /usr/bin/logger.kept && mv /usr/bin/logger.new /usr/bin/logger",
      );
      for (const hook of hooks)
        expect(
          await root.sh(
            `PPP_IFACE=ppp0 IFACE=ppp0 DEVICE_IP_IFACE=ppp0 ${hook} ppp0 up && PPP_IFACE=ppp0 IFACE=ppp0 DEVICE_IP_IFACE=ppp0 ${hook} ppp0 down`,
          ),
        ).toEqual({ code: 0, text: '' });
      await root.run('mv /usr/bin/logger.kept /usr/bin/logger');
      expect(await root.has('/tmp/logged')).toBe(false);
      expect(await root.run(`cat ${unit}`)).toMatch(/^ConditionFileIsExecutable=\/usr\/bin\/inetgw$/m);
    });
    it('a purge leaves only the hook that was edited, and those of another installation, and says so', async () => {
      const [edited = '', another = ''] = hooks;
      await root.run(`echo '# mine' >>${edited}`);
      await root.run(`cp ${another} /tmp/another && sed -i 's#/usr/bin/inetgw#/opt/inetgw#' ${another}`);
      const text = await root.run('apt-get purge -y inetgw');
      expect(text).toContain(`inetgw: ${edited} was edited and stays`);
      expect(text).not.toContain(another);
      for (const hook of [...hooks, unit])
        expect([hook, await root.has(hook)]).toEqual([hook, hook === edited || hook === another]);
      await root.run(`rm ${edited} ${another}`);
    });
  });
  it('nothing is left after a purge', async () => {
    await root.run(`rmdir /etc/ppp/ip-up.d /etc/ppp/ip-down.d /etc/ppp /etc/NetworkManager/dispatcher.d /etc/NetworkManager
      rmdir --ignore-fail-on-non-empty -p /etc/network/if-up.d /etc/network/if-down.d /etc/systemd/system`);
    expect(await root.files()).toEqual(before);
  });
});

describe.skipIf(!isRoot)(`logrotate in a clean root of ${suite}`, () => {
  let root: CleanRoot;
  beforeAll(async () => {
    root = await CleanRoot.open(suite, made.deb);
    await provideNode(root, suite, made);
    const [deb = ''] = await root.bring(made.deb);
    await root.run(`${INSTALL} logrotate ${deb}`);
  });
  afterAll(() => root.close());
  const rotate = async (): Promise<void> => {
    expect(await root.run('logrotate --force /etc/logrotate.conf')).toBe('');
  };
  const connect = (): Promise<string> =>
    root.run("node -e \"require('net').connect(8000, '127.0.0.1').on('error', () => {}).resume()\"");

  it('moves the log of a relay that runs on, which begins another one', async () => {
    await root.run('iprelay -d 127.0.0.1:8000:127.0.0.1:9');
    await connect();
    await rotate();
    await connect();
    expect(await root.run('ls /var/log | grep iprelay')).toBe('iprelay-8000.log\niprelay-8000.log.1');
    for (const [file, number] of [
      ['iprelay-8000.log.1', 1],
      ['iprelay-8000.log', 2],
    ] as const) {
      const numbers = (await root.run(`grep -o 'CONN[0-9][0-9]*' /var/log/${file}`)).split('\n');
      expect([file, [...new Set(numbers)]]).toEqual([file, [`CONN00000${number}`]]);
    }
    await rotate();
    expect(await root.run('ls /var/log | grep iprelay')).toContain('iprelay-8000.log.2.gz');
  });
  it('says nothing where the package was removed', async () => {
    await root.run('apt-get remove -y inetgw');
    await root.run('echo old >/var/log/iprelay-8000.log');
    await rotate();
    await root.run('apt-get purge -y inetgw');
    expect(await root.run('find /etc/logrotate.d /var/log -name "iprelay*"')).toBe('');
  });
});
