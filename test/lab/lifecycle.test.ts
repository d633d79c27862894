/** Apply, change, fail, clear: afterwards the new state, the old one or none; never one between. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FIREWALLS_ONCE, SOME_FIREWALLS, useVariant } from './firewalls.ts';
import type { Guest } from './guest.ts';
import { inetgw, inetgwAsNobody, inetgwOk, snapshot, statistics, withBpf } from './inetgw.ts';
import { countCalls, countedCalls, putKillingPrograms, removeKillingPrograms } from './killing.ts';
import { setUpLine } from './line.ts';
import { FIRST, firstOf, LONG } from './forms.ts';
import { later } from './later.ts';
import { sharedGuest } from './sharedGuest.ts';

/** An administrator's own firewall, which must come out as it was. */
const ADMIN_RULES = `
  for variant in nft legacy; do for program in iptables-$variant ip6tables-$variant; do
    $program -t mangle -A PREROUTING -i ppp0 -p tcp --dport 81 -j MARK --set-mark 7
    $program -t mangle -A POSTROUTING -o ppp0 -p tcp --dport 81 -j RETURN
  done; done
  nft add table inet admin; nft add chain inet admin in '{ type filter hook input priority 0; }'
  nft add rule inet admin in tcp dport 81 accept`;

/** What is said of rules that are gone, and of some that are. */
const TOLD = {
  'taken away': 'the firewall rules were taken away',
  emptied: 'of the firewall rules, someone has taken away: tcp-ack',
} as const;

const FLUSHES = {
  nft: {
    'taken away': 'nft delete table inet inetgw_ppp0',
    emptied: 'nft flush table inet inetgw_ppp0',
  },
  iptables: {
    'taken away':
      'for p in iptables ip6tables; do $p -t mangle -D PREROUTING -i ppp0 -j inetgw-in-ppp0;' +
      ' $p -t mangle -D POSTROUTING -o ppp0 -j inetgw-out-ppp0; done',
    emptied: 'for p in iptables ip6tables; do $p -t mangle -F inetgw-out-ppp0; done',
  },
} as const;

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await guest.run(['sh', '-ec', ADMIN_RULES], { ns: 'gw' });
  untouched = await snapshot(guest);
});

test('the Ethernet below the link is named as such, with the device to take', async () => {
  const { code, stderr } = await inetgw(guest, 'g0', '210', '1710', '--dry-run', '--firewall', 'none');
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr:
      'inetgw: g0 carries the PPPoE of ppp0: of what is inside, rules and window pacing see nothing here;' +
      ' type: inetgw ppp0 210 1710\n',
  });
  expect((await inetgw(guest, 'ppp0', '210', '1710', '--dry-run', '--firewall', 'none')).stderr).toBe('');
});

test('with window pacing, what stands there is listed by one run of tc, and counted by another', async () => {
  await inetgwOk(guest, 'ppp0', '210', '1710');
  await putKillingPrograms(guest, { changesOnly: false });
  try {
    await countCalls(guest);
    const { egress, pacing } = await statistics(guest, 'ppp0');
    const calls = await countedCalls(guest);
    expect(calls.filter((call) => call.startsWith('tc -s '))).toEqual([
      'tc -s -batch -',
      'tc -s -j -batch -',
    ]);
    expect(egress.map((each) => each.class)).toContain('interactive');
    expect(pacing).toBeDefined();
  } finally {
    await removeKillingPrograms(guest);
  }
  await inetgwOk(guest, 'ppp0', 'clear');
});

