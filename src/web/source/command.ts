/** The own command as a child that changes a device, and what it says; who is at work on a device meanwhile. */
import { fileURLToPath } from 'node:url';
import { wordsOfSaid, type Said } from '../../config/said.ts';
import { EXIT } from '../../core/errors.ts';
import { INETGW_COMMAND } from '../../core/installedFiles.ts';
import { ProgramError, run } from '../../system/exec/run.ts';
import { otherHolder } from '../../system/record/lock.ts';
import { readState } from '../../system/record/state.ts';
import { otherWorker } from '../../system/record/worker.ts';

export interface SetUp {
  device: string;
  upBitPerSec: number;
  downBitPerSec: number;
  /** All else that is said. */
  said: Said;
}

/** Far longer than one takes, that waits for a lock and for each of its programs; it is not to be cut off half way. */
const TIMEOUT_MS = 600_000;

/** All that was said, and nothing that a file says now. */
export const setUpWords = ({ device, upBitPerSec, downBitPerSec, said }: SetUp): string[] => [
  ...[device, `${upBitPerSec}bit`, `${downBitPerSec}bit`, ...wordsOfSaid(said)],
  ...['--config', '/dev/null'],
];

export const clearWords = (device: string): string[] => [device, 'clear'];

interface CommandSays {
  code: number;
  /** What it has printed, on one line. */
  said: string;
  /** What it has told beside that, or why it could not; without its name before each. */
  warnings: readonly string[];
}

export async function runCommand(words: readonly string[]): Promise<CommandSays> {
  const argv = [process.execPath, fileURLToPath(INETGW_COMMAND), ...words] as const;
  try {
    const okCodes = Object.values(EXIT);
    const { code, stdout, stderr } = await run(argv, { timeoutMs: TIMEOUT_MS, okCodes });
    return { code, said: oneLine(stdout), warnings: messages(stderr) };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return { code: EXIT.failed, said: '', warnings: [error.message] };
  }
}

const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');

/** Further lines of a message are set in (core/messageLine.ts). */
const messages = (text: string): string[] =>
  text
    .split(/^inetgw: /m)
    .map(oneLine)
    .filter((each) => each !== '');

/** Who must end first; undefined: nobody. */
export async function busyWith(device: string): Promise<string | undefined> {
  const reading = await readState(device);
  const worker = reading.kind === 'state' ? await otherWorker(reading.state.worker) : undefined;
  if (worker?.does === 'measures')
    return `${worker.command}, process ${worker.pid}, is measuring ${device} at this moment: wait until it has ended, or end it: kill ${worker.pid}`;
  const holder = await otherHolder(device);
  return holder === undefined
    ? undefined
    : `another inetgw (process ${holder}) is working on ${device}: wait until it has ended`;
}
