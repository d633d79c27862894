/**
 * What shaping costs, on the virtual line and in its own time: `npx tsx scripts/bench/cost.ts [apply|cpu|gateway|top]…
 * [SHAPER]…`; needs a build. `apply`: from the command to the shaped line, beside the same set-up made with one
 * program per line. `cpu`: processor time per Gbit of user data on a full line of 100 / 20 Mbit/s. `gateway`: the
 * same with senders that a shaper does not make behave differently, so that the difference is the gateway's alone.
 * `top`: the highest rate that gets through.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { commandArgv } from '../../test/lab/inetgw.ts';
import { LAN_HOST, setUpLine } from '../../test/lab/line.ts';
import { summarise } from '../../test/lab/measure.ts';
import { downloads, keepIperf, measure, type FullLine } from '../../test/lab/traffic.ts';
import { LINES } from './line/lines.ts';
import { setUpShaper, SHAPER_NAMES, SHAPERS, shareOf, type ShaperName, type Target } from './line/shapers.ts';

const wanted = process.argv.slice(2);
const named = SHAPER_NAMES.filter((name) => wanted.includes(name));
/** Of all but `apply`; all, unless some are named. */
const shapers = named.length > 0 ? named : SHAPER_NAMES;

const ROUNDS = 3;

/** Virtual ms from the start of a script to its end: the median of some rounds, each after `before`. */
async function timeMs(guest: Guest, script: string, before = ':'): Promise<number> {
  const body = `mount --bind /run/bpf /sys/fs/bpf
    command='${script.replaceAll("'", `'\\''`)}'
    for n in $(seq ${ROUNDS + 1}); do
      ${before} >/dev/null 2>&1
      from=$(date +%s%N); sh -ec "$command" >/dev/null || exit 1; to=$(date +%s%N)
      echo $(((to - from) / 1000))
    done`;
  const text = await guest.run(['sh', '-c', body], { ns: 'gw', spinMs: 600_000 });
  // The first round reads programs from the host's disk.
  const times = text.trim().split('\n').slice(1).map(Number);
  return (times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN) / 1000;
}

const inetgw = (...words: string[]): string => commandArgv('inetgw', 'ppp0', ...words).join(' ');

/** The programs of what a dry run prints, with the lines handed to each. */
function stepsOf(dryRun: string): { program: string; lines: string[] }[] {
  return [...dryRun.matchAll(/^(\S+) .*<<'EOF'\n([^]*?)^EOF$/gm)].map(([, program = '', input = '']) => ({
    program,
    lines: input.split('\n').filter((line) => /^[^*]/.test(line) && line !== 'COMMIT'),
  }));
}

/** One call per line of it, as shapers in shell make them; each rule is a line of iptables and one of ip6tables. */
function oneCallPerLine(dryRun: string): string[] {
  return stepsOf(dryRun).flatMap(({ program, lines }) => {
    const single = program.replace(/-restore$/, ' -w -t mangle');
    return lines.map((line) => `${single} ${line}`);
  });
}

/** `16 tc, 33 iptables` */
function countOf(calls: readonly string[]): string {
  const programs = calls.map((line) => line.split(' ')[0] ?? '');
  const names = [...new Set(programs)];
  return names.map((name) => `${programs.filter((each) => each === name).length} ${name}`).join(', ');
}

async function apply(guest: Guest): Promise<string> {
  await setUpLine(guest);
  const plain = ['--pacing', 'off'];
  const clear = inetgw('clear');
  const options = ['215', '1600', ...plain, '--firewall', 'iptables', '--dry-run=script'];
  const argv = commandArgv('inetgw', 'ppp0', ...options);
  const calls = oneCallPerLine(await guest.run(argv, { ns: 'gw', spinMs: 600_000 }));
  const queues = calls.filter((line) => line.startsWith('tc '));
  const snippets = ['egress', 'ingress'];
  for (const part of snippets) {
    const argv = commandArgv('inetgw', 'rules', part, 'ppp0', '--format', 'sh');
    const script = await guest.run(argv, { ns: 'gw', spinMs: 600_000 });
    await guest.request('write', { path: `/run/rules-${part}`, text: script });
  }
  const perLine = snippets
    .map((part) => `DEV=ppp0; . /run/rules-${part}`)
    .concat(queues)
    .join('; ');
  const undo =
    'tc qdisc del dev ppp0 root; tc qdisc del dev ppp0 ingress; nft flush ruleset;' +
    ' for p in iptables ip6tables; do $p -w -t mangle -F; $p -w -t mangle -X; done';
  const toPeer = (name: ShaperName): { count: number; script: string } => {
    const target: Target = { device: 'ppp0', upBitPerSec: 215e3, downBitPerSec: 1.6e6, line: LINES.adsl };
    const commands = SHAPERS[name].commands(target).map((argv) => argv.join(' '));
    return { count: commands.length, script: commands.join('; ') };
  };
  const rows: [string, number, string][] = [
    ['node -e 0', await timeMs(guest, `${process.execPath} -e 0`), '1'],
    ['first apply', await timeMs(guest, inetgw('215', '1600'), clear), ''],
    ['first apply, --pacing off', await timeMs(guest, inetgw('215', '1600', ...plain), clear), ''],
    ['the same again', await timeMs(guest, inetgw('215', '1600', ...plain)), ''],
    [
      'other rates',
      await timeMs(guest, inetgw('210', '1500', ...plain), inetgw('215', '1600', ...plain)),
      '',
    ],
    ['clear', await timeMs(guest, clear, inetgw('215', '1600', ...plain)), ''],
    ['the first apply by one call per line', await timeMs(guest, calls.join('; '), undo), countOf(calls)],
    [
      'the same, the rules by the snippets of `inetgw rules`',
      await timeMs(guest, perLine, undo),
      `${queues.length} tc, the snippets of the rules`,
    ],
  ];
  for (const name of ['classic', 'sqm', 'cake-ingress'] as const) {
    const { count, script } = toPeer(name);
    const before = `${undo}; ip link del ifb-peer`;
    rows.push([`${SHAPERS[name].title}: tc lines alone`, await timeMs(guest, script, before), `${count}`]);
  }
  const base = rows[0]?.[1] ?? 1;
  return table(
    ['what', 'ms (virtual)', '× node -e 0', 'programs'],
    rows.map(([what, ms, programs]) => [what, ms.toFixed(0), (ms / base).toFixed(2), programs]),
  );
}

interface Rates {
  up: number;
  down: number;
}

/** A cable line with these rates and a short path. */
async function shapedLine(guest: Guest, name: ShaperName, rates: Rates, share: number): Promise<void> {
  const line = LINES.cable;
  const options = { upBitPerSec: rates.up, downBitPerSec: rates.down, pathMs: 10, lan: { nat: false } };
  const { device } = await setUpLine(guest, { ...line.options, ...options });
  await setUpShaper(guest, name, {
    device,
    line,
    upBitPerSec: shareOf(rates.up, share),
    downBitPerSec: shareOf(rates.down, share),
  });
}

async function loaded(guest: Guest, name: ShaperName, rates: Rates, share: number, flows = 4) {
  await shapedLine(guest, name, rates, share);
  const load = { flows: [downloads(flows, { client: 'lan' })], warmUpMs: 5000, pings: 50, pingNs: 'lan' };
  return measure(guest, load);
}

/** Processor seconds per Gbit, the line's own (without a shaper, at the same rate) taken off. */
async function cpu(guest: Guest): Promise<string> {
  const perGbit = new Map<ShaperName, { all: number; bitPerSec: number }>();
  for (const name of new Set<ShaperName>(['none', ...shapers])) {
    const { idleFraction, downBitPerSec } = await loaded(guest, name, { up: 20e6, down: 100e6 }, 0.95);
    perGbit.set(name, { all: (1 - idleFraction) / (downBitPerSec / 1e9), bitPerSec: downBitPerSec });
    console.error(name, perGbit.get(name));
  }
  const none = perGbit.get('none')?.all ?? 0;
  return table(
    ['shaper', 'Mbit/s', 's per Gbit', 'of that the shaper', 'µs per packet of 1500'],
    [...perGbit].map(([name, { all, bitPerSec }]) => [
      SHAPERS[name].title,
      (bitPerSec / 1e6).toFixed(1),
      all.toFixed(2),
      (all - none).toFixed(2),
      (((all - none) * 12_000) / 1e3).toFixed(1),
    ]),
  );
}

/**
 * As many connections as with `cpu`, each of which the sender's kernel holds at a fixed rate: together four fifths
 * of the line. Nothing waits then, so that senders and receivers behave alike with any shaper.
 */
const STEADY_FLOWS = 4;
const STEADY_BIT_PER_SEC = 80e6;

function startSteady(guest: Guest): Promise<FullLine> {
  // The sender opens the connection: iperf3 does not tell a server at which rate to send.
  const rate = String(STEADY_BIT_PER_SEC / STEADY_FLOWS);
  const words = ['-P', String(STEADY_FLOWS), '--fq-rate', rate];
  return keepIperf(guest, { client: 'isp', server: 'lan', address: LAN_HOST.ipv4, words });
}

/** Any gateway tracks connections, for NAT or for a firewall like this: shapers that do so as well pay for it only once. */
const STATEFUL_FIREWALL =
  'table inet usual { chain forward { type filter hook forward priority 0; ct state established,related accept; }; }';

/** Packets that the host in the LAN has received so far, and the guest's time. */
async function received(guest: Guest): Promise<{ packets: number; ms: number }> {
  const file = '/sys/class/net/eth0/statistics/rx_packets';
  const packets = Number(await guest.run(['cat', file], { ns: 'lan' }));
  return { packets, ms: (await guest.request('clock', {})).ms };
}

/** Single figures differ by microseconds from round to round, all shapers of a round by less. */
const GATEWAY_ROUNDS = 3;

/** Processor time per packet that reaches the host in the LAN, all hosts together. */
async function usPerPacket(guest: Guest, name: ShaperName): Promise<number> {
  await shapedLine(guest, name, { up: 20e6, down: 100e6 }, 0.95);
  await guest.run(['nft', STATEFUL_FIREWALL], { ns: 'gw' });
  const load = await startSteady(guest);
  const before = await received(guest);
  const { idleFraction } = await measure(guest, { flows: [], warmUpMs: 4000, pings: 100 });
  const after = await received(guest);
  await load.end();
  const packetsPerMs = (after.packets - before.packets) / (after.ms - before.ms);
  return ((1 - idleFraction) * 1e3) / packetsPerMs;
}

async function gateway(guest: Guest): Promise<string> {
  const names = [...new Set<ShaperName>(['none', ...shapers])];
  const rounds: Map<ShaperName, number>[] = [];
  for (let round = 0; round < GATEWAY_ROUNDS; round++) {
    const times = new Map<ShaperName, number>();
    for (const name of names) {
      times.set(name, await usPerPacket(guest, name));
      console.error(round, name, times.get(name)?.toFixed(1));
    }
    rounds.push(times);
  }
  const inRounds = (name: ShaperName): number[] => rounds.map((times) => times.get(name) ?? NaN);
  const none = inRounds('none');
  return table(
    ['shaper', 'µs per packet', 'of that the shaper', 'in the rounds'],
    names.map((name) => {
      const all = inRounds(name);
      const { median, min, max } = summarise(all.map((us, round) => us - (none[round] ?? NaN)));
      const whole = summarise(all).median.toFixed(1);
      return [SHAPERS[name].title, whole, median.toFixed(1), `${min.toFixed(1)} to ${max.toFixed(1)}`];
    }),
  );
}

/** Four leave the processor a third of its time: they wait for windows and timers. */
const TOP_FLOWS = 16;

async function top(guest: Guest): Promise<string> {
  const rows: string[][] = [];
  for (const name of shapers) {
    const { idleFraction, downBitPerSec } = await loaded(
      guest,
      name,
      { up: 10e9, down: 10e9 },
      0.95,
      TOP_FLOWS,
    );
    rows.push([SHAPERS[name].title, (downBitPerSec / 1e6).toFixed(0), (idleFraction * 100).toFixed(0)]);
    console.error(rows.at(-1)?.join(' '));
  }
  return table(['shaper', 'Mbit/s', 'idle %'], rows);
}

const PARTS = { apply, cpu, gateway, top };
const parts = Object.entries(PARTS).filter(([name]) => wanted.includes(name));
const guest = await Guest.boot();
try {
  for (const [, part] of parts.length > 0 ? parts : Object.entries(PARTS)) {
    console.log(`${await part(guest)}\n`);
  }
} finally {
  await guest.close();
}
