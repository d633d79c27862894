/** Whatever is missing or refuses: clear and rollback do the rest and tell what they could not, and no record holds the next run. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { FIREWALLS_ONCE, useVariant } from './firewalls.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, withBpf, withoutEmptyTables } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { firstOf } from './forms.ts';
import type { ExecResult } from './protocol.ts';
import { sharedGuest } from './sharedGuest.ts';

const RATES = ['ppp0', '210', '1710'] as const;

let guest: Guest;
let untouched: string;
const state = async (): Promise<string> => withoutEmptyTables(await snapshot(guest));
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });

/** Runs `body` while these programs are not there. */
async function without<T>(programs: readonly string[], body: () => Promise<T>): Promise<T> {
  const move = (from: string, to: string): Promise<string> =>
    guest.run([
      'sh',
      '-ec',
      `mkdir -p /run/away; for p in ${programs.join(' ')}; do mv ${from}/$p ${to}/$p; done`,
    ]);
  await move('/usr/sbin', '/run/away');
  try {
    return await body();
  } finally {
    await move('/run/away', '/usr/sbin');
  }
}

/** Lines of standard error; the command's name before each is left out. */
const said = ({ stderr }: ExecResult): string[] =>
  stderr.split('\n').flatMap((line) => (line === '' ? [] : [line.replace(/^inetgw: /, '')]));

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await useVariant(guest, { firewall: 'iptables', variant: 'nft' });
  untouched = await state();
});

beforeEach(async () => {
  if ((await state()) === untouched) return;
  // What an earlier test has left.
  await inetgw(guest, 'ppp0', 'clear');
  expect(await state()).toBe(untouched);
});

test('the mangle tables that iptables-nft has made for our rules go with them, others stay', async () => {
  const none = 'for family in ip ip6; do nft delete table $family mangle 2>/dev/null || :; done';
  const tables = (): Promise<string> => inGateway('nft list tables | grep mangle || :');
  await inGateway(none);
  await inetgwOk(guest, ...RATES, '--firewall', 'iptables');
  expect(await tables()).toBe('table ip mangle\ntable ip6 mangle\n');
  await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', 'iptables');
  expect(await inetgwOk(guest, 'ppp0', 'clear', '--dry-run=script')).toContain('delete table ip6 mangle');
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await tables()).toBe('');

  await inGateway('iptables -t mangle -A PREROUTING -p tcp --dport 81 -j MARK --set-mark 7');
  await inetgwOk(guest, ...RATES, '--firewall', 'iptables');
  // One that was not there before, and has a rule of somebody's now.
  await inGateway('ip6tables -t mangle -A OUTPUT -p tcp --dport 81 -j MARK --set-mark 7');
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await tables()).toBe('table ip mangle\ntable ip6 mangle\n');
  await inGateway(none);
});

describe('a tool that carries the rules and is gone', () => {
  test('nft: clear takes the rest away and says so; the next run is not held', async () => {
    await inetgwOk(guest, ...RATES, '--firewall', 'nft');
    await without(['nft'], async () => {
      const cleared = await inetgw(guest, 'ppp0', 'clear');
      expect([cleared.code, cleared.stdout, said(cleared)]).toEqual([
        5,
        'ppp0: cleared as far as it could be\n',
        [
          'could not take away the firewall rules of nft: nft was not found',
          'install it with: apt-get install nftables',
        ],
      ]);
      expect(await inGateway('tc qdisc show dev ppp0; ls /sys/class/net /run')).not.toMatch(
        /htb|igw-|inetgw/,
      );
      expect(await inetgwOk(guest, ...RATES)).toContain('firewall rules: iptables');
      const whole = await snapshot(guest);
      const refused = await inetgw(guest, 'ppp0', '300', '3mbit', '--firewall', 'nft');
      expect([refused.code, said(refused)[0]]).toEqual([5, 'nft was not found']);
      expect(await snapshot(guest)).toBe(whole);
    });
    // What nft still had is found although the record names iptables.
    expect(await inGateway('nft list tables')).toContain('inetgw_ppp0');
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await state()).toBe(untouched);
  });

  test.each(firstOf(['auto', 'none', 'iptables'], 2))('nft: --firewall %s leaves it', async (choice) => {
    await inetgwOk(guest, ...RATES, '--firewall', 'nft');
    await without(['nft'], async () => {
      const applied = await inetgw(guest, 'ppp0', '300', '3mbit', '--firewall', choice);
      // Of a firewall that nobody chose it is said what it does not do.
      const hidden = said(applied).filter((line) => line.includes('cannot tell hosts behind NAT apart'));
      expect(hidden).toHaveLength(choice === 'auto' ? 1 : 0);
      expect([applied.code, said(applied).filter((line) => !hidden.includes(line))]).toEqual([
        0,
        [
          expect.stringMatching(
            /^could not take away the firewall rules of nft: nft was not found: install it/,
          ),
        ],
      ]);
      expect(applied.stdout).toContain(`firewall rules: ${choice === 'none' ? 'none' : 'iptables'}`);
    });
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await state()).toBe(untouched);
  });

  test.each(firstOf(['auto', 'none', 'nft']))('iptables: --firewall %s leaves it', async (choice) => {
    const programs = ['iptables', 'ip6tables'].flatMap((name) => [`${name}-save`, `${name}-restore`]);
    await inetgwOk(guest, ...RATES, '--firewall', 'iptables');
    await without(programs, async () => {
      const applied = await inetgw(guest, 'ppp0', '300', '3mbit', '--firewall', choice);
      expect(applied.stdout).toContain(`firewall rules: ${choice === 'none' ? 'none' : 'nft'}`);
      expect([applied.code, said(applied).length]).toEqual([0, 2]);
      expect(applied.stderr).toContain('IPv6 firewall rules of iptables: ip6tables-save was not found');
      expect((await inetgw(guest, 'ppp0', 'clear')).code).toBe(0);
    });
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await state()).toBe(untouched);
  });

  test('neither is there: nothing is recorded, and none can be had', async () => {
    await without(['nft', 'iptables-restore', 'iptables-save'], async () => {
      for (const [choice, reason] of [
        ['auto', 'nothing can carry the firewall rules: nft was not found, and there is no iptables-restore'],
        ['nft', 'nft was not found'],
        ['iptables', 'iptables-restore was not found'],
      ] as const) {
        const refused = await inetgw(guest, ...RATES, '--firewall', choice);
        expect([refused.code, said(refused)[0]]).toEqual([5, reason]);
        expect(await inGateway('tc qdisc show dev ppp0; ls /run')).not.toMatch(/htb|inetgw/);
      }
      await inetgwOk(guest, ...RATES, '--firewall', 'none');
      await inetgwOk(guest, 'ppp0', 'clear');
    });
    expect(await state()).toBe(untouched);
  });
});

