/** The commands for relays that run already: attach, ctl, list, status, reload, stop. */
import { printable } from '../../core/printable.ts';
import { counted } from '../../core/units.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  errorCode,
  EXIT,
  type ExitCode,
  exitCodeOfSignal,
  failure,
  noPrivilege,
  usageError,
  UserError,
  UserErrors,
} from '../../core/errors.ts';
import { startTime } from '../../system/exec/process.ts';
import type { Leave } from '../prompt/prompt.ts';
import { formatPorts } from '../settings/spec.ts';
import { timesLine } from '../prompt/render.ts';
import type { RelayStats } from '../statistics/stats.ts';
import { connectRelay, connectTo, NoAnswer, runningRelays } from './client.ts';

/** The prompt of a running relay; leaving it leaves the relay running. */
export async function attach(words: readonly string[]): Promise<number> {
  const [name, more] = words;
  if (more !== undefined || name?.startsWith('-') === true)
    throw usageError('attach takes one relay or none', 'try: iprelay attach [NAME]');
  const relay = await connectRelay(name);
  const { runPrompt } = await import('../prompt/prompt.ts');
  const streams = { input: process.stdin, output: process.stdout };
  let leave: Leave;
  let lost: boolean;
  try {
    leave = await runPrompt(relay, streams, relay.ended);
    lost = relay.ended.aborted;
  } finally {
    relay.close();
  }
  if (lost) process.stderr.write(`iprelay: the relay ${relay.name} has ended\n`);
  return lost ? EXIT.failed : leave === 'interrupt' ? exitCodeOfSignal('SIGINT') : EXIT.ok;
}

/** One command to a running relay; exit code 1 if it was refused. */
export async function ctl(words: readonly string[]): Promise<number> {
  const [name, ...command] = words;
  if (name === undefined || command.length === 0)
    throw usageError('ctl takes a relay and a command', 'try: iprelay ctl NAME COMMAND...');
  const relay = await connectRelay(name);
  try {
    const reply = await relay.execute(command.join(' '));
    if (reply.then !== undefined) throw usageError(`${reply.then} is for the prompt: iprelay attach ${name}`);
    if (reply.text !== '') (reply.ok ? process.stdout : process.stderr).write(`${printable(reply.text)}\n`);
    return reply.ok ? EXIT.ok : EXIT.failed;
  } finally {
    relay.close();
  }
}

/** The relays that run, one per line. */
export async function list(words: readonly string[]): Promise<number> {
  const json = words[0] === '--json';
  if (words.length > (json ? 1 : 0)) throw usageError('list takes no relay', 'try: iprelay list [--json]');
  const asked = (await runningRelays()).map(async (each) => ({ ...each, stats: await statsOf(each) }));
  const relays = (await Promise.all(asked)).filter(({ stats }) => stats !== 'ended');
  if (json) process.stdout.write(`${JSON.stringify(relays.map(listJson))}\n`);
  else for (const relay of relays) process.stdout.write(listLine(relay));
  return EXIT.ok;
}

/** The statistics of one relay as `list` shows them. */
export async function status(words: readonly string[]): Promise<number> {
  const json = words.includes('--json');
  const name = onlyName(
    words.filter((word) => word !== '--json'),
    'status NAME [--json]',
  );
  const relay = await connectRelay(name);
  const stats = await relay.stats().finally(relay.close);
  const listed = { name, path: relay.path, stats };
  process.stdout.write(
    json ? `${JSON.stringify(listJson(listed))}\n` : `${listLine(listed)}${timesLines(stats)}`,
  );
  return EXIT.ok;
}

/** As SIGHUP, but what is wrong is said here too, with the exit code that a start with that file would have. */
export async function reload(words: readonly string[]): Promise<number> {
  const name = onlyName(words, 'reload NAME');
  const relay = await connectRelay(name);
  const { errors } = await relay.reload().finally(relay.close);
  if (errors === undefined) throw failure(`the relay ${name} does not say what came of it: ${OTHER_VERSION}`);
  if (errors.length > 0)
    throw new UserErrors(
      errors.map(({ message, hint, exitCode }) => new UserError(knownExitCode(exitCode), message, hint)),
    );
  return EXIT.ok;
}

const knownExitCode = (code: number): ExitCode =>
  Object.values(EXIT).find((each) => each === code && each !== EXIT.ok) ?? EXIT.failed;

/** SIGTERM, and waits for the end: connections may take `drain_time`. */
export async function stop(words: readonly string[]): Promise<number> {
  const name = onlyName(words, 'stop NAME');
  const pid = pidOf(name, await statsByName(name));
  const began = await startTime(pid);
  terminate(pid);
  while (began !== undefined && (await startTime(pid)) === began) await sleep(100);
  process.stdout.write(`the relay ${name} has ended\n`);
  return EXIT.ok;
}

const OTHER_VERSION = 'it is of another version';

function onlyName(words: readonly string[], usage: string): string {
  const [name, more] = words;
  if (name === undefined || more !== undefined || name.startsWith('-'))
    throw usageError(`${usage.split(' ')[0] ?? ''} takes one relay`, `try: iprelay ${usage}`);
  return name;
}

async function statsByName(name: string): Promise<Partial<RelayStats>> {
  const relay = await connectRelay(name);
  return relay.stats().finally(relay.close);
}

/** What answers may be another build than this one. 0 and less would be whole groups of processes. */
function pidOf(name: string, { pid }: Partial<RelayStats>): number {
  if (typeof pid === 'number' && Number.isInteger(pid) && pid > 0) return pid;
  throw failure(`the relay ${name} does not tell its process number: ${OTHER_VERSION}`);
}

/** It may have just ended. */
function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ESRCH') return;
    if (code === 'EPERM') throw noPrivilege("the relay is another user's");
    throw error;
  }
}

interface Listed {
  name: string;
  path: string;
  stats: RelayStats | 'silent' | 'ended';
}

/** One relay that does not answer, or ends just now, must not take the others from the list. */
async function statsOf(each: { name: string; path: string }): Promise<Listed['stats']> {
  try {
    const relay = await connectTo(each);
    const stats = await relay.stats();
    relay.close();
    return stats;
  } catch (error) {
    return error instanceof NoAnswer ? 'silent' : 'ended';
  }
}

function listLine({ name, stats }: Listed): string {
  if (typeof stats === 'string') return `${name}\tdoes not answer\n`;
  const to = stats.forwarders
    .map((each) => `${formatPorts(each.listen, each.lastListen)} -> ${each.server}`)
    .join(', ');
  return `${name}\t${to}\t${counted(stats.connections.length, 'connection')}\n`;
}

/** What answers may be older than this program, and know no times. */
const timesLines = ({ times = [] }: Partial<RelayStats>): string =>
  times.map((each) => `  ${timesLine(each)}\n`).join('');

function listJson({ name, path, stats }: Listed): unknown {
  if (typeof stats === 'string') return { name, path, answers: false };
  const { pid, upSec, connections, limit, times, forwarders } = stats;
  return { name, path, pid, upSec, openConnections: connections.length, limit, times, forwarders };
}
