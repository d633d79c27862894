import fc from 'fast-check';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { reportError } from '../../../src/cli/common/main.ts';
import { failure, usageError, UserErrors } from '../../../src/core/errors.ts';
import { printable, printableLine } from '../../../src/core/printable.ts';

/** Everything that a terminal takes for more than a letter. */
const STEERS = /(?![\n\t])\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

describe('text from outside', () => {
  it('never steers a terminal, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(STEERS);
        expect(printableLine(text)).not.toMatch(/[\n\t]/);
      }),
    );
  });
  it('stays as it is where there is nothing to escape', () => {
    const plain = 'größer als 100 ms – “ok”\n\t日本 🙂 \\x1b';
    expect(printable(plain)).toBe(plain);
  });
  it('shows what was escaped', () => {
    expect(printableLine('a\x1b[2Jb\r\nc\u009b1m\u202e')).toBe('a\\x1b[2Jb\\x0d\\nc\\x9b1m\\u{202e}');
  });
});

describe('an error message', () => {
  const shown = (error: unknown): string => {
    const err = new PassThrough();
    reportError('inetgw', error, err);
    return String(err.read());
  };
  it('cannot be forged or steer the terminal by a name that it quotes', () => {
    const name = "x'\ninetgw: all is well\x1b[1A\x1b[2K";
    expect(shown(usageError(`there is no '${name}'`, `try ${name}`))).toBe(
      "inetgw: there is no 'x'\n    inetgw: all is well\\x1b[1A\\x1b[2K'\n" +
        "inetgw: try x'\n    inetgw: all is well\\x1b[1A\\x1b[2K\n",
    );
  });
  it('begins each error of several with the name of the command, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 4 }), (messages) => {
        const text = shown(new UserErrors(messages.map((message) => failure(message))));
        expect(text.split('\n').filter((line) => line.startsWith('inetgw: '))).toHaveLength(messages.length);
        expect(text).not.toMatch(STEERS);
      }),
    );
  });
});
