/** `iprelay attach`, `iprelay ctl`, `iprelay list`: the commands for relays that run already. */
import { printable } from '../../printable.ts';
import { EXIT, exitCodeOfSignal, usageError } from '../../errors.ts';
import type { Leave } from '../prompt.ts';
import type { RelayStats } from '../stats.ts';
import { connectRelay, connectTo, NoAnswer, runningRelays } from './client.ts';

/** The prompt of a running relay; leaving it leaves the relay running. */
export async function attach(words: readonly string[]): Promise<number> {
  const [name, more] = words;
  if (more !== undefined || name?.startsWith('-') === true) throw usageError('try: iprelay attach [NAME]');
  const relay = await connectRelay(name);
  const { runPrompt } = await import('../prompt.ts');
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
  if (name === undefined || command.length === 0) throw usageError('try: iprelay ctl NAME COMMAND...');
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
  if (words.length > (json ? 1 : 0)) throw usageError('try: iprelay list [--json]');
  const asked = (await runningRelays()).map(async (each) => ({ ...each, stats: await statsOf(each) }));
  const relays = (await Promise.all(asked)).filter(({ stats }) => stats !== 'ended');
  if (json) process.stdout.write(`${JSON.stringify(relays.map(listJson))}\n`);
  else for (const relay of relays) process.stdout.write(listLine(relay));
  return EXIT.ok;
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
  const to = stats.forwarders.map((each) => `${each.listen} -> ${each.server}`).join(', ');
  return `${name}\t${to}\t${stats.connections.length} connections\n`;
}

function listJson({ name, path, stats }: Listed): unknown {
  if (typeof stats === 'string') return { name, path, answers: false };
  const { connections, limit, forwarders } = stats;
  return { name, path, connections: connections.length, limit, forwarders };
}
