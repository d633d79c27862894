/** Builds dist/ if a source is newer, once for all tests of a process and one process at a time. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let building: Promise<void> | undefined;

export function build(): Promise<void> {
  building ??= buildIfOlder();
  return building;
}

async function buildIfOlder(): Promise<void> {
  const script = `
    mkdir -p .lab && exec 9>.lab/build.lock && flock 9
    [ -e dist/bin/iprelay.js ] && [ -z "$(find src scripts/build.mjs package.json -newer dist/bin/iprelay.js -print -quit)" ] ||
      ${process.execPath} scripts/build.mjs`;
  await execa('sh', ['-c', script], { cwd: root });
}
