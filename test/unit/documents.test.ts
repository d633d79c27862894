/** Links between the repository's documents. What a package leaves out is test/packages/npm.test.ts's affair. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('../..', import.meta.url));
const tracked = execaSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: checkout,
});
const pages = tracked.stdout.split('\0').filter((name) => name !== '' && existsSync(join(checkout, name)));

const textOf = (page: string): string =>
  readFileSync(join(checkout, page), 'utf8').replaceAll(/^```[^]*?^```/gm, '');

/** As the usual hosts make them of headings. */
function anchorsOf(page: string): string[] {
  const headings = [...textOf(page).matchAll(/^#+ +(.*)$/gm)].map(([, words = '']) => words);
  return headings.map((words) =>
    words
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(pages)('%s has no link that leads nowhere', (page) => {
  const dead = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']): string[] => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(checkout, file))) return [target];
    return anchor === undefined || anchorsOf(file).includes(anchor) ? [] : [target];
  });
  expect(dead).toEqual([]);
});
