/** The file that keeps history over restarts. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readTextFile } from '../../system/exec/textFile.ts';
import { replaceFile } from '../../system/record/replaceFile.ts';
import { BASE_RUN_DIR, runDir, writeError } from '../../system/record/runDir.ts';
import { historyFileText, Histories, parseHistoryFile } from '../feed/histories.ts';

/** 32 devices of 150 KiB, and as much again. */
const LIMIT_BYTES = 8 * 1024 * 1024;
const STATE_FOLDER = '/var/lib/inetgw';

/** Undefined: in another network namespace, whose devices may have the same names, nothing is kept unless systemd says where. */
export async function historyFile(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  // systemd.exec(5): several folders with colons between.
  const told = env['STATE_DIRECTORY']?.split(':')[0];
  const folder = told ?? ((await runDir()) === BASE_RUN_DIR ? STATE_FOLDER : undefined);
  return folder === undefined ? undefined : join(folder, 'history.json');
}

export async function readHistories(file: string | undefined): Promise<Histories> {
  if (file === undefined) return new Histories();
  try {
    return parseHistoryFile(await readTextFile(file, { limitBytes: LIMIT_BYTES, regularOnly: true }));
  } catch {
    return new Histories();
  }
}

/** @throws UserError */
export async function writeHistories(file: string | undefined, histories: Histories): Promise<void> {
  if (file === undefined) return;
  await mkdir(join(file, '..'), { recursive: true, mode: 0o755 }).catch((error: unknown) => {
    throw writeError(file, error);
  });
  await replaceFile(file, historyFileText(histories), { mode: 0o644 });
}