test.each(
  firstOf(
    [
      ['tc', 'nft', 5, /^could not see and take away the queues: tc was not found$/],
      // Debian has it in /usr/bin as well: there it cannot be run.
      ['ip', 'nft', 5, /^could not take away the device of the local queue: ip .*may not be run/],
      [
        'iptables-save',
        'iptables',
        5,
        /^could not take away the IPv4 firewall rules of iptables: iptables-save was not/,
      ],
      [
        'ip6tables-restore',
        'iptables',
        5,
        /^could not take away the IPv6 firewall rules of iptables: ip6tables-res/,
      ],
    ],
    3,
  ),
)(
  'without %s, clear does all the rest, and with it the next one does that',
  async (program, firewall, code, line) => {
    await inetgwOk(guest, ...RATES, '--firewall', firewall);
    // ip is how the lab gets into the gateway: there it is hidden from inetgw alone.
    const script = `mkdir -p /run/real /run/sbin; mount --bind /usr/sbin /run/real; mount -t tmpfs tmpfs /run/sbin
    for f in /run/real/*; do [ "\${f##*/}" = ${program} ] || ln -s $f /run/sbin/; done
    mount --bind /run/sbin /usr/sbin; [ ! -e /usr/bin/${program} ] || mount --bind /dev/null /usr/bin/${program}
    exec "$@"`;
    const cleared = await guest.exec(
      ['sh', '-ec', script, 'sh', ...withBpf(commandArgv('inetgw', 'ppp0', 'clear'))],
      {
        ns: 'gw',
      },
    );
    expect([cleared.code, said(cleared)[0]]).toEqual([code, expect.stringMatching(line)]);
    const after = await snapshot(guest);
    expect(after.includes('htb 1:')).toBe(program === 'tc');
    expect(after.includes('inetgw-out-ppp0') || after.includes('inetgw_ppp0')).toBe(
      program.includes('tables'),
    );
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await state()).toBe(untouched);
  },
);

test.each([['read-only', 'mount --bind /run/inetgw /run/inetgw; mount -o remount,ro,bind /run/inetgw']])(
  '/run %s: clear takes everything away but the record, and says so',
  async (_how, mount) => {
    await inetgwOk(guest, ...RATES);
    const cleared = await guest.exec(
      ['sh', '-ec', `${mount}; exec "$@"`, 'sh', ...withBpf(commandArgv('inetgw', 'ppp0', 'clear'))],
      { ns: 'gw' },
    );
    expect(cleared.code).toBe(1);
    expect(said(cleared)[0]).toMatch(/^cleared without a lock: cannot write .*read-only$/);
    expect(cleared.stderr).toMatch(
      /could not take away the record: cannot remove .*ppp0.json: the file system is read-only/,
    );
    expect(await snapshot(guest)).not.toMatch(/htb|igw-ppp0|inetgw_ppp0/);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await state()).toBe(untouched);
  },
);

test.each(FIREWALLS_ONCE)(
  'no /etc/protocols, no /etc/services: rules by $firewall ($variant)',
  async (choice) => {
    await useVariant(guest, choice);
    const bare = (...words: string[]): Promise<ExecResult> => {
      const script = 'for f in protocols services; do mount --bind /dev/null /etc/$f; done; exec "$@"';
      return guest.exec(['sh', '-ec', script, 'sh', ...withBpf(commandArgv('inetgw', ...words))], {
        ns: 'gw',
      });
    };
    const applied = await bare(...RATES, '--firewall', choice.firewall);
    expect([applied.code, applied.stderr]).toEqual([0, '']);
    const shown = await bare('ppp0', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ warnings: [] });
    const cleared = await bare('ppp0', 'clear');
    expect([cleared.code, cleared.stderr]).toEqual([0, '']);
    expect(await state()).toBe(untouched);
  },
);
