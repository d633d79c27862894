/**
 * Builds the three commands into dist/, the packages bundled in. A gateway starts them from ip-up.d, so what counts
 * is how little is read at start, and in how few files: CommonJS, whose loader is in Node's own start, and eight files
 * for an apply. What a command line does not ask for is in files of its own (dynamic imports). `--if-changed`: only
 * where dist/ is not what the sources make.
 */
import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { digestOfInputs, forgetBuild, isBuilt, rememberBuild } from './inputs.mjs';
import { licenceNotices } from './licences.mjs';

const digest = await digestOfInputs();
if (process.argv.includes('--if-changed') && (await isBuilt(digest))) process.exit(0);
await forgetBuild();
const { rolldown } = await import('rolldown');

const { version, engines } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const commands = ['inetgw', 'searchbw', 'iprelay'];
const entries = commands.map((name) => `src/bin/${name}.ts`);

/** What `inetgw DEV UP DOWN` needs. */
const APPLY = ['src/cli/inetgw/change/apply.ts'];
/** What each command line of inetgw needs, `inetgw --help` too. */
const COMMAND = ['src/cli/inetgw/inetgw.ts'];

/** All modules that those of `from` import, by `import` statements or also by `import()`. */
function reached(from, { dynamic }, moduleInfo) {
  const seen = new Set();
  const visit = (id) => {
    if (seen.has(id)) return;
    seen.add(id);
    const info = moduleInfo(id);
    // Node's own modules have no information.
    for (const next of info?.importedIds ?? []) visit(next);
    if (dynamic) for (const next of info?.dynamicallyImportedIds ?? []) visit(next);
  };
  // A path that is mistyped, or whose file has moved, would scatter the bundle over many files and still work.
  for (const path of from)
    if (!moduleInfo(resolve(path)))
      throw new Error(`${path} is no module of the bundle: scripts/build.mjs names it`);
  for (const path of from) visit(resolve(path));
  return seen;
}

/**
 * Escapes stand for the same in texts, regular expressions and names; comments do not matter. After minifying, which
 * writes characters again where there were escapes.
 */
const ascii = {
  name: 'ascii',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle))
      if (chunk.type === 'chunk')
        chunk.code = chunk.code.replaceAll(
          /[^\0-\x7f]/g,
          (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
  },
};

/** The file for a module that is needed at each start or by an apply; undefined: rolldown decides. */
function groupOf(id, context) {
  const moduleInfo = (each) => context.getModuleInfo(each);
  sets ??= {
    start: reached(entries, { dynamic: false }, moduleInfo),
    command: reached(COMMAND, { dynamic: false }, moduleInfo),
    apply: reached(APPLY, { dynamic: false }, moduleInfo),
    iprelay: reached(['src/bin/iprelay.ts'], { dynamic: true }, moduleInfo),
  };
  if (context.getModuleInfo(id)?.isEntry === true) return undefined;
  if (sets.start.has(id)) return 'main';
  if (id.includes('/node_modules/commander/')) return 'commander';
  // The relay must not load the shaper for a few parsers.
  if (sets.apply.has(id) && sets.iprelay.has(id)) return 'common';
  if (sets.command.has(id)) return 'command';
  if (sets.apply.has(id)) return 'apply';
  return undefined;
}
let sets;

await rm('dist', { recursive: true, force: true });
const bundle = await rolldown({
  input: {
    ...Object.fromEntries(commands.map((name, n) => [name, entries[n]])),
    // A process that `inetgw serve --listen` starts.
    'page-server': 'src/web/server/main.ts',
  },
  platform: 'node',
  // Each command's entry exports nothing.
  preserveEntrySignatures: false,
  checks: { ineffectiveDynamicImport: false },
  transform: { target: 'node20', define: { __VERSION__: JSON.stringify(version) } },
});
const { output } = await bundle.write({
  dir: 'dist',
  format: 'cjs',
  entryFileNames: 'lib/start-[name].js',
  chunkFileNames: 'lib/[name].js',
  codeSplitting: {
    includeDependenciesRecursively: false,
    groups: [{ name: groupOf, debugName: 'what an apply needs' }],
  },
  // Unused code is left out, names and lines stay: a stack trace that somebody reports can be read.
  minify: 'dce-only',
  // The notices of all packages stand in one file.
  comments: false,
  // A file with any other character is read as two bytes each, which takes longer.
  plugins: [ascii],
});
await bundle.close();

/** The page, for browsers: files of its own, which no command loads. Gives the modules in it. */
async function buildPage() {
  const page = await rolldown({ input: 'src/web/page/page.ts', platform: 'browser' });
  const { output: chunks } = await page.write({
    file: 'dist/page/page.js',
    format: 'iife',
    minify: true,
    comments: false,
    // As above; a page need not say in which coding its script is.
    plugins: [ascii],
  });
  await page.close();
  const style = await Promise.all(
    ['node_modules/uplot/dist/uPlot.min.css', 'src/web/page/page.css'].map((path) => readFile(path, 'utf8')),
  );
  await writeFile('dist/page/page.css', style.join('\n'));
  for (const name of ['index.html', 'icon.svg']) await copyFile(`src/web/page/${name}`, `dist/page/${name}`);
  return chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
}

/**
 * What is started: a file of a few lines that any Node can read (ECMAScript 5), since one that is too old for the rest
 * stops at its first new operator, with a stack trace for everything, --version as well.
 */
function entry(name) {
  const least = /^>=(\d+)$/.exec(engines.node)?.[1];
  if (least === undefined) throw new Error(`engines.node in package.json is '${engines.node}', not >=N`);
  return `#!/usr/bin/env node
'use strict';
var version = process.versions.node;
if (parseInt(version, 10) >= ${least}) {
  require('../lib/start-${name}.js');
} else {
  process.stderr.write('${name}: ${name} needs Node ${least} or later, this is ' + version + ' (' + process.execPath + ')\\n');
  process.exitCode = 5;
}
`;
}

await writeFile('dist/package.json', '{ "type": "commonjs" }\n');
await mkdir('dist/bpf');
await copyFile('bpf/pacing.o', 'dist/bpf/pacing.o');
await mkdir('dist/bin');
for (const name of commands) {
  await writeFile(`dist/bin/${name}.js`, entry(name));
  await chmod(`dist/bin/${name}.js`, 0o755);
  // src/cli/common/keptHelp.ts. What is written to no terminal has lines of 80 columns.
  await writeFile(
    `dist/lib/help-${name}.txt`,
    execFileSync(process.execPath, [`dist/bin/${name}.js`, '--help']),
  );
}
const bundled = output.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
await writeFile('dist/THIRD-PARTY-LICENCES.txt', await licenceNotices([...bundled, ...(await buildPage())]));
await rememberBuild(digest);
