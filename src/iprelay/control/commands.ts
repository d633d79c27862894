/** `iprelay attach`, `iprelay ctl`, `iprelay list`: the commands for relays that run already. */
import { printable } from '../../printable.ts';
import { EXIT, exitCodeOfSignal, usageError } from '../../errors.ts';
import { connectRelay, runningRelays } from './client.ts';

/** The prompt of a running relay; leaving it leaves the relay running. */
export async function attach(words: readonly string[]): Promise<number> {
  const [name, more] = words;
  if (more !== undefined || name?.startsWith('-') === true) throw usageError('try: iprelay attach [NAME]');
  const relay = await connectRelay(name);
  const { runPrompt } = await import('../prompt.ts');
  const streams = { input: process.stdin, output: process.stdout };
  const leave = await runPrompt(relay, streams, relay.ended);
  const lost = relay.ended.aborted;
  relay.close();
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
  const relays = [];
  for (const { name, path } of await runningRelays()) {
    const relay = await connectRelay(name);
    const stats = await relay.stats();
    relay.close();
    relays.push({
      name,
      path,
      connections: stats.connections.length,
      limit: stats.limit,
      forwarders: stats.forwarders,
    });
  }
  if (json) process.stdout.write(`${JSON.stringify(relays)}\n`);
  else {
    for (const { name, connections, forwarders } of relays) {
      const to = forwarders.map((each) => `${each.listen} -> ${each.server}`).join(', ');
      process.stdout.write(`${name}\t${to}\t${connections} connections\n`);
    }
  }
  return EXIT.ok;
}
