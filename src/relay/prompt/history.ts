/** The prompt's history, kept from one session to the next. Losing it is no error. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

function historyFile(): string {
  const state = process.env['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(state, 'inetgw', 'iprelay_history');
}

/** Newest first, as node:readline keeps it. */
export async function loadHistory(): Promise<string[]> {
  const text = await readFile(historyFile(), 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

export async function saveHistory(lines: readonly string[]): Promise<void> {
  const file = historyFile();
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  } catch {
    // A read-only home does not matter.
  }
}