describe.each(FIREWALLS_ONCE)('rules by $firewall (iptables-$variant)', (choice) => {
  const { firewall } = choice;
  beforeAll(async () => {
    await useVariant(guest, choice);
  });

  test('clear leaves tc, iptables-save, ip6tables-save, nft and /run as they were', async () => {
    await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall);
    expect(await snapshot(guest)).not.toBe(untouched);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  /** What is the same however the rules are written. */
  const once = test.runIf(SOME_FIREWALLS.includes(choice));

  /** What differs, but not by much. */
  const onceAtFirst = test.runIf(!FIRST || SOME_FIREWALLS.includes(choice));

  once('applying again is the same as applying once, with the same and with other numbers', async () => {
    await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', firewall);
    const first = await snapshot(guest);
    expect(await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', firewall)).toContain(
      'changed in place',
    );
    expect(await snapshot(guest)).toBe(first);
    await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall, '--framing', 'docsis');
    await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', firewall);
    expect(await snapshot(guest)).toBe(first);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  onceAtFirst.each(firstOf(['taken away', 'emptied'] as const))(
    'rules that were %s by their owner are told, and healed by applying again',
    async (how) => {
      await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall);
      const whole = await snapshot(guest);
      await guest.run(['sh', '-ec', FLUSHES[firewall][how]], { ns: 'gw' });
      expect((await statistics(guest)).warnings[0]).toContain(TOLD[how]);
      await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall);
      expect(await snapshot(guest)).toBe(whole);
      await inetgwOk(guest, 'ppp0', 'clear');
      expect(await snapshot(guest)).toBe(untouched);
    },
  );

  describe('when a program fails', () => {
    /** Each call with one firewall tool; the programs beside it are called alike with all of them. */
    const eachCall = once;
    const eachCallLater = FIRST ? test.skip : eachCall;
    const STEP = LONG ? 1 : 3;

    beforeEach(async () => {
      await guest.run(['sh', '-ec', FAULTY_PROGRAMS]);
    });
    afterEach(async () => {
      await guest.run(['sh', '-ec', 'rm -f /usr/local/sbin/* /run/fault /run/calls']);
    });

    eachCall('at any call of the first apply, nothing is left', async () => {
      for (let call = 1; call <= MAX_CALLS; call += STEP) {
        await failAt(call);
        // Insisting on pacing: auto would do without it when the rehearsal fails.
        const words = ['ppp0', '210', '1710', '--firewall', firewall, '--pacing', 'bpf'];
        const result = await inetgw(guest, ...words);
        const isOver = (await callsMade()) < call;
        await endFaults();
        if (result.code === 0) {
          if (isOver) expect(call).toBeGreaterThan(3);
          // What failed was only asked for: whether nft can number hosts.
          else expect(result.stderr).toContain('window pacing cannot tell hosts behind NAT apart');
          await inetgwOk(guest, 'ppp0', 'clear');
          if (isOver) return;
          continue;
        }
        // 5: what fails is the rehearsal, and with it the kernel is taken to lack something.
        expect([1, 5]).toContain(result.code);
        expect(result.stderr.split('\n')[0]).toMatch(/^inetgw: .*(failed|cannot carry)/);
        expect(await snapshot(guest)).toBe(untouched);
      }
      expect.unreachable('apply made more calls than it may');
    });

    eachCallLater('at any call of a later apply, the earlier settings are in force', async () => {
      await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', firewall);
      const earlier = await snapshot(guest);
      for (let call = 1; call <= MAX_CALLS; call += STEP) {
        await failAt(call);
        // Another framing, so that the queues are made anew.
        const options = ['--firewall', firewall, '--pacing', 'bpf', '--framing', 'docsis'];
        const result = await inetgw(guest, 'ppp0', '210', '1710', ...options);
        const isOver = (await callsMade()) < call;
        await endFaults();
        if (result.code === 0) {
          if (isOver) expect(call).toBeGreaterThan(3);
          await inetgwOk(guest, 'ppp0', 'clear');
          if (isOver) return;
          // What failed was only looked at: what cannot be seen is set anew.
          await inetgwOk(guest, 'ppp0', '300', '3mbit', '--firewall', firewall);
          expect(await snapshot(guest)).toBe(earlier);
          continue;
        }
        expect([1, 5]).toContain(result.code);
        expect(await snapshot(guest)).toBe(earlier);
      }
      expect.unreachable('apply made more calls than it may');
    });

    onceAtFirst(
      'a first apply starts at most seven programs, two more with iptables, which is a tool per address family and leaves tables behind',
      async () => {
        // Whether the kernel can make the ifb is asked of one more program where its module is not loaded yet.
        await guest.run(['sh', '-c', 'modprobe ifb; rm -f /run/calls']);
        await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall);
        const calls = await guest.run(['cat', '/run/calls']);
        await inetgwOk(guest, 'ppp0', 'clear');
        // With nft one of them asks whether its rules can number hosts. unshare becomes tc: one process, two lines.
        const processes = new Set(
          calls
            .trim()
            .split('\n')
            .map((line) => line.split(' ')[0]),
        );
        expect(processes.size, calls).toBeLessThanOrEqual(firewall === 'nft' ? 7 : 9);
        expect(calls).toContain('tc -batch');
      },
    );
  });
});

describe('the batch', () => {
  /** How many lines further it is stopped next: at each third one, or where one kind of object follows another. */
  const STEP = LONG ? 3 : 8;

  later('stopped at any line, leaves nothing of it', async () => {
    await guest.run(['sh', '-ec', FAULTY_BATCH]);
    const lines =
      (await inetgwOk(guest, 'ppp0', '210', '1710', '-n')).match(/^(?:qdisc|class|filter) /gm) ?? [];
    expect(lines.length).toBeGreaterThan(10);
    for (let line = 1; line <= lines.length; line += STEP) {
      await guest.request('write', { path: '/run/fault', text: String(line) });
      const result = await inetgw(guest, 'ppp0', '210', '1710');
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(`line ${line}`);
      expect(result.stderr).toContain('nothing was left on ppp0');
      expect(await snapshot(guest)).toBe(untouched);
    }
    await guest.run(['rm', '/usr/local/sbin/tc']);
  });
});

