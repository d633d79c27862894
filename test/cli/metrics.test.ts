/** Metrics as Prometheus' own tool reads them, the alert rules, and the file that `inetgw metrics --output` writes. */
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DASHBOARD_QUERIES } from '../../scripts/dashboard.ts';
import { exposition } from '../../src/core/exposition.ts';
import { metricsOf } from '../../src/report/metrics/metrics.ts';
import { someStatistics } from '../unit/report/someStatistics.ts';
import { inetgw, inNamespace, ROOT } from './helpers/built.ts';
import { freePort } from '../freePort.ts';
import { startPrometheus, type Prometheus, type Series } from '../prometheus.ts';
import { build } from './helpers/buildOnce.ts';
import { debianProgram, type Program } from './helpers/debianProgram.ts';

const path = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));

describe('promtool', () => {
  let promtool: Program;
  beforeAll(async () => {
    promtool = await debianProgram('/usr/bin/promtool', ['prometheus', 'promtool']);
  });
  const run = (args: readonly string[], input?: string) =>
    execa(promtool.file, args, {
      env: promtool.env,
      reject: false,
      ...(input === undefined ? {} : { input }),
    });
  /** What it has to say of the text, beside its exit code. */
  const check = async (text: string) => {
    const { exitCode, stdout, stderr } = await run(['check', 'metrics'], text);
    return { exitCode, says: `${stdout}${stderr}` };
  };

  it.each([
    ['with window pacing', {}],
    ['shaped by a queue', { ingress: 'cake' }],
    ['policed', { ingress: 'police', options: { pacing: 'off' } }],
  ] as const)('has nothing to say of a device %s', async (_, line) => {
    const statistics = someStatistics(line);
    const reading = { phase: 'active', conditions: [], statistics, isWhole: true } as const;
    const text = exposition(metricsOf([{ device: 'ppp0', reading }], '1.2.3'));
    expect(await check(text)).toEqual({ exitCode: 0, says: '' });
  });

  it('reads what is in a label, whatever it is', async () => {
    const device = 'a"} 1\nb{x="\\\x1b[2J\u{1f600}\ud800';
    const text = exposition(metricsOf([{ device, reading: undefined }], '1'));
    expect(await check(text)).toEqual({ exitCode: 0, says: '' });
  });

  it('has nothing to say of series of hosts, whatever these call themselves', async () => {
    const reading = { phase: 'active', conditions: [], statistics: someStatistics(), isWhole: true } as const;
    const hostile = 'a"} 1\nb{x="\\\x1b[2J\u{1f600}\ud800';
    const report = { device: 'ppp0', reading, names: new Map([['192.168.1.20', hostile]]) };
    const text = exposition(metricsOf([report], '1', 100));
    expect(text).toContain(String.raw`,name="a\"} 1\\nb{x=\"\\\\x1b[2J`);
    expect(await check(text)).toEqual({ exitCode: 0, says: '' });
  });

  it('has nothing to say of those of iprelay', async () => {
    await build();
    const [port, metrics] = [await freePort(), await freePort()];
    const words = ['-f', '--log', 'none', '-b', '3072', '--metrics', String(metrics), `${port}:localhost:80`];
    const relay = execa(process.execPath, [`${ROOT}/dist/bin/iprelay.js`, ...words], { reject: false });
    const read = (): Promise<string> =>
      fetch(`http://127.0.0.1:${metrics}/metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
    await expect.poll(read).toContain('iprelay_forwarder_bytes_total{');
    const text = await read();
    relay.kill();
    await relay;
    expect(await check(text)).toEqual({ exitCode: 0, says: '' });
  });

  it('takes the alert rules, and raises each when it should', async () => {
    const rules = await run(['check', 'rules', path('templates/prometheus/inetgw.rules.yml')]);
    expect([rules.exitCode, rules.stderr]).toEqual([0, '']);
    const tested = await run(['test', 'rules', path('test/fixtures/prometheus/inetgw.rules.test.yml')]);
    expect([tested.exitCode, tested.stdout]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describe('for many gateways', () => {
  it('promtool takes the example of its configuration, with the rules and targets that it names', async () => {
    const promtool = await debianProgram('/usr/bin/promtool', ['prometheus', 'promtool']);
    const run = (...args: readonly string[]) =>
      execa(promtool.file, args, { env: promtool.env, reject: false, all: true });
    const checked = await run('check', 'config', path('templates/prometheus/prometheus.yml'));
    expect([checked.exitCode, checked.all]).toEqual([0, expect.stringContaining('2 rule files found')]);
    const targets = await run(
      'check',
      'service-discovery',
      path('templates/prometheus/prometheus.yml'),
      'gateways',
    );
    expect([targets.exitCode, targets.all]).toEqual([0, expect.stringContaining('"site": "east"')]);
  });
  it('the recording rules tell each line, and what is not in force on which site', async () => {
    const promtool = await debianProgram('/usr/bin/promtool', ['prometheus', 'promtool']);
    const tests = path('test/fixtures/prometheus/inetgw.fleet.rules.test.yml');
    const { exitCode, all } = await execa(promtool.file, ['test', 'rules', tests], {
      env: promtool.env,
      reject: false,
      all: true,
    });
    expect([exitCode, all]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describe('the queries of the dashboard, asked of a real Prometheus', () => {
  const EVERY_SEC = 10;
  const READINGS = 5;
  const nowSec = Math.floor(Date.now() / 1000);
  let prometheus: Prometheus;
  beforeAll(async () => {
    const warning = { id: 'mtu-lowered', severity: 'warning', text: '', remedy: '' } as const;
    const readings = Array.from({ length: READINGS }, (_, n) => {
      const statistics = someStatistics({ times: n + 1 });
      const reading = { phase: 'active', conditions: [warning], statistics, isWhole: true } as const;
      const text = exposition(metricsOf([{ device: 'ppp0', reading }], '1.2.3'));
      return { atSec: nowSec - (READINGS - 1 - n) * EVERY_SEC, text };
    });
    prometheus = await startPrometheus(readings, 'instance="gw",job="node"');
  });
  afterAll(() => prometheus.stop());

  const ask = (expr: string): Promise<Series[]> =>
    prometheus.query(
      expr.replaceAll('$__rate_interval', '45s').replaceAll(/\$(?:site|instance|device)/g, '.*'),
      nowSec,
    );

  it.each(DASHBOARD_QUERIES)('%s', async (expr) => {
    const found = await ask(expr);
    expect(found.length).toBeGreaterThan(0);
    for (const { metric, value } of found) {
      expect([metric['device'], metric['instance']]).toEqual(['ppp0', 'gw']);
      expect(Number.isFinite(value)).toBe(true);
    }
  });

  it('up is the share of the rate that was set', async () => {
    const [up = ''] = DASHBOARD_QUERIES.filter((expr) => expr.includes('direction="up"'));
    // 6000 packets of 500 bytes in 10 s, of 210 kbit/s.
    expect((await ask(up))[0]?.value).toBeCloseTo((6000 * 500 * 8) / EVERY_SEC / 210_000, 1);
  });
});

describe('inetgw metrics', () => {
  beforeAll(build);
  const command = `${process.execPath} ${ROOT}/dist/bin/inetgw.js metrics`;
  /** In a network namespace with a record that nobody can read. */
  const withDamagedRecord = (script: string) =>
    inNamespace(`mkdir -p /run/inetgw; cd /run
      ${command} >/dev/null || exit 99
      record=/run/inetgw/netns-$(stat -Lc %i /proc/self/ns/net)/lo.json
      mkdir -p \${record%/*}; echo '{}' >$record
      ${script}`);

  it('of a machine where nothing is set up, tells the version', async () => {
    const { code, stdout, stderr } = await inNamespace(command);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^# HELP .*\n# TYPE inetgw_info gauge\ninetgw_info\{version="[^"]+"\} 1\n$/);
  });

  it('tells of a device that is not in force, with the condition that says why', async () => {
    const { code, stdout } = await withDamagedRecord(command);
    expect(code).toBe(0);
    expect(stdout).toContain('inetgw_read_success{device="lo"} 1\n');
    expect(stdout).toContain('inetgw_in_force{device="lo"} 0\n');
    expect(stdout).toContain('inetgw_condition{device="lo",code="record-damaged",severity="broken"} 1\n');
    expect(stdout).not.toContain('inetgw_class_');
  });

  it('--output replaces the file as a whole, and leaves nothing beside it', async () => {
    const { code, stdout, stderr } =
      await withDamagedRecord(`mkdir out; echo old >out/inetgw.prom; exec 3<out/inetgw.prom
      ${command} --output out/inetgw.prom; ls -A out; cat <&3; tail -n 1 out/inetgw.prom; stat -c %a out/inetgw.prom`);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^inetgw\.prom\nold\ninetgw_condition\{.*\} [01]\n644\n$/);
  });

  it.each([
    ['/run/nowhere/inetgw.prom', 'cannot write /run/nowhere/inetgw.prom: no such file or directory'],
    ['/run', 'cannot write /run: it is there, and is no regular file'],
    ['/dev/null', 'cannot write /dev/null: it is there, and is no regular file'],
    ['/dev/stdout', 'cannot write /dev/stdout: it is there, and is no regular file'],
    ['/proc/inetgw.prom', 'cannot write /proc/inetgw.prom: no such file or directory'],
    ['/run/full/inetgw.prom', 'cannot write /run/full/inetgw.prom: the file system is full'],
    ['/run/fixed/inetgw.prom', 'cannot write /run/fixed/inetgw.prom: the file system is read-only'],
  ])('--output %s is refused in one line', async (file, message) => {
    const { code, stdout, stderr } = await inNamespace(`mkdir /run/full /run/fixed
      mount -t tmpfs -o size=4k none /run/full; head -c 4096 /dev/zero >/run/full/all
      mount -t tmpfs -o ro none /run/fixed
      ${command} --output ${file}; code=$?; ls -A /run/full; test -c /dev/null && exit $code`);
    expect([code, stdout, stderr]).toEqual([1, 'all\n', `inetgw: ${message}\n`]);
  });

  it.each([
    [['metrics', 'lo', 'eth0'], 'metrics takes one device or none: inetgw metrics ppp0'],
    [['metrics', 'nosuch0'], 'there is no device nosuch0'],
    [['metrics', '--json'], '--json does not go with metrics'],
    [['metrics', '--per-host', '0'], "--per-host takes a number of hosts from 1 to 100, not '0'"],
    [['metrics', '--names', 'x'], '--names goes with --per-host'],
    [['watch', '--per-host', '5'], '--per-host goes with inetgw metrics and serve alone'],
    [['serve', '--per-host', '5'], '--per-host goes with --listen'],
    [['status', '--output', 'x'], '--output goes with inetgw metrics alone'],
    [['lo', '--output', 'x'], '--output goes with inetgw metrics alone'],
    [['status', '--check'], '--check goes with inetgw apply alone'],
    [
      ['apply', '--check', '--dry-run'],
      'take one of --check, which tells whether, and --dry-run, which tells what would be run',
    ],
    [['status', '--purge'], '--purge goes with inetgw uninstall alone'],
    [['lo', 'clear', '--remove'], '--remove goes with inetgw install-hook alone'],
  ])('%j: %s', async (words, message) => {
    const { code, stdout, stderr } = await inetgw(...words);
    expect([code, stdout]).toEqual([message.startsWith('there is') ? 1 : 2, '']);
    expect(stderr).toContain(`inetgw: ${message}`);
  });
});
