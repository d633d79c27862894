/** `npm run coverage`: how much of each folder of src/ the tests on this machine run (unit, golden, cli in-process). */
import { readFile } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { execa } from 'execa';

interface Part {
  covered: number;
  total: number;
}
type Summary = Record<string, Record<'lines' | 'branches' | 'functions', Part>>;

await execa(
  'node_modules/.bin/vitest',
  [
    'run',
    '--project',
    'unit',
    '--coverage.enabled',
    '--coverage.provider=v8',
    '--coverage.include=src/**',
    '--coverage.reporter=json-summary',
    '--coverage.reportsDirectory=.lab/coverage',
    '--coverage.reportOnFailure',
    ...process.argv.slice(2),
  ],
  // A test in real time that a busy machine made fail does not change what was run.
  { stdio: ['ignore', 'inherit', 'inherit'], reject: false },
);
const summary = JSON.parse(await readFile('.lab/coverage/coverage-summary.json', 'utf8')) as Summary;
const folders = new Map<string, { files: number; lines: Part; branches: Part }>();
for (const [file, { lines, branches }] of Object.entries(summary)) {
  if (file === 'total') continue;
  const parts = relative('src', file).split(sep);
  const name = parts.length === 1 ? 'src' : `src/${parts.slice(0, -1).join('/')}`;
  const sum = folders.get(name) ?? {
    files: 0,
    lines: { covered: 0, total: 0 },
    branches: { covered: 0, total: 0 },
  };
  sum.files++;
  for (const [into, from] of [
    [sum.lines, lines],
    [sum.branches, branches],
  ] as const) {
    into.covered += from.covered;
    into.total += from.total;
  }
  folders.set(name, sum);
}
const percent = ({ covered, total }: Part): string =>
  total === 0 ? '–' : `${((100 * covered) / total).toFixed(0)} %`;
console.log('| folder | files | lines | branches |\n| --- | --- | --- | --- |');
for (const [name, { files, lines, branches }] of [...folders].sort()) {
  console.log(`| \`${name}/\` | ${files} | ${percent(lines)} | ${percent(branches)} |`);
}
