/** docs/platforms.md's tables, from the results. Pure. */
import type { CellResult, Results } from './results.ts';
import type { System } from './systems.ts';

/** In the order of the columns. */
export const COLUMNS = [
  'demo',
  'test',
  'apply',
  'pacing',
  'statistics',
  'change',
  'clear',
  'packages',
  'units',
] as const;

const VERSIONS = ['kernel', 'iproute2', 'nft', 'iptables', 'pppd', 'Node'] as const;

/** The table of the systems, with what fails, and why, below it. */
export function systemTable(systems: readonly System[], results: Results): string {
  const notes: string[] = [];
  const rows = systems.map((system) => {
    const { id, name } = system;
    const cells = results.systems[id]?.cells ?? {};
    const words = COLUMNS.map((column) => word(cells[column], `${name}, ${column}`, notes));
    return [name, `\`${id}\``, ...words];
  });
  return [markdownTable(['system', 'ID', ...COLUMNS], rows), ...noteList(notes)].join('\n\n');
}

/** Which versions a system's results are of. */
export function versionTable(systems: readonly System[], { systems: results }: Results): string {
  const rows = systems.map(({ id, name }) => [
    name,
    ...VERSIONS.map((component) => results[id]?.versions[component] ?? '–'),
  ]);
  return markdownTable(['system', ...VERSIONS], rows);
}

/** What the cells that work found. */
export function figureTable(systems: readonly System[], results: Results): string {
  const rows = systems.flatMap((system) => {
    const cells = results.systems[system.id]?.cells ?? {};
    return COLUMNS.flatMap((column) => {
      const cell = cells[column];
      return cell?.works === true ? [[system.name, column, cell.note, cell.day]] : [];
    });
  });
  return markdownTable(['system', 'cell', 'found', 'day'], rows);
}

/** @param combinations the names of the clean roots, in order */
export function rootTable(combinations: readonly string[], { roots }: Results): string {
  const notes: string[] = [];
  const rows = combinations.map((name) => {
    const cell = roots[name];
    const [suite = '', node = '', run = ''] = name.split(' ');
    const command = `npm run roots -- --suite ${suite} --node ${node} --run ${run}`;
    const found = cell?.works === true ? cell.note : word(cell, name, notes);
    return [name, found, cell?.day ?? '–', `\`${command}\``];
  });
  const head = ['suite, Node, command', 'found', 'day', 'run it again'];
  return [markdownTable(head, rows), ...noteList(notes)].join('\n\n');
}

function word(cell: CellResult | undefined, where: string, notes: string[]): string {
  if (cell === undefined) return 'not run';
  if (cell.works) return 'yes';
  notes.push(`${where}: ${cell.note}`);
  return `**no** (${notes.length})`;
}

function noteList(notes: readonly string[]): string[] {
  return notes.length === 0 ? [] : [notes.map((note, index) => `${index + 1}. ${escaped(note)}`).join('\n')];
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What a tool said may hold anything. */
function escaped(text: string): string {
  const plain = text.replaceAll(/\s+/g, ' ').trim();
  return plain.startsWith('`') || plain.startsWith('**')
    ? plain
    : plain.replaceAll(/[\\|*_<>`[\]]/g, (sign) => `\\${sign}`);
}

/** The document with each table between its markers made anew. Throws where a marker is missing. */
export function filledIn(document: string, tables: Readonly<Record<string, string>>): string {
  let text = document;
  for (const [name, table] of Object.entries(tables)) {
    const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
    const [from, to] = [text.indexOf(start), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`there is no place for the table '${name}'`);
    text = `${text.slice(0, from + start.length)}\n\n${table}\n\n${text.slice(to)}`;
  }
  return text;
}
