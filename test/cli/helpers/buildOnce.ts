/** Builds dist/ if it is not what the sources make, once for all tests of a process and one process at a time. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));
let building: Promise<void> | undefined;

export function build(): Promise<void> {
  building ??= buildIfOlder();
  return building;
}

async function buildIfOlder(): Promise<void> {
  await execa('sh', ['scripts/setup.sh', 'build'], { cwd: root });
}
