/** A program that fails is told to the user as such, and never as a bug, whoever ran it. */
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../../src/config/fromArguments.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { makePlan } from '../../../../src/plan/plan.ts';
import { readActions } from '../../../../src/system/device/actions.ts';
import { ProgramError, type Runner } from '../../../../src/system/exec/run.ts';
import { removeStrayActions } from '../../../../src/system/device/strayActions.ts';

const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
const link = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const plan = makePlan(settings, link, { leafQdisc: 'cake' }, 'nft');

/** Every program hangs until its time limit. */
const hanging: Runner = (argv) =>
  Promise.reject(
    new ProgramError(
      argv,
      { code: -1, stdout: '', stderr: '' },
      `'${argv.join(' ')}' did not end within 30 s`,
    ),
  );

describe('a program that hangs', () => {
  it('while actions are put aside that no filter holds', async () => {
    const error: unknown = await removeStrayActions(plan, hanging).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain("'tc -force -batch -' did not end within 30 s");
  });

  it('while counters are read', async () => {
    const error: unknown = await readActions('ppp0', 'ingress', hanging).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain('did not end within 30 s');
  });
});

it('that there are no actions to put aside is no failure', async () => {
  const codes: (readonly number[] | undefined)[] = [];
  const noting: Runner = (_, options) => {
    codes.push(options?.okCodes);
    return Promise.resolve({ code: 2, stdout: '', stderr: '' });
  };
  await removeStrayActions(plan, noting);
  expect(codes).toEqual([[1, 2]]);
});
