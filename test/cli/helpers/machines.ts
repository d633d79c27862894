/**
 * Machines for what documents show: network namespaces on one bridge, each with a host name, a home and a runtime folder of its
 * own, and an /etc/hosts that all of them have. Nothing of it is seen outside, and all ends with `close`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtFile } from './built.ts';
import { until } from '../../hang.ts';
import { killed } from './engine.ts';

const BUILT = builtFile('iprelay');

export interface Said {
  readonly code: number | null;
  /** Both outputs, in their order. */
  readonly text: string;
}

export interface Machines {
  /** Runs a line by bash; what it leaves in the background goes on. */
  readonly run: (machine: string, line: string) => Promise<Said>;
  readonly close: () => Promise<void>;
}

/** Of one machine: what it is called by the others, its address, and a program that runs on it from the start. */
export interface MachineSettings {
  readonly names?: readonly string[];
  readonly address: string;
  readonly script?: string;
}

/** Programs that are found first, as text of a shell script each; `iprelay` is there. */
type Programs = Readonly<Record<string, string>>;

function prelude(folder: string, machines: Readonly<Record<string, MachineSettings>>): string {
  const each = Object.entries(machines).map(
    ([name, { address, script }]) => `mkdir -p -m 700 /run/home/${name}
ip netns add ${name}
ip link add v-${name} type veth peer name eth0 netns ${name}
ip link set v-${name} master br0 up
ip -n ${name} link set lo up
ip -n ${name} link set eth0 up
ip -n ${name} addr add ${address}/24 dev eth0
${script === undefined ? '' : `ip netns exec ${name} ${script} &`}`,
  );
  return `set -e
mount --bind ${folder}/hosts /etc/hosts
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
ip link set lo up
ip link add br0 type bridge
ip link set br0 up
${each.join('\n')}
echo ready
exec cat`;
}

export async function startMachines(
  machines: Readonly<Record<string, MachineSettings>>,
  programs: Programs = {},
): Promise<Machines> {
  const folder = await mkdtemp(join(tmpdir(), 'machines-'));
  const hosts = Object.values(machines).map(({ names = [], address }) => `${address} ${names.join(' ')}\n`);
  await writeFile(join(folder, 'hosts'), `127.0.0.1 localhost\n${hosts.join('')}`);
  const scripts = { iprelay: `exec ${process.execPath} ${BUILT} "$@"`, ...programs };
  for (const [name, script] of Object.entries(scripts))
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const holder = spawn(
    'unshare',
    [
      '--net',
      '--mount',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'bash',
      '-c',
      prelude(folder, machines),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  await ready(holder);
  const init = (await readFile(`/proc/${holder.pid ?? 0}/task/${holder.pid ?? 0}/children`, 'utf8')).trim();
  let lines = 0;
  return {
    run: async (machine, line) => {
      const output = join(folder, `output${++lines}`);
      const home = `/run/home/${machine}`;
      const file = await open(output, 'w');
      const script = `hostname ${machine}\ncd ${home}\nexport HOME=${home} XDG_RUNTIME_DIR=${home} PATH=${folder}:$PATH\n${line}`;
      const inside = ['ip', 'netns', 'exec', machine, 'unshare', '--uts', 'bash', '-c', script];
      const child = spawn('nsenter', ['-t', init, '--mount', '--pid', '--net', '--', ...inside], {
        stdio: ['ignore', file.fd, file.fd],
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      await file.close();
      return { code, text: await readFile(output, 'utf8') };
    },
    close: async () => {
      await killed(holder);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function ready(holder: ChildProcess): Promise<void> {
  let said = '';
  holder.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(() => {
    if (holder.exitCode !== null) throw new Error(`the machines ended with ${holder.exitCode}`);
    return said.includes('ready');
  });
}
