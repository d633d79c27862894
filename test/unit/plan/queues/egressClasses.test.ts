/** The table of egress classes: a class that is in it is reached, and told of. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { HELP_TEXT } from '../../../../src/cli/inetgw/words/help.ts';
import { egressRules } from '../../../../src/plan/classes/rules.ts';
import { DEFAULT_SETTINGS } from '../../../../src/plan/input/settings.ts';
import {
  DEFAULT_EGRESS_CLASS,
  EGRESS_CLASSES,
  EGRESS_CLASS_NAMES,
} from '../../../../src/plan/queues/egressClasses.ts';

const manual = await readFile(new URL('../../../../docs/man/inetgw.8', import.meta.url), 'utf8');

describe.each(EGRESS_CLASS_NAMES)('the class %s', (name) => {
  it('is where some rule sends packets, or where those go that no rule names', () => {
    const { id } = EGRESS_CLASSES[name];
    const reached = egressRules(DEFAULT_SETTINGS).some(
      ({ verdict }) => verdict.kind === 'class' && verdict.classId === id,
    );
    expect(reached || name === DEFAULT_EGRESS_CLASS).toBe(true);
  });
  it('is named in the help and explained in the manual page', () => {
    expect(HELP_TEXT).toMatch(new RegExp(`\\b${name}\\b`));
    expect(manual).toContain(`\n.It ${name}\n`);
  });
});

it('all together have the whole line, each under a number of its own', () => {
  const all = EGRESS_CLASS_NAMES.map((name) => EGRESS_CLASSES[name]);
  expect(all.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
  expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  for (const { id, leafHandle } of all) expect(id).toBe(`1:${leafHandle.slice(0, -1)}`);
});
