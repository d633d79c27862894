import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEngine, isShareName, parseEngine } from '../../../../src/relay/settings/engine.ts';

describe('the address of an engine', () => {
  it.each([
    ['redis://h', { host: 'h', port: 6379, database: 0, tls: false, user: undefined, password: undefined }],
    ['valkey://h:7000/3', { host: 'h', port: 7000, database: 3, tls: false }],
    ['rediss://joe:p%40ss@h', { tls: true, user: 'joe', password: 'p@ss' }],
    [
      'redis://:secret@[2001:db8::1]:1',
      { host: '2001:db8::1', port: 1, user: undefined, password: 'secret' },
    ],
  ])('%s', (text, expected) => {
    expect(parseEngine(text)).toMatchObject(expected);
  });

  it.each([
    'h:6379',
    'http://h',
    'redis://',
    'redis://h:0',
    'redis://h:99999',
    'redis://h/x',
    'redis://h/1/2',
    'redis://h?a=b',
    'redis://:a%zz@h',
    'redis://:to#o@h',
    '',
  ])('not %s', (text) => {
    expect(parseEngine(text)).toBeTypeOf('string');
  });

  it('what is wrong never repeats what was typed, since there may be a password in it', () => {
    fc.assert(
      fc.property(fc.string(), fc.stringMatching(/^[a-z]{8}$/), (around, secret) => {
        const engine = parseEngine(`redis://:${secret}${around}@h/x`);
        expect(engine).toBeTypeOf('string');
        expect(engine).not.toContain(secret);
      }),
    );
  });

  it('shown without user and password, and read again it is the same engine', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('redis', 'rediss', 'valkey', 'valkeys'),
        fc.integer({ min: 1, max: 65_535 }),
        fc.integer({ min: 0, max: 9999 }),
        fc.stringMatching(/^[a-z]{8,12}$/),
        (kind, port, database, secret) => {
          const engine = parseEngine(`${kind}://x:${secret}@engine.example.net:${port}/${database}`);
          if (typeof engine === 'string') throw new Error(engine);
          const shown = formatEngine(engine);
          expect(shown).not.toContain(secret);
          expect(parseEngine(shown)).toEqual({ ...engine, user: undefined, password: undefined });
        },
      ),
    );
  });

  it.each(['web', 'a.b-c_1'])('a name: %s', (name) => {
    expect(isShareName(name)).toBe(true);
  });
  it.each(['', '-x', 'a b', 'a/b', 'x'.repeat(65)])('no name: %s', (name) => {
    expect(isShareName(name)).toBe(false);
  });
});
