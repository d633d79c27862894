/**
 * What is tried on each system, on a real ppp0 in a guest with that system's programs and kernel. A cell gives a
 * line with its figures, or throws with the reason.
 */
import { join } from 'node:path';
import type { Statistics } from '../../src/report/statistics/statistics.ts';
import type { Guest } from '../../test/lab/guest.ts';
import { inetgw, inetgwOk, snapshot, statistics, withoutEmptyTables } from '../../test/lab/inetgw.ts';
import { setUpLine } from '../../test/lab/line.ts';
import { summarise, type MeasureResult } from '../../test/lab/measure.ts';
import { FIRST_FILES, pathOf } from '../../test/labFiles.ts';
import { runTests } from '../testRuns.ts';
import type { Packages } from './packages.ts';
import type { RootKind } from './roots.ts';
import type { System } from './systems.ts';
import { units } from './units.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';

export interface CellContext {
  system: System;
  guest: Guest;
  /** Seen by the guest under the same path. */
  packages: Packages;
  /** Whether the system has a Node that the .deb can depend on. */
  ownNode: boolean;
}

export type Cell = (context: CellContext) => Promise<string>;

const RATES = ['ppp0', '215', '1715'] as const;

/** In the order of the table. */
export const CELLS: Readonly<Record<string, Cell>> = {
  demo,
  test,
  apply,
  pacing,
  statistics: figures,
  change,
  clear,
  packages,
  units,
};

/** Those that are run where they are named alone: they take half an hour. */
export const LONG_CELLS: readonly string[] = ['test'];

/** Which root a cell is tried in: systemd is in few of them, and would only take time to be installed. */
export const rootOf = (cell: string): RootKind => (cell === 'units' ? 'systemd' : 'lab');

/** The answer time of the loaded line without and with the shaper. */
async function demo({ guest }: CellContext): Promise<string> {
  await setUpLine(guest);
  const before = await load(guest, 60);
  // A line of its own, so that nothing is left in the buffers.
  await setUpLine(guest);
  await inetgwOk(guest, ...RATES);
  const after = await load(guest, 60);
  await inetgwOk(guest, 'ppp0', 'clear');
  const [without, withIt] = [before, after].map(({ ping }) => summarise(ping.timesMs).mean);
  const rates = [after.downBitPerSec, after.upBitPerSec].map((each) => Math.round(each / 1000)).join('/');
  const text = `${without?.toFixed(0)} → ${withIt?.toFixed(0)} ms, ${rates} kbit/s`;
  if (withIt === undefined || !(withIt < 100)) throw new Error(`too slow an answer: ${text}`);
  return text;
}

/** The part of `npm test` that the lab has, in guests of its own with this system. */
async function test({ system }: CellContext): Promise<string> {
  const env = { LAB_FIRST: '1', LAB_SYSTEM: system.id };
  const run = { projects: ['lab'], files: FIRST_FILES.map(pathOf), env };
  const { passed, failures, secondTries, left } = await runTests([run]);
  const text = [
    ...[`${passed} passed`, `${failures.length} failed`],
    ...(secondTries.length === 0 ? [] : [`${secondTries.length} at a second try`]),
    ...(left.length === 0 ? [] : [`${left.length} not run`]),
  ].join(', ');
  const [first] = failures;
  if (first !== undefined) throw new Error(`${text}, first: ${first.name}`);
  return text;
}

/** Sets up and clears by the tool that is chosen, and by each of the two. */
async function apply({ guest }: CellContext): Promise<string> {
  const said: string[] = [];
  for (const tool of ['auto', 'nft', 'iptables']) {
    // Anew each time: a failure of one must not count for the next.
    await setUpLine(guest);
    const result = await inetgw(guest, ...RATES, '--firewall', tool);
    if (result.code !== 0) throw new Error(`--firewall ${tool}: ${firstLine(result.stderr)}`);
    const { firewall, fallbacks } = await statistics(guest);
    if (!firewall.present) throw new Error(`--firewall ${tool}: the rules are not there`);
    said.push(...(tool === 'auto' ? [`takes ${firewall.backend}`, ...fallbacks] : [tool]));
    await inetgwOk(guest, 'ppp0', 'clear');
  }
  return said.join(', ');
}

/** Windows are lowered, and the program's map can be read. */
async function pacing({ guest }: CellContext): Promise<string> {
  await shaped(guest);
  await load(guest, 20);
  const { pacing: now } = await statistics(guest);
  if (now === undefined) throw new Error('the kernel or tc does not take the program');
  if (now.rewrittenPackets === 0) throw new Error('no window was lowered');
  if (now.activeFlows === null) throw new Error('the map of the program cannot be read');
  return `${now.rewrittenPackets} windows lowered, map read`;
}

