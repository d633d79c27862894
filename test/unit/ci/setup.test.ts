/** One place makes a checkout ready: that each script of package.json asks it, and for enough. */
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const NEEDS = ['npm', 'system', 'build'];

/** What a script asks scripts/setup.sh for; undefined if it does not begin with that. */
function askedBy(script: string): string[] | undefined {
  const words = /^sh scripts\/setup\.sh((?: \w+)*)(?: && |$)/.exec(script)?.[1];
  if (words === undefined) return undefined;
  return words === '' ? NEEDS : words.trim().split(' ');
}

/** All files of this project that a program is made of. */
async function filesOf(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  return Object.keys(metafile.inputs);
}

/** What the command that follows cannot do without. */
async function neededBy(script: string): Promise<string[]> {
  // The unit tests take nothing of dist/.
  if (/\bvitest (?:run )?--project unit$/.test(script)) return ['npm', 'system'];
  // Tests of all kinds: programs, namespaces, guests, dist/.
  if (/\bvitest run\b/.test(script)) return NEEDS;
  const entry = /\b(?:tsx|node) (scripts\/\S+)/.exec(script)?.[1];
  if (entry === undefined) return ['npm'];
  const files = await filesOf(entry);
  const text = files.filter((file) => file.startsWith('scripts/')).map((file) => readFileSync(file, 'utf8'));
  return text.some((each) => /\bGuest\.boot\(|\bvitest\b/.test(each)) ? NEEDS : ['npm'];
}

describe('every script of package.json', () => {
  it.each(Object.entries(scripts))(
    '%s has the checkout made ready, for all that it needs',
    async (_, script) => {
      const asked = askedBy(script);
      expect(asked, 'it does not begin with sh scripts/setup.sh').toBeDefined();
      for (const need of asked ?? []) expect(NEEDS).toContain(need);
      for (const need of await neededBy(script)) {
        // Building takes the npm packages along.
        expect(need === 'npm' && asked?.includes('build') ? [...asked, 'npm'] : asked).toContain(need);
      }
    },
  );
  it('goes no other way: what npm runs by itself neither', () => {
    for (const name of ['preinstall', 'postinstall', 'prepare', 'pretest'])
      expect(scripts).not.toHaveProperty(name);
  });
});
