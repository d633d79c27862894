/** The rules for administrators who carry them in a firewall of their own, taken in by real programs. */
import { describe, expect, it } from 'vitest';
import { inetgw, inNamespace, isRoot, ROOT } from './helpers/built.ts';

const egress = `${ROOT}/templates/iptables-egress`;
const ingress = `${ROOT}/templates/iptables-ingress`;
const show = 'iptables-save -t mangle; echo "# six"; ip6tables-save -t mangle';
const withoutTimes = (text: string): string =>
  text.replaceAll(/^# (Generated|Completed).*$/gm, '').replaceAll(/\[\d+:\d+\]/g, '');

describe.skipIf(!isRoot)('the snippets, sourced', () => {
  it.each([
    ['bash', `DEV=ppp0 source ${egress}`],
    ['bash', `set -eu; DEV=ppp0 source ${egress}; [ -z "\${DEV-}" ]`],
    ['sh', `DEV=ppp0; . ${egress}`],
  ])('egress by %s: %s', async (shell, script) => {
    const { code, stdout, stderr } = await inNamespace(`${script}\n${show}`, shell);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [four = '', six = ''] = stdout.split('# six');
    for (const text of [four, six]) {
      expect(text).toContain('-A POSTROUTING -o ppp0 -j inetgw.out-ppp0');
      expect(text).toContain('-A inetgw.10-ppp0 -j CLASSIFY --set-class 0001:0010');
    }
    expect(six).toContain('-A inetgw.out-ppp0 -p ipv6-icmp');
  });
  it('ingress without a device, as in the article, and with one', async () => {
    const { code, stdout, stderr } = await inNamespace(
      `source ${ingress}; DEV=ppp0 source ${ingress}; ${show}`,
      'bash',
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout.match(/-A PREROUTING -j inetgw\.in$/gm)).toHaveLength(2);
    expect(stdout.match(/-A PREROUTING -i ppp0 -j inetgw\.in-ppp0$/gm)).toHaveLength(2);
    expect(stdout).toMatch(/--mark 0x14 .*--sports 80,443.*--connbytes 10000001 .*-j DROP/);
  });
  it('twice is like once, and later ones replace earlier ones', async () => {
    const once = await inNamespace(`DEV=ppp0; . ${egress}; . ${ingress}; ${show}`);
    const twice = await inNamespace(
      `DEV=ppp0; . ${egress}; . ${ingress}; . ${egress}; . ${ingress}; ${show}`,
    );
    expect(once.stdout).toContain('inetgw.out-ppp0');
    expect(withoutTimes(twice.stdout)).toBe(withoutTimes(once.stdout));
  });
  it('the jump comes before what the administrator has, and what he has stays', async () => {
    const { stdout } = await inNamespace(
      `iptables -t mangle -A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT; . ${ingress}; iptables -t mangle -S PREROUTING`,
    );
    expect(stdout.trim().split('\n').slice(1)).toEqual([
      '-A PREROUTING -j inetgw.in',
      '-A PREROUTING -m conntrack --ctstate ESTABLISHED -j ACCEPT',
    ]);
  });
  it('egress without a device is refused and does not end the script', async () => {
    const { stdout, stderr } = await inNamespace(`. ${egress} || echo refused; iptables-save -t mangle`);
    expect(stdout).toContain('refused');
    expect(stdout).not.toContain('inetgw');
    expect(stderr).toContain('DEV=ppp0 source iptables-egress');
  });
});

describe.skipIf(!isRoot)('inetgw rules', () => {
  it.each(['egress', 'ingress'])('%s as nft is taken by nft, and again', async (side) => {
    const { stdout } = await inetgw(
      'rules',
      side,
      'ppp0',
      '--format',
      'nft',
      '--interactive-hosts',
      '10.0.0.0/8,10.1.1.1,2001:db8::1',
      '--interactive-ports',
      '22,8000-8010,8005,8011-8020,udp/16384-32767',
      '--large-download-ports',
      '80,20-21,8000:9000',
    );
    const {
      code,
      stdout: listed,
      stderr,
    } = await inNamespace(`nft -f - <<'E' && nft -f - <<'E'\n${stdout}E\n${stdout}E\nnft list ruleset`);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(listed.match(/^table/gm)).toHaveLength(1);
    expect(listed).toContain(side === 'egress' ? 'ip6 daddr 2001:db8::1' : 'large-download-tcp');
  });
  it('as tables for iptables-restore are taken by it', async () => {
    const table = async (format: string): Promise<string> => {
      const hosts = ['--bulk-hosts', '10.0.0.0/8,2001:db8::/64'];
      return (await inetgw('rules', 'egress', 'ppp0', '--format', format, ...hosts)).stdout;
    };
    const [four, six] = [await table('iptables-restore'), await table('ip6tables-restore')];
    // Each as a whole by its program: no chain is said twice, and none of the other family.
    for (const text of [four, six]) expect(text.match(/^\*mangle$/gm)).toHaveLength(1);
    expect([four.includes('-p 58'), six.includes('-p 58')]).toEqual([false, true]);
    const {
      code,
      stdout: listed,
      stderr,
    } = await inNamespace(
      `iptables-restore --noflush <<'E' && ip6tables-restore --noflush <<'E'\n${four}E\n${six}E\n${show}`,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(listed).toContain('-A inetgw.out-ppp0 -s 10.0.0.0/8');
    expect(listed).toContain('-A inetgw.out-ppp0 -d 2001:db8::/64');
  });
  it('as a snippet has the device in it, and DEV still replaces it', async () => {
    const { stdout } = await inetgw('rules', 'egress', 'dsl0', '--bulk-ports', '6881');
    const { stdout: listed } = await inNamespace(`${stdout}\nDEV=dsl1\n${stdout}\n${show}`);
    expect(listed).toContain('-o dsl0 -j inetgw.out-dsl0');
    expect(listed).toContain('-o dsl1 -j inetgw.out-dsl1');
    expect(listed).toContain('--ports 6881');
  });
  it('says what is wrong', async () => {
    expect(await inetgw('rules', 'egress')).toMatchObject({ code: 2 });
    expect(await inetgw('rules', 'up', 'ppp0')).toMatchObject({ code: 2 });
    expect(await inetgw('rules', 'egress', 'ppp0;x')).toMatchObject({ code: 2 });
    expect((await inetgw('rules', 'egress', 'ppp0', '--format', 'pf')).stderr).toContain(
      'known: sh, iptables-restore, ip6tables-restore, nft',
    );
  });
});
