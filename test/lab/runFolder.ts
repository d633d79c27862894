/** Folders for the files of a running guest, named by the process that owns it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { labFolder } from './paths.ts';

/** A folder of this process's own; those of processes that were killed are removed on the way. */
export async function makeRunFolder(): Promise<string> {
  await sweepRunFolders();
  return mkdtemp(join(await labFolder('run'), `${process.pid}-`));
}

/** Removes the folders whose process is gone. */
export async function sweepRunFolders(): Promise<void> {
  const parent = await labFolder('run');
  for (const name of await readdir(parent)) {
    const pid = Number(name.split('-')[0]);
    if (!isRunning(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
