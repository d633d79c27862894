/** The exit codes, wherever they are told; the manual page has a test of its own beside the others'. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { makeProgram } from '../../../src/cli/searchbw.ts';
import { EXIT } from '../../../src/errors.ts';

/** `notInForce` is of inetgw alone. */
const own = Object.entries(EXIT).flatMap(([name, code]) => (name === 'notInForce' ? [] : [String(code)]));
const ALL = [...own, '128+n'];

/** The codes of `0 a value was recommended, 1 failed …`. */
const told = (text: string, separator: string): (string | undefined)[] =>
  text.split(separator).map((each) => /^\s*(\d\S*) /.exec(each)?.[1]);

it('the help tells every exit code', () => {
  let help = '';
  makeProgram()
    .configureOutput({ writeOut: (text) => (help += text) })
    .outputHelp();
  const codes = told(/^Exit codes: ([^.]*)\./m.exec(help)?.[1] ?? '', ',');
  // A comma stands inside of one explanation too.
  expect(codes.filter((code) => code !== undefined)).toEqual(ALL);
});

it('docs/searchbw.md tells every exit code', async () => {
  const page = await readFile(new URL('../../../docs/searchbw.md', import.meta.url), 'utf8');
  expect(told(page.split('## Exit codes\n')[1] ?? '', '·')).toEqual(ALL);
});
