/** Writing a file that others read at any time: they see the old one or the new one, never a part. */
import { randomBytes } from 'node:crypto';
import { lstat, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { failure, UserError } from '../../core/errors.ts';
import { errorCode, writeError } from './runDir.ts';

/**
 * Writes beside the file, and gives it the name at the end. The draft begins with a dot, so that programs that take
 * files by a pattern, as node_exporter takes `*.prom`, do not see it. The umask holds.
 *
 * @throws UserError with the reason; the old file is then as it was
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await refuseOther(path);
    await writeFile(draft, text, { flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error instanceof UserError ? error : writeError(path, error);
  }
}

/** A device, a pipe or a link would be replaced by a file of this name: /dev/stdout for one. */
async function refuseOther(path: string): Promise<void> {
  const before = await lstat(path).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (before?.isFile() === false) throw failure(`cannot write ${path}: it is there, and is no regular file`);
}
