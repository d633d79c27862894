import { readFile, unlink, writeFile } from 'node:fs/promises';
import { errorCode, failure } from '../core/errors.ts';
import { isRunning } from '../system/exec/process.ts';

/** Writes our process number; a file left by a process that is gone is replaced, one in use is not. */
export async function writePidFile(file: string): Promise<void> {
  const old = Number((await readFile(file, 'utf8').catch(() => '')).trim());
  if (old > 0 && old !== process.pid && (await isRunning(old))) {
    throw failure(`${file}: process ${old} is running already`, `end it first: kill ${old}`);
  }
  await writeFile(file, `${process.pid}\n`, { mode: 0o644 }).catch((error: unknown) => {
    throw failure(`cannot write ${file}: ${errorCode(error) ?? '?'}`);
  });
}

/** Removes the file if it is ours. */
export async function removePidFile(file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.trim() === String(process.pid)) await unlink(file).catch(() => undefined);
}
