/** The licence notices of the packages in a bundle, which has to carry them. */
import { readdir, readFile } from 'node:fs/promises';

/**
 * @param {readonly string[]} files the files of the bundle
 * @returns {Promise<string>} one text; throws if a package has no licence file
 */
export async function licenceNotices(files) {
  const folders = new Set();
  for (const path of files) {
    // The innermost package: node_modules/a/node_modules/@b/c/index.js is from @b/c.
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (match !== null) folders.add(match[1]);
  }
  const notices = await Promise.all([...folders].sort().map(noticeOf));
  const intro = 'This product contains the following packages. Their licences apply to them.\n';
  return [intro, ...notices].join(`\n${'-'.repeat(78)}\n\n`);
}

async function noticeOf(folder) {
  const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  const file = (await readdir(folder)).find((each) => /^(licen[cs]e|copying)(\.|$)/i.test(each));
  if (file === undefined) throw new Error(`${name} has no licence file: look what its licence asks for`);
  const text = await readFile(`${folder}/${file}`, 'utf8');
  return `${name} ${version} (${license})\n\n${text.trim()}\n`;
}
