/** The own command as a child that changes a device, and what it says; who is at work on a device meanwhile. */
import { fileURLToPath } from 'node:url';
import { settingsFromValues } from '../../config/fromArguments.ts';
import { fileOfSaid, valuesOfSaid, wordsOfSaid, type Said } from '../../config/said.ts';
import type { Value } from '../../config/values.ts';
import { EXIT, UserErrors } from '../../core/errors.ts';
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

interface OwnCommand {
  words: readonly string[];
  /** Its standard input. */
  input?: string;
}

/** All that was said, and nothing that a file says now. */
export const setUpCommand = ({ device, upBitPerSec, downBitPerSec, said }: SetUp): OwnCommand => ({
  words: [
    ...[device, `${upBitPerSec}bit`, `${downBitPerSec}bit`, ...wordsOfSaid(said)],
    ...['--config', '/dev/stdin'],
  ],
  input: fileOfSaid(said),
});

export const clearCommand = (device: string): OwnCommand => ({ words: [device, 'clear'] });
/** Only as long as the pause is noted as begun; what was begun is then noted as done. */
export const clearForPauseCommand = (device: string): OwnCommand => ({
  words: [device, 'clear', '--for-pause'],
});

/** Where a limit stood when such a command had set the device up: nobody can look there. */
const FED_PLACE = /^\/dev\/stdin:\d+:\d+: /;

/**
 * Why it would refuse these, in its words; undefined: it would not. A limit of hosts is named by where it stood in the file, as long
 * as the device was set up by that.
 */
export function refusalOfSetUp({ device, upBitPerSec, downBitPerSec, said }: SetUp): string | undefined {
  const rate = (name: string, bitPerSec: number): Value => ({
    ...{ text: `${bitPerSec}bit`, name, place: undefined },
  });
  const [up, down] = [rate('UP', upBitPerSec), rate('DOWN', downBitPerSec)];
  try {
    settingsFromValues(device, up, down, valuesOfSaid(said), said.hostLimits);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserErrors)) throw error;
    return error.errors
      .map(({ message, hint }) => ({ message: message.replace(FED_PLACE, ''), hint }))
      .flatMap(({ message, hint }) => (hint === undefined ? [message] : [message, hint]))
      .join('; ');
  }
}

interface CommandSays {
  code: number;
  /** What it has printed, on one line. */
  said: string;
  /** What it has told beside that, or why it could not; without its name before each. */
  warnings: readonly string[];
}

export async function runCommand({ words, input = '' }: OwnCommand): Promise<CommandSays> {
  const argv = [process.execPath, fileURLToPath(INETGW_COMMAND), ...words] as const;
  try {
    const okCodes = Object.values(EXIT);
    const { code, stdout, stderr } = await run(argv, { input, timeoutMs: TIMEOUT_MS, okCodes });
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
