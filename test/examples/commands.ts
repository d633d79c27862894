/**
 * What becomes of each command that a document, a manual page or a help text shows: who runs it, or why nobody does.
 * test/unit/examples.test.ts holds the list and the documents together, in both directions; a new command needs a line.
 */

export type Treatment =
  /**
   * Run as it stands by test/lab/examples.test.ts on a gateway with a real ppp0, in the order of this list, by bash.
   * `code`: the exit code, 0 by default. `says`: what must be in its output. `long`: only in the lab's long form.
   */
  | { by: 'lab'; code?: number; says?: string; load?: 'DOWN' | 'UP'; long?: boolean }
  /** Run by another test, which contains this text. */
  | { by: 'test'; file: string; holds: string }
  | { by: 'nobody'; why: string };

/** `command`: the command itself, or several of a kind. */
export interface Example {
  command: string | RegExp;
  treatment: Treatment;
}

const lab = (command: string, says?: string, code = 0): Example => ({
  command,
  treatment: { by: 'lab', code, ...(says === undefined ? {} : { says }) },
});
const test = (command: string | RegExp, file: string, holds: string): Example => ({
  command,
  treatment: { by: 'test', file, holds },
});
const nobody = (command: string | RegExp, why: string): Example => ({
  command,
  treatment: { by: 'nobody', why },
});

const PART = 'part of a command, named within a sentence';
const HOURS = 'hours, or a figure that depends on the machine; its result stands in the document';

