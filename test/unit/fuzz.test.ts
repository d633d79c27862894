/**
 * The facts of test/fuzz/targets.ts with the whole corpus, with changed inputs of it, and with texts out of
 * nothing. `npm run fuzz` searches longer and is guided by coverage.
 */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mutate, randomFrom } from '../../scripts/fuzz/mutate.ts';
import { configError } from '../../src/core/errors.ts';
import { refusing, TARGET_NAMES, TARGETS } from '../fuzz/targets.ts';

const CHANGED_INPUTS = 300;

describe.each(TARGET_NAMES)('%s', (name) => {
  const target = TARGETS[name];
  const corpusOf = async (): Promise<string[]> =>
    JSON.parse(await readFile(new URL(`../fuzz/corpus/${name}.json`, import.meta.url), 'utf8')) as string[];

  it('holds for the corpus and what is made of it', async () => {
    const corpus = await corpusOf();
    expect(corpus.length).toBeGreaterThan(2);
    for (const text of corpus) await target(text);
    const random = randomFrom(1);
    for (let left = CHANGED_INPUTS; left > 0; left--) {
      const text = corpus[random(corpus.length)] ?? '';
      await target(mutate(text, random, { dictionary: ['ppp0', '--json', 'set'], others: corpus }));
    }
  });

  it('holds for any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => target(text)),
    );
  });
});

describe('the facts', () => {
  it('let a user error pass only if it can be shown and says where', async () => {
    const place = /^f:\d+: /;
    await refusing(() => {
      throw configError('f:1: wrong');
    }, place);
    await expect(
      refusing(() => {
        throw configError('wrong');
      }, place),
    ).rejects.toThrow('a message says where');
    await expect(refusing(() => Promise.reject(new TypeError('a bug')))).rejects.toThrow('a bug');
  });
});
