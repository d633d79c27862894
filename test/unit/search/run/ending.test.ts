/** A run that is ended from outside: by a signal, or by an output that takes no more. */
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../../src/core/errors.ts';
import { endable, Interrupted, OutputClosed } from '../../../../src/search/run/ending.ts';

/** Refuses whatever is written, as a full disk or a terminal that is gone does. */
function broken(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done(Object.assign(new Error(`${code}: it says no`), { code }));
    },
  });
}

const fine = (): Writable =>
  new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });

/** Resolves when the run is told to end. */
const told = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });

/** A run that writes a line, and puts its shaper back when it is told to end. */
function writeTo(stdout: Writable): { run: Promise<void>; hasRestored: () => boolean } {
  let restored = false;
  const run = endable(
    async (signal) => {
      stdout.write('a line');
      await told(signal);
      restored = true;
      signal.throwIfAborted();
    },
    { stdout, stderr: fine() },
  );
  return { run, hasRestored: () => restored };
}

describe('an output that takes no more', () => {
  it.each(['EPIPE', 'EIO'])('ends the run without an error when nobody reads any more: %s', async (code) => {
    const { run, hasRestored } = writeTo(broken(code));
    await expect(run).rejects.toBeInstanceOf(OutputClosed);
    expect(hasRestored()).toBe(true);
  });

  it('ends the run with one line when the disk is full, after the restore', async () => {
    const { run, hasRestored } = writeTo(broken('ENOSPC'));
    await expect(run).rejects.toThrow('cannot write the output: ENOSPC: it says no');
    await expect(run).rejects.toBeInstanceOf(UserError);
    expect(hasRestored()).toBe(true);
  });

  it('is noticed too when the last words of the run do not arrive', async () => {
    const stdout = broken('ENOSPC');
    const run = endable(() => Promise.resolve(stdout.write('the result')), { stdout, stderr: fine() });
    await expect(run).rejects.toThrow('cannot write the output');
  });

  it('is ignored on standard error, during the run and after it', async () => {
    const stderr = broken('EIO');
    const outputs = { stdout: fine(), stderr };
    expect(await endable(() => Promise.resolve(stderr.write('progress')), outputs)).toBeDefined();
    // Nobody listening would make this throw.
    stderr.emit('error', new Error('EIO'));
  });

  it('leaves the listeners of standard output as they were', async () => {
    const stdout = fine();
    const usual = (): void => undefined;
    stdout.on('error', usual);
    await endable(() => Promise.resolve(), { stdout, stderr: fine() });
    expect(stdout.listeners('error')).toEqual([usual]);
  });
});

it.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
  'is told of %s, and throws it after the restore',
  async (name) => {
    let restored = false;
    const run = endable(
      async (signal) => {
        process.emit(name, name);
        expect(signal.aborted).toBe(true);
        await Promise.resolve();
        restored = true;
      },
      { stdout: fine(), stderr: fine() },
    );
    await expect(run).rejects.toMatchObject({ signal: name });
    await expect(run).rejects.toBeInstanceOf(Interrupted);
    expect(restored).toBe(true);
  },
);