export const EXAMPLES: readonly Example[] = [
  // On a gateway that nothing has been done on yet.
  lab('inetgw --help', 'inetgw ppp0 210 1710'),
  lab('inetgw --version', 'inetgw '),
  lab('inetgw check', 'ready'),
  lab('inetgw ppp0 210 1710 --dry-run', 'ppp0 would be set up; nothing was changed'),
  lab('inetgw config example', '#up = 210'),
  lab('inetgw config example > /etc/inetgw.conf'),
  lab('inetgw config check', '/etc/inetgw.conf is right'),
  lab('inetgw completion bash', 'complete -F _iprelay iprelay'),
  lab('source <(inetgw completion bash)'),
  lab('inetgw ppp0 210 1710', 'ppp0: up 210 kbit/s, down 1710 kbit/s'),
  lab('inetgw ppp0', 'ppp0 (ppp, mtu 1492): up 210 kbit/s'),
  lab('inetgw ppp0 215 1715', '(changed in place)'),
  lab('inetgw ppp0 10mbit 50mbit --framing vdsl', '(pppoe-ptm)'),
  lab('inetgw ppp0 210 1710 --interactive-hosts 192.168.1.20 --bulk-hosts 192.168.1.30', 'ppp0: up 210'),
  lab('inetgw status', 'ppp0'),
  lab('inetgw status --json', '"state": "shaped"'),
  lab('inetgw report', '"inForce": true'),
  lab('inetgw metrics', 'inetgw_in_force{device="ppp0"} 1'),
  lab('inetgw watch --once --json', '"device": "ppp0"'),
  lab('inetgw heal', 'ppp0: whole, nothing to do'),
  test('inetgw ppp0 4875 19600 --down-min 3mbit', 'test/lab/followed.ts', "'--down-min', `${3 * scale}mbit`"),
  test('inetgw serve', 'test/lab/followed.ts', "commandArgv('inetgw', 'serve'"),
  test(
    'inetgw serve --listen unix:/run/inetgw/http.sock',
    'test/cli/serveListen.test.ts',
    "SOCKET = '/run/inetgw/http.sock'",
  ),
  test('inetgw serve --listen 127.0.0.1:8080', 'test/cli/serveListen.test.ts', "--listen '[::1]:8080'"),
  test(
    'inetgw serve --listen unix:/run/inetgw/http.sock --change-token-file /etc/inetgw.change-token',
    'test/cli/serveChanges.test.ts',
    '--change-token-file /run/token',
  ),
  test(
    'inetgw serve --listen unix:/run/inetgw/http.sock --reports /var/lib/inetgw/reports',
    'test/cli/serveListen.test.ts',
    '--reports /run/reports',
  ),
  test('ip link add xfrm0 type xfrm dev eth0 if_id 42', 'test/lab/tunnels.ts', 'type xfrm dev'),
  test('ip link set xfrm0 up', 'test/lab/tunnels.ts', 'ip link set ${device} up'),
  nobody('inetgw serve --listen', PART),
  nobody('inetgw serve --change-token-file', PART),
  nobody('systemctl daemon-reload', 'systemd has to run; the unit is tried by npm run platforms'),
  nobody('systemctl enable --now inetgw.service', 'the same; serve --listen itself is tested'),
  test('inetgw watch', 'test/cli/watch.test.ts', 'dist/bin/inetgw.js watch'),
  test('inetgw watch --once', 'test/lab/flows.test.ts', "'watch', '--once', '--names'"),
  test(
    'inetgw watch --names /var/lib/misc/dnsmasq.leases',
    'test/lab/accounts.test.ts',
    "'watch', '--once', '--names', '/run/lab/leases'",
  ),
  test(
    'inetgw metrics --per-host 20 --names /var/lib/misc/dnsmasq.leases',
    'test/lab/accounts.test.ts',
    "'metrics', '--per-host', '20', '--names', '/run/lab/leases'",
  ),
  lab('inetgw ppp0 clear', 'ppp0: cleared'),
  lab('inetgw eth1 20mbit 100mbit --framing cable', 'eth1: up 20 Mbit/s'),
  lab('inetgw eth1 --up 20mbit --down 100mbit', 'eth1: up 20 Mbit/s'),
  lab('inetgw eth1 95mbit 480mbit --framing fiber', 'eth1: up 95 Mbit/s'),
  lab('inetgw eth1 8mbit 30mbit --framing lte', 'eth1: up 8000 kbit/s'),
  lab('inetgw eth1 9mbit 45mbit --framing vdsl', 'eth1: up 9000 kbit/s'),
  lab('inetgw rules egress ppp0 --format nft', 'oifname != "ppp0" return'),
  lab('inetgw rules ingress ppp0 --mark 30', '--mark 30'),
  lab('inetgw install-hook ppp ppp0 210 1710', '/etc/ppp/ip-up.d/'),
  lab("inetgw install-hook ppp 'ppp*' 210 1710", '/etc/ppp/ip-up.d/'),
  lab('inetgw install-hook networkmanager ppp0 210 1710', 'dispatcher.d/'),
  lab('inetgw install-hook ifupdown eth1 20mbit 100mbit --framing docsis', '/etc/network/if-up.d/'),
  lab('inetgw install-hook systemd eth1', '.service'),
  lab('inetgw install-hook heal', 'inetgw-heal.path'),
  // The file that was written above has rates for no device.
  lab('inetgw apply', 'nothing to do'),
  lab('inetgw apply ppp0', 'has no section for ppp0', 6),
  test('inetgw eth0 588 2940', 'test/lab/tunnels.test.ts', "'eth0', '588', '2940'"),
  test('inetgw wg0 588 2940', 'test/lab/tunnels.test.ts', "'588', '2940'"),
  test('inetgw wg0', 'test/lab/tunnels.test.ts', "names('wg0')"),
  test('inetgw eth0', 'test/lab/tunnels.test.ts', "statistics(guest, 'eth0')"),
  test(
    'inetgw metrics ppp0 --output /var/lib/prometheus/node-exporter/inetgw.prom',
    'test/lab/metrics.test.ts',
    "'metrics', 'ppp0', '--output'",
  ),
  nobody(
    /^systemctl (?:enable --now|status) inetgw-metrics\.timer/,
    'there is no node_exporter; what the unit runs, the lab does',
  ),
  test(/^ansible-playbook -i gateways\.yml site\.yml/, 'test/cli/ansible.test.ts', 'changed: [0, 0, 0]'),
  nobody(/^ansible gateways /, 'what it has run, the lab does'),
  test('inetgw apply --check --json', 'test/cli/ansible.test.ts', 'would be set up: nothing is in force'),
  nobody('iprelay --metrics', PART),
  lab('iprelay --version', 'iprelay '),
  lab('iprelay list'),
  test(
    'searchbw ppp0 DOWN 1300-1800 50 5 210 --save /var/lib/inetgw/reports/down.json',
    'test/lab/searchbw.test.ts',
    "'1300-1800', '50', '5', '210'",
  ),
  test('searchbw ppp0 DOWN 1300-1800 50 5 210', 'test/lab/searchbw.test.ts', "'1300-1800', '50', '5', '210'"),
  // The line of the lab is best below this interval, which it says: exit code 1. Six hundred pings: two minutes.
  {
    command: 'searchbw ppp0 DOWN 1650-1750 20 100 210',
    treatment: { by: 'lab', load: 'DOWN', code: 1, says: 'next:     searchbw ppp0 DOWN', long: true },
  },
  test('searchbw ppp0 UP 150-250 10 5 1710', 'test/lab/searchbw.test.ts', "'150-250', '10', '5', '1710'"),

  test('searchbw ppp0 DOWN --auto', 'test/lab/searchbw.test.ts', "'ppp0', 'DOWN', '--auto', '215'"),
  test('searchbw ppp0 UP --auto 1710', 'test/lab/searchbw.test.ts', "'ppp0', 'DOWN', '--auto', '215'"),
  nobody('searchbw ppp0 AUTO', PART),
  test('searchbw show line.json --csv', 'test/cli/searchbw.test.ts', "['show', file, '--csv']"),
  test(/(?:source|\.) \/usr\/share\/inetgw\/iptables-/, 'test/cli/rules.test.ts', 'DEV=ppp0; . ${egress}'),
  test('source <(inetgw completion zsh)', 'test/cli/completions.test.ts', 'source $1; print $_comps[inetgw]'),
  test('inetgw completion fish | source', 'test/cli/completions.test.ts', "inetgw('completion', shell)"),
  ...[
    /^curl (?:-s|-sS) --connect-to ::localhost:808[012] /,
    /^curl -s (?:-d|-X POST) .*http:\/\/localhost:8474\//,
    'iprelay -d -b 100k --name mirror 8080:deb.debian.org:80',
    'iprelay ctl mirror set bandwidth 2mbit',
    'iprelay ctl mirror show stats',
    'iprelay -d --name bad 8081:deb.debian.org:80',
    /^iprelay ctl bad set fault all /,
    'iprelay -d --name suite --api 8474',
    /^iprelay stop (?:mirror|bad|suite|web)$/,
    'redis-server --daemonize yes --requirepass s3cret',
    'chmod 600 web.toml',
    'iprelay -d --name web --config web.toml',
    /^iprelay ctl web (?:show share|set share_weight 3)$/,
    'redis-cli --no-auth-warning -a s3cret shutdown nosave',
  ].map((command) => test(command, 'test/cli/iprelay-tutorial.test.ts', 'takeAll(section(')),
  test(
    /^iprelay -d .*(?:808[34567]|8000-8010):deb\.debian\.org:80$/,
    'test/cli/iprelay-tutorial.test.ts',
    "commandsInMarkdown(section('How to'))",
  ),
  test('iprelay ctl 8087 show times', 'test/cli/iprelay-tutorial.test.ts', "'iprelay ctl 8087 show times'"),
  nobody('apt install redis-server', 'installed it would listen on this machine: the test unpacks it'),
  test('iprelay -d 110:1.2.3.4:110', 'test/cli/iprelay-examples.test.ts', 'iprelay -d 110:1.2.3.4:110'),
  test(
    'iprelay -d 0.0.0.0:110:1.2.3.4:110',
    'test/cli/iprelay-examples.test.ts',
    'iprelay -d 0.0.0.0:110:1.2.3.4:110',
  ),
  test('iprelay -f --api 8474', 'test/cli/iprelay-toxiproxy.test.ts', "'-f', '--log', 'none'"),
  test(
    'iprelay -d -b 512 10080:www.microsoft.com:80',
    'test/cli/iprelay-examples.test.ts',
    'iprelay -d -b 512 10080:www.microsoft.com:80',
  ),
  test(
    'iprelay -d -b 1024 10110:localhost:10001',
    'test/cli/iprelay-examples.test.ts',
    'iprelay -d -b 1024 10110:localhost:10001',
  ),
  test(
    /^iprelay -b 3072 10001:pop3\.(?:somewhere\.net|example\.net):110$/,
    'test/cli/iprelay-examples.test.ts',
    'iprelay -b 3072 10001:pop3.somewhere.net:110',
  ),
  test(
    'iprelay ctl 10110 set bandwidth 2048',
    'test/cli/iprelay.test.ts',
    "['ctl', 'mail', 'set', 'bandwidth', '1024']",
  ),
  test(
    'systemctl enable --now inetgw@ppp0.service',
    'test/lab/systemd.test.ts',
    'systemctl enable --now inetgw@ppp0.service',
  ),
  nobody(
    'systemctl enable "inetgw@$(systemd-escape dsl-0).service"',
    'systemd-escape(1) does it, no program of ours',
  ),
  nobody('journalctl -t inetgw', "the host's journal; that hooks write to it: test/lab/gateway.test.ts"),

  test(/^npm pack$|^npm ci && npm pack$/, 'test/cli/npmPack.test.ts', "'pack', '--ignore-scripts'"),
  test('npm install -g ./inetgw-*.tgz', 'test/cli/npmPack.test.ts', "'--global'"),
  test('npm run deb', 'test/packages/packages.ts', 'buildDeb'),
  test(/^gpg --quick-generate-key /, 'test/packages/aptRepository.test.ts', "'--quick-generate-key'"),
  test(
    /^(?:install -D -m 644|rm \/etc\/apt\/sources\.list\.d\/inetgw\.list|apt-get update && )/,
    'test/packages/aptRepository.test.ts',
    '/etc/apt/keyrings/inetgw.gpg',
  ),
  test(/^apt-get (?:install inetgw|upgrade)$/, 'test/packages/aptRepository.test.ts', 'apt-get upgrade -y'),
  test('npm install -g ./inetgw-0.1.0.tgz', 'test/packages/npm.test.ts', 'install --global /tmp/inetgw-'),
  test(/^sed "s#\/usr\/bin\/iprelay#.*iprelay@/, 'test/packages/npm.test.ts', "sed 's#/usr/bin/iprelay#"),
  test('inetgw clear --all', 'test/cli/netns.test.ts', 'clear --all'),
  test(/^sed "s#\/usr\/bin\/iprelay#.*logrotate/, 'test/packages/npm.test.ts', 'templates/logrotate/iprelay'),
  test(/^inetgw uninstall\b/, 'test/packages/npm.test.ts', 'inetgw uninstall --purge'),
  nobody(/^npm (?:ci|uninstall)$/, PART),
  nobody(
    /^(?:podman|docker) /,
    'an image comes from a registry: test/packages/container.test.ts takes the steps',
  ),
  test('npm run generate', 'test/unit/generated.test.ts', 'generatedFiles'),
  test('npm run lint', 'scripts/test.ts', "bin('depcruise')"),
  test('npm run typecheck', 'scripts/test.ts', "bin('tsc')"),
  test('npm run build', 'test/cli/build.test.ts', 'scripts/build.mjs'),
  test('npm run apt-repository', 'test/packages/aptRepository.test.ts', 'aptRepository'),
  nobody(/^npm run test:(?:unit|watch)\b/, 'they are part of npm test'),
  test(
    /^apt-get (?:install \.\/inetgw_|remove |purge )/,
    'test/packages/deb.test.ts',
    'apt-get purge -y inetgw',
  ),
  nobody('npm test', 'it is what runs this list'),
  nobody(/^npm run platforms\b/, 'guests with other Debians, an hour; what it found stands in the document'),
  test('npm run roots -- --one', '.ci/steps.txt', 'roots -- --one'),
  nobody(/^npm run roots\b(?!.*--one)/, 'minutes to hours; CI runs another combination each day'),
  nobody('npm run test:packages', 'clean Debian roots are made for it: a run of its own'),
  test('npm run demo', 'scripts/ci/main.mjs', "'npm run demo': wrongWithDemo"),
  nobody(/^npm run demo -- /, 'the same with another line: a minute of an emulated machine of its own'),
  nobody(/^npm (?:ci --ignore-scripts|audit)$/, 'they ask the registry: a run of its own'),
  nobody(/^npm run (?:bench|bench:document|plots|coverage|mutation|fuzz|faults|test:long|test:lab)\b/, HOURS),
  nobody(/^npx tsx scripts\//, HOURS),
  nobody(/^npx vitest run /, 'the test that it names is part of npm test or of npm run test:lab'),
  nobody(
    /^systemctl daemon-reload && systemctl enable --now inetgw-heal\.path$/,
    'it needs a running systemd',
  ),
  nobody('journalctl -u inetgw-heal', PART),
  nobody(/^(?:searchbw --load|searchbw show|inetgw -n|inetgw install-hook|iprelay -[bd])$/, PART),
];

/** The treatments of a command: there must be one. */
export function treatmentsOf(command: string): Treatment[] {
  return EXAMPLES.filter((each) => matches(each, command)).map(({ treatment }) => treatment);
}

export function matches({ command: wanted }: Example, command: string): boolean {
  return typeof wanted === 'string' ? wanted === command : wanted.test(command);
}
