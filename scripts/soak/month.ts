/**
 * `tsx scripts/soak/month.ts [EVENTS]`: a month in the virtual time of a lab guest, with 60 events, or as many as told,
 * spread over it: the link reconnects under a new index (with and without a word to inetgw), rates change, the
 * firewall is flushed, runs are killed, all is cleared. A second device stands beside it and must not notice. After
 * each event the state is compared with the one of a first run, and now and then the kernel's memory is looked at.
 * Exit code 1 at the first difference. Build first.
 */
import { Guest } from '../../test/lab/guest.ts';
import {
  commandArgv,
  inetgwOk,
  snapshot,
  statistics,
  withBpf,
  withoutIndices,
} from '../../test/lab/inetgw.ts';
import { soakOn } from './onGuest.ts';

const DAY_MS = 24 * 3_600_000;
const MONTH_DAYS = 30;
const events = Number(process.argv[2] ?? 60);
const LOOK_EVERY = Math.ceil(events / 4);
/** What the kernel may hold more at the end than at the first look: its slabs vary by this. */
const MEMORY_TOLERANCE_KIB = 4 * 1024;
/** The month passes 8192, and 8192 more than the other device's index: see `actionIndex` in the shaper. */
const FIRST_IFINDEX = 8185;
const OTHER_IFINDEX = 5;

const RATES = [
  ['210', '1710'],
  ['300', '3mbit'],
  ['10mbit', '50mbit'],
] as const;

const guest = await Guest.boot();
const sh = (script: string): Promise<string> =>
  guest.run(['sh', '-ec', script], { ns: 'gw', spinMs: 3_600_000, timeoutMs: 3_600_000 });

/** Repeatable: a month that fails can be run again. */
let seed = 20_261_122;
function below(limit: number): number {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return Math.floor((seed / 0x8000_0000) * limit);
}

let ifindex = FIRST_IFINDEX;
const make = (): string => `ip link add wan9 index ${ifindex++} type dummy && ip link set wan9 up`;
let rates: readonly [string, string] = RATES[0];
const apply = (): Promise<string> => inetgwOk(guest, 'wan9', ...rates, '--firewall', 'nft');
const otherRates = (): void => {
  rates = RATES.filter((each) => each !== rates)[below(RATES.length - 1)] ?? RATES[0];
};

/** Without what tells one device from another of the same name, and without the order of making. */
async function state(device: string): Promise<string> {
  const text = withoutIndices(await snapshot(guest, device));
  return text
    .replaceAll(/action order \d+:/g, 'action:')
    .split('\n')
    .sort()
    .join('\n');
}

const EVENTS: Readonly<Record<string, () => Promise<unknown>>> = {
  'the link reconnects': async () => {
    await sh('ip link del wan9');
    await inetgwOk(guest, 'wan9', 'clear');
    await sh(make());
    await apply();
  },
  'it reconnects and nobody tells': async () => {
    await sh(`ip link del wan9; ${make()}`);
    await apply();
  },
  'rates change': async () => {
    otherRates();
    await apply();
  },
  'the firewall is flushed': async () => {
    await sh('nft delete table inet inetgw_wan9');
    await apply();
  },
  'a run is killed': async () => {
    otherRates();
    await killedRun(50 * below(30));
    await apply();
  },
  'cleared and set again': async () => {
    await inetgwOk(guest, 'wan9', 'clear');
    await apply();
  },
};

/** A change of rates takes about 1.4 s of the guest's time. */
async function killedRun(afterMs: number): Promise<void> {
  const script = `"$@" >/dev/null 2>&1 & sleep ${afterMs / 1000}; kill -9 $! 2>/dev/null; wait; true`;
  const argv = commandArgv('inetgw', 'wan9', ...rates, '--firewall', 'nft');
  await guest.run(withBpf(['sh', '-c', script, 'sh', ...argv]), { ns: 'gw', spinMs: 60_000 });
}

