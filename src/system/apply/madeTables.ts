/** The empty tables that iptables-nft would leave behind: seen before, and taken away after. */
import {
  NFT_FAMILY,
  parseMangleTable,
  removeMangleTable,
  type MangleTable,
} from '../../firewall/madeTables.ts';
import type { Family } from '../../firewall/iptables.ts';
import type { Step } from '../../plan/steps.ts';
import { UserError } from '../../core/errors.ts';
import { isInstalled } from './firewall.ts';
import { Parts } from '../exec/parts.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';
import { readState, recordedDevices } from '../record/state.ts';

/**
 * For which families iptables is about to make its table: there is none, or other devices of ours have made it. None where
 * that cannot be told, as without nft: then nothing is taken away.
 */
export async function tablesToBeMade(families: readonly Family[], run: Runner): Promise<Family[]> {
  if (!(await isInstalled('nft'))) return [];
  const shown = await ask(['nft', 'list', 'tables'], run);
  if (shown === undefined) return [];
  const made: Family[] = [];
  for (const family of families) {
    const isThere = new RegExp(`^table ${NFT_FAMILY[family]} mangle$`, 'm').test(shown);
    if (!isThere || (await madeByAnother(family))) made.push(family);
  }
  return made;
}

async function madeByAnother(family: Family): Promise<boolean> {
  const records = await Promise.all((await recordedDevices()).map(readState));
  return records.some((each) => each.kind === 'state' && each.state.madeTables?.includes(family) === true);
}

/** @param also whether a table that has nothing but rules of ours counts as well: they are about to go */
export async function madeTablesRemoval(
  families: readonly Family[],
  also: 'ours' | undefined,
  run: Runner,
): Promise<Step[]> {
  if (families.length === 0 || !(await isInstalled('nft'))) return [];
  const steps: Step[] = [];
  for (const family of families) {
    const table = await readTable(family, run);
    if (table === undefined || table.state === 'used' || (table.state === 'ours' && also === undefined))
      continue;
    const input = removeMangleTable(family, table.chains);
    steps.push({ what: 'the empty tables of iptables', argv: ['nft', '-f', '-'], input });
  }
  return steps;
}

/** Whatever of it cannot be done is left: an empty table does nothing. */
export async function removeMadeTables(families: readonly Family[], run: Runner): Promise<void> {
  for (const step of await madeTablesRemoval(families, undefined, run)) {
    await new Parts().do('', () => runStep(step, run, { doing: 'taking away' }));
  }
}

async function readTable(family: Family, run: Runner): Promise<MangleTable | undefined> {
  const text = await ask(['nft', 'list', 'table', NFT_FAMILY[family], 'mangle'], run);
  return text === undefined ? undefined : parseMangleTable(text);
}

async function ask(argv: readonly [string, ...string[]], run: Runner): Promise<string | undefined> {
  try {
    return (await run(argv)).stdout;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}
