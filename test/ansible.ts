/**
 * ansible-playbook, whose gateways are namespaces of this machine or of a guest: its ssh is a program that hands what is to be
 * run there to this process. Modules, files and exit codes go the way they go to any gateway.
 */
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const ROLES = fileURLToPath(new URL('../templates/ansible', import.meta.url));

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a shell's command there. */
export type Target = (command: string, input: Buffer) => Promise<Ran>;

/** How many tasks of a host came to what, as the recap has it. */
export interface Recap {
  ok: number;
  changed: number;
  failed: number;
}

export interface Played {
  code: number;
  text: string;
  recap: Record<string, Recap>;
}

/** As ssh is called: options, the host, the command. Reads what is given to it, and waits for no terminal. */
const SSH = `#!${process.execPath}
const { connect } = require('node:net');
const { buffer } = require('node:stream/consumers');
const [host, command] = process.argv.slice(-2);
// ansible asks first whether ssh knows an option.
if (process.argv.length === 4) process.exit(0);
(process.stdin.isTTY ? Promise.resolve(Buffer.alloc(0)) : buffer(process.stdin)).then((input) => {
  const socket = connect({ path: process.env.TARGETS, allowHalfOpen: true });
  socket.end(JSON.stringify({ host, command, input: input.toString('base64') }));
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
    const { code, stdout, stderr } = JSON.parse(Buffer.concat(chunks));
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    process.exitCode = code;
  });
});
`;

export class Ansible {
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string, server: Server) {
    this.#folder = folder;
    this.#server = server;
  }

  static async begin(targets: Readonly<Record<string, Target>>): Promise<Ansible> {
    const folder = await mkdtemp(join(tmpdir(), 'inetgw-ansible-'));
    await writeFile(join(folder, 'ssh'), SSH);
    await chmod(join(folder, 'ssh'), 0o755);
    // This machine's own does not take part.
    await writeFile(join(folder, 'ansible.cfg'), '');
    const server = createServer({ allowHalfOpen: true }, (socket) => void answer(socket, targets));
    await new Promise<void>((resolve) => server.listen(join(folder, 'targets'), resolve));
    const hosts = Object.keys(targets).map((name) => [name, {}]);
    const inventory = {
      gateways: {
        hosts: Object.fromEntries(hosts) as object,
        // They are root there, and have no sudo.
        vars: { ansible_become: false, ansible_python_interpreter: '/usr/bin/python3' },
      },
    };
    await writeFile(join(folder, 'hosts.json'), JSON.stringify(inventory));
    return new Ansible(folder, server);
  }

  /** Runs the playbook of the package. @param variables of all hosts, or by `hosts` of one */
  async play(variables: Readonly<Record<string, unknown>>, ...words: readonly string[]): Promise<Played> {
    const argv = ['-i', join(this.#folder, 'hosts.json'), join(ROLES, 'site.yml')];
    const { exitCode, all } = await execa(
      'ansible-playbook',
      [...argv, '--extra-vars', JSON.stringify(variables), ...words],
      { env: this.#environment(), all: true, reject: false, stdin: 'ignore' },
    );
    return { code: exitCode ?? -1, text: all, recap: recapOf(all) };
  }

  #environment(): Record<string, string> {
    return {
      TARGETS: join(this.#folder, 'targets'),
      HOME: this.#folder,
      LC_ALL: 'C.UTF-8',
      ANSIBLE_CONFIG: join(this.#folder, 'ansible.cfg'),
      ANSIBLE_HOME: this.#folder,
      ANSIBLE_LOCAL_TEMP: this.#folder,
      ANSIBLE_NOCOLOR: '1',
      ANSIBLE_PIPELINING: '1',
      ANSIBLE_SSH_EXECUTABLE: join(this.#folder, 'ssh'),
      ANSIBLE_SSH_TRANSFER_METHOD: 'piped',
    };
  }

  async end(): Promise<void> {
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

async function answer(socket: Socket, targets: Readonly<Record<string, Target>>): Promise<void> {
  // As an iterator it would be destroyed with its end, before it is answered.
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  const asked = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
  const { host, command, input } = asked;
  const target = targets[host ?? ''];
  const ran: Ran = await (
    target?.(command ?? '', Buffer.from(input ?? '', 'base64')) ??
    Promise.resolve({ code: 255, stdout: '', stderr: `no host ${host ?? ''}` })
  ).catch((error: unknown) => ({ code: 255, stdout: '', stderr: String(error) }));
  socket.end(JSON.stringify(ran));
}

function recapOf(output: string): Record<string, Recap> {
  const lines = [...output.matchAll(/^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=(\d+) +failed=(\d+)/gm)];
  return Object.fromEntries(
    lines.map(([, host = '', ok, changed, unreachable, failed]) => [
      host,
      { ok: Number(ok), changed: Number(changed), failed: Number(unreachable) + Number(failed) },
    ]),
  );
}
