/** Questions of a run, on a terminal made of two streams. */
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import { ask, askDuringRun } from '../../../../src/search/run/ask.ts';
import { Interrupted } from '../../../../src/search/run/ending.ts';

const CTRL_C = '\x03';
const CTRL_D = '\x04';

let input: PassThrough;
let output: PassThrough;
let ending: AbortController;
beforeEach(() => {
  input = new PassThrough();
  output = new PassThrough();
  ending = new AbortController();
});

const begin = (how: typeof ask | typeof askDuringRun = ask): Promise<string | undefined> =>
  how('Start? ', ending.signal, { input, output, terminal: true });

describe('a question', () => {
  it('is asked, and its answer is taken without what is around it', async () => {
    const answer = begin();
    input.write(' yes \r');
    expect(await answer).toBe('yes');
    expect(String(output.read())).toContain('Start? ');
  });

  it('ends the run on Ctrl-C as SIGINT does', async () => {
    const answer = begin(askDuringRun);
    input.write(CTRL_C);
    await expect(answer).rejects.toMatchObject({ name: 'Interrupted', signal: 'SIGINT' });
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('ends on %s with what ended the run', async (name) => {
    const answer = begin(askDuringRun);
    const reason = new Interrupted(name);
    ending.abort(reason);
    await expect(answer).rejects.toBe(reason);
  });

  it('is not asked any more when the run is to end', async () => {
    ending.abort(new Interrupted('SIGTERM'));
    await expect(begin()).rejects.toMatchObject({ signal: 'SIGTERM' });
    expect(output.read()).toBeNull();
  });

  it.each([
    ['Ctrl-D', () => input.write(CTRL_D)],
    ['an input that ends', () => input.end()],
    ['a terminal that is gone', () => input.destroy(new Error('EIO'))],
  ])('has no answer after %s; during the run that interrupts it', async (_name, end) => {
    const before = begin();
    end();
    expect(await before).toBeUndefined();

    input = new PassThrough();
    const during = begin(askDuringRun);
    end();
    await expect(during).rejects.toMatchObject({ name: 'Interrupted', signal: 'SIGINT' });
  });

  it('keeps an answer that was given just before the input ended', async () => {
    const answer = begin();
    input.write(`y\r${CTRL_D}`);
    expect(await answer).toBe('y');
  });
});