describe('a dry run', () => {
  test('gives a script that a shell can run, and that does the same as applying', async () => {
    const script = await inetgwOk(guest, 'ppp0', '210', '1710', '--dry-run=script');
    expect(await snapshot(guest)).toBe(untouched);
    await guest.run(['sh', '-e'], { ns: 'gw', input: script });
    const byShell = await snapshot(guest);
    await guest.run(
      [
        'sh',
        '-ec',
        'tc qdisc del dev ppp0 root; tc qdisc del dev ppp0 clsact; ip link del igw-ppp0; nft delete table inet inetgw_ppp0',
      ],
      { ns: 'gw' },
    );
    await inetgwOk(guest, 'ppp0', '210', '1710');
    const applied = (await snapshot(guest)).replace(/\/run\/inetgw\n\/run\/inetgw\/.*\n/, '');
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(applied.replace(/\/run\/inetgw[^\n]*\n?/g, '')).toBe(
      byShell.replace(/\/run\/inetgw[^\n]*\n?/g, ''),
    );
  });

  test.each(firstOf(['nft', 'iptables']))('of clearing is a script too, rules by %s', async (firewall) => {
    await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', firewall);
    const whole = await snapshot(guest);
    const script = await inetgwOk(guest, 'ppp0', 'clear', '--dry-run=script');
    const told = await inetgwOk(guest, 'ppp0', 'clear', '--dry-run');
    const [, steps = ''] = script.split(/(?<=^trap .*\n)/m);
    expect(steps).not.toBe('');
    expect(told).toContain(steps);
    expect(await snapshot(guest)).toBe(whole);
    await guest.run(withBpf(['sh', '-e']), { ns: 'gw', input: script });
    expect(await snapshot(guest)).toBe(untouched);
    expect(await guest.run(['find', '/run/bpf', '-type', 'f'], { ns: 'gw' })).toBe('');
    expect(await inetgwOk(guest, 'ppp0', 'clear', '--dry-run')).toBe('ppp0: nothing to clear\n');
  });

  later('shows what a change of the firewall tool takes away, and that is what happens', async () => {
    await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', 'iptables');
    const script = await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', 'nft', '-n');
    expect(script.match(/-D P\w+ .* -j inetgw-/g)).toHaveLength(4);
    expect(script).toContain('table inet inetgw_ppp0');
    await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', 'nft');
    expect(await snapshot(guest)).not.toContain('-j inetgw-');
    const back = await inetgwOk(guest, 'ppp0', '210', '1710', '--firewall', 'iptables', '-n');
    expect(back).toContain('delete table inet inetgw_ppp0');
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  test('needs no privilege', async () => {
    const { code, stdout, stderr } = await inetgwAsNobody(guest, 'ppp0', '210', '1710', '-n');
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('tc -batch')]);
  });
});

test('without privilege nothing is tried: exit code 4', async () => {
  const result = await inetgwAsNobody(guest, 'ppp0', '210', '1710');
  expect(result.code).toBe(4);
  expect(result.stderr).toMatch(/^inetgw: .*CAP_NET_ADMIN.*\ninetgw: run it as root\n$/);
});

test('without tc the missing package is named: exit code 5', async () => {
  await guest.run(['sh', '-c', 'mv $(readlink -f /sbin/tc) /run/tc-away']);
  const result = await inetgw(guest, 'ppp0', '210', '1710');
  await guest.run(['sh', '-c', 'mv /run/tc-away /usr/sbin/tc']);
  expect(result.code).toBe(5);
  expect(result.stderr).toContain('apt-get install iproute2');
  expect(await snapshot(guest)).toBe(untouched);
});

test('queues that somebody else has set are not replaced unless asked for', async () => {
  await guest.run(['tc', 'qdisc', 'add', 'dev', 'ppp0', 'root', 'handle', '5:', 'pfifo'], { ns: 'gw' });
  const result = await inetgw(guest, 'ppp0', '210', '1710');
  expect(result.code).toBe(1);
  expect(result.stderr).toContain('--replace');
  await inetgwOk(guest, 'ppp0', '210', '1710', '--replace');
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await snapshot(guest)).toBe(untouched);
});

