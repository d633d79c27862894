/** What the programs are given, and what `--dry-run` prints. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';
import { DEFAULT_SETTINGS, type FirewallBackend } from '../../../src/plan/input/settings.ts';
import {
  firewallSteps,
  ifbRemoveStep,
  ifbStep,
  iptablesRemoveStep,
  nftRemoveStep,
  objectFileAsScript,
  saveArgv,
  filesGoneAsScript,
  stepsAsScript,
  strayActionsStep,
  tcStep,
} from '../../../src/plan/steps.ts';

function planOf(backend: FirewallBackend | undefined): Plan {
  return makePlan(
    { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
    { device: 'ppp0', ifindex: 5, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'cake' },
    backend,
  );
}

describe('the rules', () => {
  it('go to nft in one transaction', () => {
    const steps = firewallSteps(planOf('nft'), 'nothing', ['ipv4', 'ipv6']);
    expect(steps.map(({ what, argv }) => [what, argv.join(' ')])).toEqual([
      ['the firewall rules', 'nft -f -'],
    ]);
    expect(steps[0]?.input).toContain('table inet inetgw_ppp0');
  });
  it('go to iptables once for each family that there is, waiting for whoever changes the tables', () => {
    const steps = firewallSteps(planOf('iptables'), 'nothing', ['ipv4', 'ipv6']);
    expect(steps.map(({ what, argv }) => [what, argv.join(' ')])).toEqual([
      ['the IPv4 firewall rules', 'iptables-restore --noflush --wait 5'],
      ['the IPv6 firewall rules', 'ip6tables-restore --noflush --wait 5'],
    ]);
    expect(steps[0]?.input).toContain('-p 1 ');
    expect(steps[1]?.input).toContain('-p 58 ');
    expect(firewallSteps(planOf('iptables'), 'nothing', ['ipv4'])).toEqual(steps.slice(0, 1));
  });
  it('are nothing where the administrator carries them', () => {
    expect(firewallSteps(planOf(undefined), 'nothing', ['ipv4', 'ipv6'])).toEqual([]);
  });
  it('of one family are looked up and taken away by its own programs', () => {
    expect([saveArgv('ipv4'), saveArgv('ipv6')]).toEqual([['iptables-save'], ['ip6tables-save']]);
    const saved = '*mangle\n:inetgw-out-ppp0 - [0:0]\n-A POSTROUTING -o ppp0 -j inetgw-out-ppp0\nCOMMIT\n';
    expect(iptablesRemoveStep('ppp0', 'ipv6', '*mangle\nCOMMIT\n')).toBeUndefined();
    const step = iptablesRemoveStep('ppp0', 'ipv6', saved);
    expect(step?.argv[0]).toBe('ip6tables-restore');
    expect(step?.input).toContain('-X inetgw-out-ppp0');
  });
  it('of nft are taken away with their table', () => {
    const { what, argv, input } = nftRemoveStep('ppp0');
    expect([what, argv.join(' ')]).toEqual(['the firewall rules', 'nft -f -']);
    expect(input).toContain('delete table inet inetgw_ppp0');
  });
});

describe('the device of the local queue', () => {
  it('is made and set up, in place of one that is there', () => {
    expect(ifbStep('igw-ppp0', false)).toEqual({
      what: 'the device of the local queue',
      argv: ['ip', '-batch', '-'],
      input: 'link add name igw-ppp0 type ifb\nlink set dev igw-ppp0 up\n',
    });
    expect(ifbStep('igw-ppp0', true).input).toBe(
      'link del dev igw-ppp0\nlink add name igw-ppp0 type ifb\nlink set dev igw-ppp0 up\n',
    );
  });
  it('is taken away', () => {
    expect(ifbRemoveStep('igw-ppp0')).toEqual({
      what: 'the device of the local queue',
      argv: ['ip', '-batch', '-'],
      input: 'link del dev igw-ppp0\n',
    });
  });
});

describe('a dry run', () => {
  it('is a script that gives each program its input', () => {
    const cat = { what: 'the first', argv: ['cat', '-'], input: 'one\n$HOME `two`\n' } as const;
    const script = stepsAsScript([cat, { ...cat, what: 'the second', input: 'three\n' }]);
    expect(script).toMatch(/^# the first\n[^]*^# the second\n/m);
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe('one\n$HOME `two`\nthree\n');
    expect(stepsAsScript([tcStep(['qdisc add dev ppp0 root'])])).toBe(
      "# the queues\ntc -batch - <<'EOF'\nqdisc add dev ppp0 root\nEOF\n",
    );
  });
  it('goes on after a step whose failure is none, and ends at any other', () => {
    const fail = (code: number) => ({
      what: 'fails',
      argv: ['sh', '-s'] as const,
      input: `exit ${code}\n`,
      okCodes: [1, 2],
    });
    const cat = { what: 'the next', argv: ['cat'] as const, input: 'reached\n' };
    const run = (code: number) =>
      execFileSync('sh', ['-ec', stepsAsScript([fail(code), cat])], { encoding: 'utf8' });
    expect([run(0), run(1), run(2)]).toEqual(['reached\n', 'reached\n', 'reached\n']);
    expect(() => run(3)).toThrow();
    expect(strayActionsStep(planOf('nft'))?.okCodes).toEqual([1, 2]);
  });
  it('has no step for stray actions where the plan has none', () => {
    const shaped = makePlan(
      { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
      { device: 'ppp0', ifindex: 5, kind: 'ppp', mtuBytes: 1492 },
      { leafQdisc: 'cake', ingress: 'cake' },
      'nft',
    );
    expect(strayActionsStep(shaped)).toBeUndefined();
  });
  it('takes files away, and their folder if it is empty then', () => {
    const script = (files: string) =>
      `set -e; d=$(mktemp -d); touch "$d"/a "$d"/b\n${filesGoneAsScript(files.split(' '), ['"$d"'])}ls -d "$d" || :; rm -rf "$d"`;
    expect(
      execFileSync('sh', ['-c', script('"$d"/a "$d"/b')], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    ).toBe('');
    expect(execFileSync('sh', ['-c', script('"$d"/a')], { encoding: 'utf8' })).not.toBe('');
    expect(filesGoneAsScript([], ['/run/inetgw'])).toBe('');
  });
  it('puts the pacing program where the plan wants it, byte for byte', () => {
    const object = Buffer.from(Array.from({ length: 1000 }, (_, at) => (at * 7) % 256));
    const script = objectFileAsScript('"$folder"/made/here/ppp0.pacing.o', object);
    for (const line of script.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const run = `set -e; folder=$(mktemp -d)\n${script}base64 -w0 "$folder"/made/here/ppp0.pacing.o; rm -r "$folder"`;
    const written = execFileSync('sh', ['-c', run], { encoding: 'utf8' });
    expect(Buffer.from(written, 'base64').equals(object)).toBe(true);
  });
});