/** `inetgw ppp0 --json` after some load: every part counts. */
async function figures({ guest }: CellContext): Promise<string> {
  await shaped(guest);
  await load(guest, 20);
  const now = await statistics(guest);
  if (now.warnings.length > 0) throw new Error(now.warnings.join('; '));
  const sent = sentPackets(now);
  const matched = Object.values(now.firewall.rules).reduce((sum, rule) => sum + rule.packets, 0);
  const { seenPackets } = now.ingress.stages[0];
  if (sent === 0) throw new Error('the classes count nothing');
  if (matched === 0) throw new Error('the firewall rules count nothing');
  if (seenPackets === 0) throw new Error('the first stage counts nothing');
  await inetgwOk(guest, 'ppp0');
  return `classes, rules and stages count`;
}

/** Rates change in place: what was counted stays. */
async function change({ guest }: CellContext): Promise<string> {
  await shaped(guest);
  await guest.run(['ping', '-q', '-c', '20', '-i', '0.1', '192.0.2.1'], { ns: 'gw', spinMs: 0 });
  const before = await statistics(guest);
  await inetgwOk(guest, 'ppp0', '212', '1700');
  const after = await statistics(guest);
  if (after.upBitPerSec !== 212_000 || after.downBitPerSec !== 1_700_000) throw new Error('other rates');
  if (sentPackets(before) === 0 || sentPackets(after) < sentPackets(before)) {
    throw new Error('the queues were made anew');
  }
  return 'counters stay';
}

/** Everything is as it was: qdiscs, filters, actions, both kinds of rules, records. */
async function clear({ guest }: CellContext): Promise<string> {
  await setUpLine(guest);
  const before = await snapshot(guest);
  const exact: string[] = [];
  for (const tool of ['nft', 'iptables']) {
    await inetgwOk(guest, ...RATES, '--firewall', tool);
    await inetgwOk(guest, 'ppp0', 'clear');
    const after = await snapshot(guest);
    if (withoutEmptyTables(after) !== withoutEmptyTables(before)) {
      throw new Error(`--firewall ${tool} leaves behind: ${firstDifference(before, after)}`);
    }
    exact.push(after === before ? tool : `${tool} but for an empty table mangle`);
  }
  return `as before: ${exact.join(', ')}`;
}

/** Installs the package as an administrator does, uses it by name, removes it. */
async function packages({ guest, ownNode, packages: built }: CellContext): Promise<string> {
  await setUpLine(guest);
  const within = { ns: 'gw', spinMs: 600_000, timeoutMs: 3_600_000 };
  const [install, remove] = ownNode
    ? [
        ['dpkg', '-i', join(built.folder, built.deb)],
        ['dpkg', '--purge', 'inetgw'],
      ]
    : [
        ['npm', 'install', '-g', '--offline', '--no-audit', '--no-fund', join(built.folder, built.tarball)],
        ['npm', 'uninstall', '-g', 'inetgw'],
      ];
  await guest.run(install as [string, ...string[]], within);
  const use = `
    mount --bind /run/bpf /sys/fs/bpf
    set -e
    for command in inetgw searchbw iprelay; do $command --version >/dev/null; $command --help >/dev/null; done
    inetgw ${RATES.join(' ')} --quiet
    inetgw ppp0 --json | grep -q '"upBitPerSec": *215000'
    inetgw ppp0 clear --quiet`;
  await guest.run(['sh', '-c', use], within);
  await guest.run(remove as [string, ...string[]], within);
  const left = await guest.exec(['sh', '-c', 'command -v inetgw'], within);
  if (left.code === 0) throw new Error(`after ${remove.join(' ')} there still is ${left.stdout.trim()}`);
  return ownNode ? '.deb' : 'npm -g';
}

async function shaped(guest: Guest): Promise<void> {
  await setUpLine(guest);
  await inetgwOk(guest, ...RATES);
}

function load(guest: Guest, pings: number): Promise<MeasureResult> {
  return measure(guest, { flows: [downloads(4), uploads(2)], pings });
}

const sentPackets = ({ egress }: Statistics): number => egress.reduce((sum, row) => sum + row.sentPackets, 0);

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** One line of it: without the command that is told first, which may be a whole script. Pure. */
export const reasonIn = (message: string): string =>
  firstLine(/ended with \d+: [^]*$/.exec(message)?.[0] ?? message);

/** The first line of the second text that the first one lacks, or the other way round. Pure. */
export function firstDifference(before: string, after: string): string {
  const [had, has] = [before.split('\n'), after.split('\n')];
  const more = has.find((line) => !had.includes(line));
  if (more !== undefined) return more.trim();
  const less = had.find((line) => !has.includes(line));
  return less === undefined ? 'another order of lines' : `without: ${less.trim()}`;
}
