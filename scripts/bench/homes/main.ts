/**
 * The benchmark of what homes put on their line: `npm run bench -- --loads homes [--line L] [--load L] [--shaper S]
 * [--seed N]`. Several hosts in the LAN load the line, behind NAT or routed, and a further one pings. Virtual time. Prints each row
 * as it is measured, and at the end the table that docs/benchmarks/homes.md has.
 */
import { Command, InvalidArgumentError, Option } from 'commander';
import { Guest } from '../../../test/lab/guest.ts';
import { LAN_NAMESPACES, setUpLine, type LineOptions } from '../../../test/lab/line.ts';
import { summarise } from '../../../test/lab/measure.ts';
import { runSteps } from '../../../test/lab/steps.ts';
import { measure } from '../../../test/lab/traffic.ts';
import { LINES, LINE_NAMES, type BenchLine, type LineName } from '../line/lines.ts';
import { cakeOnHosts, inetgw, SHAPERS, shareOf, type Shaper } from '../line/shapers.ts';
import { flowsOf, HOME_LOADS, HOME_LOAD_NAMES, type HomeLoadName } from './loads.ts';

const HOME_SHAPERS = {
  inetgw: { title: 'inetgw', commands: (target) => [inetgw(target)] },
  flow: { title: 'inetgw --fair flow', commands: (target) => [inetgw(target, '--fair', 'flow')] },
  cake: { title: 'cake', commands: cakeOnHosts },
  sqm: { title: 'HTB + fq_codel', commands: SHAPERS.sqm.commands },
} as const satisfies Readonly<Record<string, Shaper>>;
type HomeShaperName = keyof typeof HOME_SHAPERS;
const HOME_SHAPER_NAMES = Object.keys(HOME_SHAPERS) as HomeShaperName[];

interface Options {
  line: LineName[];
  load: HomeLoadName[];
  shaper: HomeShaperName[];
  seed: number[];
  lan: ('nat' | 'routed' | 'ipv6')[];
  share: number;
}

function wholeFrom(word: string, earlier: number[] | undefined): number[] {
  if (!/^\d+$/.test(word)) throw new InvalidArgumentError('A whole number, 0 or more.');
  return [...(earlier ?? []), Number(word)];
}

function optionsOf(argv: readonly string[]): Options {
  const options = new Command('npm run bench -- --loads homes')
    .description('Several hosts share a line: who gets what, and how long a further one waits.')
    .addOption(new Option('--loads <set>').choices(['homes']))
    .addOption(new Option('--line <name...>').choices(LINE_NAMES).default(['adsl6']))
    .addOption(new Option('--load <name...>').choices(HOME_LOAD_NAMES).default(HOME_LOAD_NAMES))
    .addOption(new Option('--shaper <name...>').choices(HOME_SHAPER_NAMES).default(HOME_SHAPER_NAMES))
    .addOption(new Option('--lan <kind...>').choices(['nat', 'routed', 'ipv6']).default(['nat']))
    .addOption(new Option('--seed <n...>', '0: the line as it is; others vary its path').argParser(wholeFrom))
    .addOption(new Option('--share <share>', 'of the raw rate').argParser(Number).default(0.975))
    .parse(argv, { from: 'user' })
    .opts<Omit<Options, 'seed'> & { seed?: number[] }>();
  return { ...options, seed: options.seed ?? [0] };
}

/** Numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 0x8000_0000) / 0x8000_0000;
}

/** The line of a seed: its path up to a sixth shorter or longer, and flows that have run up to 2 s longer before the window. */
function variant({ options }: BenchLine, seed: number): { options: LineOptions; moreWarmUpMs: number } {
  if (seed === 0) return { options, moreWarmUpMs: 0 };
  const random = randomFrom(seed);
  random();
  const pathMs = Math.round(options.pathMs * (1 + (random() - 0.5) / 3) * 10) / 10;
  return { options: { ...options, pathMs }, moreWarmUpMs: Math.round(random() * 2000) };
}

interface Row {
  line: LineName;
  load: HomeLoadName;
  shaper: HomeShaperName;
  lan: Options['lan'][number];
  seed: number;
  pingMs: readonly [p50: number, p95: number];
  hostsKbit: readonly number[];
}

async function measured(
  guest: Guest,
  {
    line: lineName,
    load: loadName,
    shaper,
    lan,
    seed,
  }: Pick<Row, 'line' | 'load' | 'shaper' | 'lan' | 'seed'>,
  share: number,
): Promise<Row> {
  const line: BenchLine = LINES[lineName];
  const load = HOME_LOADS[loadName];
  const { options, moreWarmUpMs } = variant(line, seed);
  const hosts = LAN_NAMESPACES.slice(0, load.connections.length + 1);
  const { device } = await setUpLine(guest, { ...options, lan: { nat: lan === 'nat', hosts: hosts.length } });
  const target = {
    device,
    line,
    upBitPerSec: shareOf(options.upBitPerSec, share),
    downBitPerSec: shareOf(options.downBitPerSec, share),
  };
  await runSteps(
    guest,
    HOME_SHAPERS[shaper].commands(target).map((argv) => ({ ns: 'gw', argv })),
  );
  const isFast = options.downBitPerSec >= 20e6;
  const { ping, groups } = await measure(guest, {
    flows: flowsOf(load, hosts, lan === 'ipv6' ? 6 : 4),
    warmUpMs: (isFast ? 10_000 : 15_000) + moreWarmUpMs,
    pings: isFast ? 100 : 150,
    pingIntervalMs: isFast ? 100 : 200,
    pingNs: hosts.at(-1) ?? 'lan',
  });
  const { median, p95 } = summarise(ping.timesMs);
  const hostsKbit = groups.map(({ bitPerSec }) => bitPerSec / 1000);
  return { line: lineName, load: loadName, shaper, lan, seed, pingMs: [median, p95], hostsKbit };
}

const HEAD = ['load', 'LAN', 'seed', 'shaper', 'ping p50 / p95 ms', 'least host', 'most', 'sum kbit/s'];

/** Hosts in per cent of the sum. */
function cells({ load, lan, seed, shaper, pingMs, hostsKbit }: Row): string[] {
  const sum = hostsKbit.reduce((total, each) => total + each, 0);
  const part = (kbit: number): string => `${((100 * kbit) / sum).toFixed(1)} %`;
  return [
    HOME_LOADS[load].title,
    { nat: 'NAT', routed: 'routed', ipv6: 'IPv6' }[lan],
    String(seed),
    HOME_SHAPERS[shaper].title,
    pingMs.map((ms) => ms.toFixed(1)).join(' / '),
    part(Math.min(...hostsKbit)),
    part(Math.max(...hostsKbit)),
    sum.toFixed(0),
  ];
}

const markdownRow = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

export async function runHomes(argv: readonly string[]): Promise<void> {
  const { line: lines, load: loads, shaper: shapers, lan: lans, seed: seeds, share } = optionsOf(argv);
  for (const line of lines) {
    const guest = await Guest.boot(LINES[line].guest);
    const rows: string[][] = [];
    try {
      for (const load of loads)
        for (const lan of lans)
          for (const seed of seeds)
            for (const shaper of shapers) {
              const row = cells(await measured(guest, { line, load, shaper, lan, seed }, share));
              console.error(`${line}: ${row.join('  ')}`);
              rows.push(row);
            }
    } finally {
      await guest.close();
    }
    console.log(`${LINES[line].title}, told ${share * 100} %\n`);
    console.log([HEAD, HEAD.map(() => '---'), ...rows].map(markdownRow).join('\n'));
  }
}
