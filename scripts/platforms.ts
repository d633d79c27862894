/**
 * Boots a guest with another Debian's programs and kernel and tries the commands there: `npm run platforms --
 * [SYSTEM…] [--cell CELL…]`. Writes what it found to docs/platforms/results.json, and the tables of docs/platforms.md from
 * it. Needs root, debootstrap and Debian's archive; see docs/platforms.md.
 */
import { Command, Option } from 'commander';
import { usageError } from '../src/core/errors.ts';
import { table } from '../src/report/statistics/table.ts';
import { Guest, type GuestSystem } from '../test/lab/guest.ts';
import { checkoutRoot } from '../test/lab/paths.ts';
import { CELLS, LONG_CELLS, reasonIn, rootOf } from './platforms/cells.ts';
import { writeDocument } from './platforms/document.ts';
import { parsed, runScript } from './platforms/main.ts';
import { buildPackages, type Packages } from './platforms/packages.ts';
import { changeResults, readResults, type CellResult } from './platforms/results.ts';
import { labSystem, type RootKind } from './platforms/roots.ts';
import { SYSTEMS, type System } from './platforms/systems.ts';

interface Wanted {
  systems: readonly System[];
  cells: readonly string[];
}

function wantedOf(argv: readonly string[]): Wanted {
  const program = new Command('npm run platforms --')
    .description('Tries the commands on other Debians, in guests with their programs and kernels.')
    .argument('[system...]', `one of ${SYSTEMS.map(({ id }) => id).join(', ')}; all by default`)
    .addOption(
      new Option(
        '--cell <cell...>',
        `only these columns of the table; all but ${LONG_CELLS.join(', ')} by default`,
      ).choices(Object.keys(CELLS)),
    );
  const names = parsed(program, argv).args;
  const systems = SYSTEMS.filter(({ id }) => names.length === 0 || names.includes(id));
  const unknown = names.find((name) => !SYSTEMS.some(({ id }) => id === name));
  if (unknown !== undefined)
    throw usageError(`there is no system '${unknown}': ${SYSTEMS.map(({ id }) => id).join(', ')}`);
  const { cell } = program.opts<{ cell?: string[] }>();
  return {
    systems,
    cells: Object.keys(CELLS).filter((name) => cell?.includes(name) ?? !LONG_CELLS.includes(name)),
  };
}

const say = (text: string): void => {
  process.stderr.write(`platforms: ${text}\n`);
};

/** One boot for all cells; a new one where a cell has lost the guest. */
async function tryOut(system: System, cells: readonly string[], packages: Packages): Promise<boolean> {
  let booted: RootKind | undefined;
  let guest: Guest | undefined;
  let allWork = true;
  for (const name of cells) {
    const startedAt = Date.now();
    let result: CellResult;
    try {
      const root = rootOf(name);
      if (guest?.alive !== true || root !== booted) {
        await guest?.close();
        say(`${system.name}: the root and its kernel`);
        guest = await boot(system, await labSystem(system, root));
        booted = root;
      }
      const note = await CELLS[name]?.({ guest, system, packages, ownNode: system.node === 'own' });
      result = { works: true, note: note ?? '', day: today() };
    } catch (error) {
      allWork = false;
      const message = error instanceof Error ? error.message : String(error);
      result = { works: false, note: reasonIn(message).replaceAll(checkoutRoot, ''), day: today() };
      process.stderr.write(`${message}\n`);
    }
    const seconds = Math.round((Date.now() - startedAt) / 1000);
    say(`${system.name}, ${name}: ${result.works ? 'works' : 'fails'}: ${result.note} (${seconds} s)`);
    await changeResults(({ systems }) => {
      const found = (systems[system.id] ??= { versions: {}, cells: {} });
      found.cells[name] = result;
    });
  }
  await guest?.close();
  return allWork;
}

async function boot(system: System, runs: GuestSystem): Promise<Guest> {
  const guest = await Guest.boot({ system: runs });
  const versions = await versionsOf(guest);
  say(`${system.name}: booted in ${Math.round(guest.bootMs / 1000)} s, ${JSON.stringify(versions)}`);
  await changeResults(({ systems }) => {
    (systems[system.id] ??= { versions: {}, cells: {} }).versions = versions;
  });
  return guest;
}

const VERSION_COMMANDS = {
  kernel: 'uname -r',
  iproute2: 'tc -V',
  nft: 'nft --version',
  iptables: 'iptables --version',
  pppd: 'pppd --version 2>&1',
  Node: 'node --version',
};

async function versionsOf(guest: Guest): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const [name, command] of Object.entries(VERSION_COMMANDS)) {
    const { stdout } = await guest.exec(['sh', '-c', command], { spinMs: 60_000 });
    versions[name] = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? '–';
  }
  return versions;
}

const today = (): string => new Date().toISOString().slice(0, 10);

async function main(argv: readonly string[]): Promise<number> {
  const { systems, cells } = wantedOf(argv);
  const packages = await buildPackages();
  let allWork = true;
  for (const system of systems) if (!(await tryOut(system, cells, packages))) allWork = false;
  await writeDocument();
  const results = (await readResults()).systems;
  const rows = systems.map(({ id, name }) => [
    name,
    ...cells.map((cell) => (results[id]?.cells[cell]?.works === true ? 'yes' : 'no')),
  ]);
  process.stdout.write(`${table(['', ...cells], rows)}\n`);
  return allWork ? 0 : 1;
}

await runScript('platforms', main);
