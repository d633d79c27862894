/** Writing hook files and taking them back, without ever touching what somebody has edited. */
import { chmod, chown, lstat, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, missing } from '../../core/errors.ts';
import { isUnedited, seal } from '../../linkHooks/seal.ts';
import type { HookFile } from '../../linkHooks/render.ts';
import { replaceFile } from '../record/replaceFile.ts';
import { writeError } from '../record/runDir.ts';

export type HookOutcome =
  | 'written'
  | 'replaced'
  | 'unchanged'
  /** Somebody has edited it, or it is not ours: the new text stands beside it. */
  | 'left alone, the new one is beside it'
  | 'removed'
  | 'not there'
  | 'left alone, it was edited or is not from inetgw';

export interface HookResult {
  path: string;
  outcome: HookOutcome;
}

/** Beside an edited file; ignored by run-parts (a dot), by systemd, and by NetworkManager (not executable). */
const BESIDE = '.inetgw-new';

type Found = 'none' | 'ours' | 'foreign';

async function look(path: string): Promise<{ found: Found; text: string }> {
  try {
    // A link is never ours, wherever it leads.
    if (!(await lstat(path)).isFile()) return { found: 'foreign', text: '' };
    const text = await readFile(path, 'utf8');
    return { found: isUnedited(text) ? 'ours' : 'foreign', text };
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return { found: 'none', text: '' };
    throw writeError(path, error);
  }
}

/**
 * @param root the folder that stands for `/`; below another one than `/` folders are made as needed
 */
export async function installHook(file: HookFile, root: string): Promise<HookResult> {
  const path = join(root, file.path);
  await prepareFolder(path, root);
  const text = seal(file.text);
  const present = await look(path);
  if (present.found === 'foreign') {
    await writeWhole(`${path}${BESIDE}`, text, 0o644);
    return { path, outcome: 'left alone, the new one is beside it' };
  }
  const mode = present.found === 'none' ? undefined : (await stat(path)).mode & 0o7777;
  if (present.text === text && mode === file.mode) return { path, outcome: 'unchanged' };
  await writeWhole(path, text, file.mode);
  return { path, outcome: present.found === 'none' ? 'written' : 'replaced' };
}

/** True for a file that is there as it was written. */
export async function isOwnHook({ path }: Pick<HookFile, 'path'>, root: string): Promise<boolean> {
  return (await look(join(root, path))).found === 'ours';
}

/** Removes the file, and the one beside it, if they are as they were written. */
export async function removeHook(file: Pick<HookFile, 'path'>, root: string): Promise<HookResult> {
  const path = join(root, file.path);
  const remove = async (name: string): Promise<Found> => {
    const { found } = await look(name);
    if (found === 'ours') {
      await rm(name).catch((error: unknown) => {
        throw writeError(name, error);
      });
    }
    return found;
  };
  await remove(`${path}${BESIDE}`);
  const found = await remove(path);
  if (found === 'foreign') return { path, outcome: 'left alone, it was edited or is not from inetgw' };
  return { path, outcome: found === 'ours' ? 'removed' : 'not there' };
}

async function prepareFolder(path: string, root: string): Promise<void> {
  const folder = dirname(path);
  if (root !== '/') {
    await mkdir(folder, { recursive: true }).catch((error: unknown) => {
      throw writeError(folder, error);
    });
    return;
  }
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) throw missing(`there is no folder ${folder}`, 'is what calls the hooks installed?');
}

/** A reader, or a hook that is just being run, sees the old file or the new one. Nobody runs the draft. */
const writeWhole = (path: string, text: string, mode: number): Promise<void> =>
  replaceFile(path, text, {
    mode: 0o600,
    finish: async (draft) => {
      if (process.getuid?.() === 0) await chown(draft, 0, 0);
      await chmod(draft, mode);
    },
  });