describe('what somebody else does to a shaped device', () => {
  const change = (script: string) => guest.run(['sh', '-ec', script], { ns: 'gw' });

  later('filters taken away from the ingress, which itself stays, are noticed and put back', async () => {
    await inetgwOk(guest, 'ppp0', '210', '1710');
    const whole = await snapshot(guest);
    await change('tc filter del dev ppp0 ingress');
    const shown = await inetgw(guest, 'ppp0');
    expect(shown.stdout + shown.stderr).toContain('taken away by someone');
    await inetgwOk(guest, 'ppp0', '210', '1710');
    expect(await snapshot(guest)).toBe(whole);
    await inetgwOk(guest, 'ppp0', 'clear');
    expect(await snapshot(guest)).toBe(untouched);
  });

  later('a queue of theirs at root is left alone by clear, and our ingress is not', async () => {
    await inetgwOk(guest, 'ppp0', '210', '1710');
    await change('tc qdisc del dev ppp0 root; tc qdisc add dev ppp0 root handle 5: pfifo');
    const said = await inetgwOk(guest, 'ppp0', 'clear');
    expect(said).toContain('left alone, not set by inetgw: root qdisc pfifo 5:');
    expect(await change('tc qdisc show dev ppp0')).toContain('pfifo 5: root');
    await change('tc qdisc del dev ppp0 root');
    expect(await snapshot(guest)).toBe(untouched);
  });

  later('two devices whose indices differ by 8192 keep their own policers', async () => {
    await change('for n in 50 8242; do ip link add d$n index $n type dummy; ip link set d$n up; done');
    await inetgwOk(guest, 'd50', '210', '1710');
    const policers = 'tc actions ls action police | grep rate';
    const first = await change(policers);
    await inetgwOk(guest, 'd8242', '10mbit', '50mbit');
    expect(await change(policers)).toContain(first.trim());
    await inetgwOk(guest, 'd8242', 'clear');
    expect(await change(policers)).toBe(first);
    await inetgwOk(guest, 'd50', 'clear');
    await change('ip link del d50; ip link del d8242');
    expect(await snapshot(guest)).toBe(untouched);
  });
});

test('clearing what is not there is fine, and so is a device that is gone', async () => {
  expect(await inetgwOk(guest, 'ppp0', 'clear')).toContain('nothing to clear');
  await inetgwOk(guest, 'ppp0', '210', '1710');
  await guest.run(
    ['sh', '-c', 'kill $(cat /run/ppp0.pid /var/run/ppp0.pid 2>/dev/null | head -1); sleep 3'],
    { ns: 'gw' },
  );
  const result = await inetgw(guest, 'ppp0', 'clear');
  expect([result.code, result.stderr]).toEqual([0, '']);
  expect(result.stdout).toContain('the device is gone');
  const left = await guest.run(['sh', '-c', 'nft list tables; ls -d /run/inetgw 2>/dev/null || true'], {
    ns: 'gw',
  });
  expect(left).not.toContain('inetgw');
});

/** More than apply may ever make; the loops end at the first call that does not happen. */
const MAX_CALLS = 18;

/** Stand in front of the real programs; the call whose number stands in /run/fault fails after half its work. */
const FAULTY_PROGRAMS = `
  mkdir -p /usr/local/sbin
  for program in tc nft iptables-restore ip6tables-restore iptables-save ip6tables-save unshare ip; do
    real=$(command -v $program)
    cat > /usr/local/sbin/$program <<EOF
#!/bin/sh
# The lab's own way into a namespace.
[ "$program \\$1" = "ip netns" ] && exec $real "\\$@"
echo "\\$\\$ $program \\$*" >> /run/calls
if [ -e /run/fault ] && [ "\\$(wc -l < /run/calls)" = "\\$(cat /run/fault)" ]; then
  echo "$program: made to fail" >&2
  exit 1
fi
exec $real "\\$@"
EOF
    chmod 755 /usr/local/sbin/$program
  done`;

/** tc, but a batch on a real device breaks off at the line whose number stands in /run/fault. */
const FAULTY_BATCH = `
  real=$(command -v tc)
  cat > /usr/local/sbin/tc <<EOF
#!/bin/sh
if [ "\\$1" = -batch ] && [ -e /run/fault ] && ip link show ppp0 >/dev/null 2>&1; then
  line=\\$(cat /run/fault)
  rm /run/fault
  sed "\\\${line}s/.*/broken/" | $real -batch -
  exit \\$?
fi
exec $real "\\$@"
EOF
  chmod 755 /usr/local/sbin/tc`;

async function failAt(call: number): Promise<void> {
  await guest.run(['sh', '-c', `rm -f /run/calls; echo ${call} > /run/fault`]);
}

async function callsMade(): Promise<number> {
  return Number(await guest.run(['sh', '-c', 'wc -l </run/calls']));
}

async function endFaults(): Promise<void> {
  await guest.run(['rm', '-f', '/run/fault']);
}