/** Each round all kinds of events, in an order of its own. */
function* shuffledEvents(): Generator<string> {
  for (;;) {
    const names = Object.keys(EVENTS);
    while (names.length > 0) yield* names.splice(below(names.length), 1);
  }
}

/** What wakes an idle kernel several times per second: a month of it would cost the host half an hour. */
const QUIET_KERNEL = `sysctl -q -w vm.compaction_proactiveness=0 vm.stat_interval=86400 kernel.watchdog=0 \\
  vm.dirty_writeback_centisecs=0`;

/** What the kernel holds and cannot give back at once. */
async function kernelMemoryKib(): Promise<number> {
  const text = await sh('cat /proc/meminfo');
  const field = (name: string): number => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1]);
  return ['SUnreclaim', 'KernelStack', 'PageTables', 'Percpu'].reduce((sum, name) => sum + field(name), 0);
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function sameState(now: string, expected: string, what: string): void {
  if (now === expected) return;
  const lacking = (text: string, other: string): string => {
    const there = new Set(other.split('\n'));
    return text
      .split('\n')
      .filter((line) => !there.has(line))
      .join('\n');
  };
  throw new Error(
    `${what}: the state differs\ntoo much:\n${lacking(now, expected)}\nmissing:\n${lacking(expected, now)}`,
  );
}

async function month(): Promise<void> {
  await guest.run(['sh', '-ec', `ip netns add gw; mkdir -p /run/bpf; ${QUIET_KERNEL}`]);
  await sh(`ip link add wan8 index ${OTHER_IFINDEX} type dummy; ip link set wan8 up; ${make()}`);
  const untouched = await state('wan9');
  await inetgwOk(guest, 'wan8', '500', '5mbit', '--firewall', 'nft');
  const onlyOther = await state('wan9');
  const expected = new Map<string, string>();
  const expectedOfOther = new Map<string, string>();
  for (const each of RATES) {
    rates = each;
    await apply();
    expected.set(each.join(), await state('wan9'));
    expectedOfOther.set(each.join(), await state('wan8'));
  }

  const memoryKib: number[] = [];
  const counts = new Map<string, number>();
  const order = shuffledEvents();
  for (let event = 1; event <= events; event++) {
    await guest.request('sleep', { ms: Math.round((MONTH_DAYS * DAY_MS) / events) });
    const name = order.next().value as string;
    await EVENTS[name]?.();
    counts.set(name, (counts.get(name) ?? 0) + 1);
    const when = `day ${((event / events) * MONTH_DAYS).toFixed(1)}, ${name}`;
    sameState(await state('wan9'), expected.get(rates.join()) ?? '', when);
    console.log(when);
    if (event % LOOK_EVERY !== 0 && event !== events) continue;
    sameState(await state('wan8'), expectedOfOther.get(rates.join()) ?? '', `${when}, the other device`);
    for (const device of ['wan8', 'wan9'])
      check((await statistics(guest, device)).warnings.length === 0, `${when}: warnings about ${device}`);
    memoryKib.push(await kernelMemoryKib());
    console.log(
      `day ${((event / events) * MONTH_DAYS).toFixed(1)}: index ${ifindex - 1}, kernel memory ${memoryKib.at(-1) ?? 0} KiB`,
    );
  }
  console.log(JSON.stringify(Object.fromEntries(counts)));
  const grownKib = (memoryKib.at(-1) ?? 0) - (memoryKib[0] ?? 0);
  console.log(`kernel memory grew by ${grownKib} KiB from the first look to the last`);
  check(grownKib < MEMORY_TOLERANCE_KIB, 'the kernel holds more and more memory');
  await inetgwOk(guest, 'wan9', 'clear');
  sameState(await state('wan9'), onlyOther, 'after clear');
  await inetgwOk(guest, 'wan8', 'clear');
  sameState(await state('wan9'), untouched, 'after clear of both');
}

await soakOn(guest, month);
