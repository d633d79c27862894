/** The exit codes in the guide; help and manual page have a test of their own beside the others'. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { EXIT } from '../../../src/core/errors.ts';

/** `notInForce` is of inetgw alone. */
const own = Object.entries(EXIT).flatMap(([name, code]) => (name === 'notInForce' ? [] : [String(code)]));
const ALL = [...own, '128+n'];

/** The codes of `0 a value was recommended, 1 failed …`. */
const told = (text: string, separator: string): (string | undefined)[] =>
  text.split(separator).map((each) => /^\s*(\d\S*) /.exec(each)?.[1]);

it('docs/searchbw.md tells every exit code', async () => {
  const page = await readFile(new URL('../../../docs/searchbw.md', import.meta.url), 'utf8');
  expect(told(page.split('## Exit codes\n')[1] ?? '', '·')).toEqual(ALL);
});
