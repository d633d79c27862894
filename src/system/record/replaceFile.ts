/** Writing a file that others read at any time: they see the old one or the new one, never a part. */
import { randomBytes } from 'node:crypto';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, failure } from '../../core/errors.ts';
import { writeError } from './runDir.ts';

export interface Replacing {
  /** Of the new file; the umask holds. */
  mode?: number;
  /** What else the draft needs before it gets the name. */
  finish?: (draft: string) => Promise<void>;
}

/**
 * Writes beside the file, and gives it the name at the end. The draft begins with a dot, so that programs that take
 * files by a pattern, as node_exporter takes `*.prom`, do not see it.
 *
 * @throws UserError with the reason; the old file is then as it was
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { mode = 0o666, finish }: Replacing = {},
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeFile(draft, content, { flag: 'wx', mode });
    await finish?.(draft);
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

/**
 * The same for a file that the user has named: a device, a pipe or a link, /dev/stdout for one, is not replaced by a file.
 *
 * @throws UserError as `replaceFile`, and where something else than a file has the name
 */
export async function replaceNamedFile(path: string, text: string): Promise<void> {
  const before = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw writeError(path, error);
  });
  if (before?.isFile() === false) throw failure(`cannot write ${path}: it is there, and is no regular file`);
  await replaceFile(path, text);
}
