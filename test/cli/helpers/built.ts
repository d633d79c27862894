/** The built commands, run as a user runs them, and shells in network namespaces of their own. */
import { execa } from 'execa';
import { fileURLToPath } from 'node:url';
import { HANG_MS } from '../../hang.ts';
import { build } from './buildOnce.ts';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

type Command = 'inetgw' | 'searchbw' | 'iprelay';

/** For tests that start one by themselves; `build` has to have made it. */
export const builtFile = (name: Command): string => `${ROOT}/dist/bin/${name}.js`;

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

async function outcomeOf(argv: readonly string[], environment: Record<string, string>): Promise<Outcome> {
  const [file = '', ...args] = argv;
  const { exitCode, stdout, stderr } = await execa(file, args, {
    reject: false,
    timeout: HANG_MS,
    // vitest sets variables of its own, DEV among them.
    extendEnv: false,
    env: { PATH: process.env['PATH'], ...environment },
    stripFinalNewline: false,
    stdin: 'ignore',
  });
  return { code: exitCode ?? -1, stdout, stderr };
}

/** Runs a built command. No configuration of this machine takes part unless the test names one. */
export async function built(
  name: Command,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Outcome> {
  await build();
  return outcomeOf([process.execPath, builtFile(name), ...args], environment);
}

export const inetgw = (...args: string[]): Promise<Outcome> => built('inetgw', args);

/** A shell script in a network namespace of its own, gone with it. It is root there, whoever runs the tests. */
export function inNamespace(script: string, shell = 'sh'): Promise<Outcome> {
  return inNamespaces([], script, shell);
}

/**
 * The same among processes of its own, of which the shell is the first: for what looks for relays to end them, which would be other
 * tests' and those of whoever runs the tests.
 */
export function amongOwnProcesses(script: string): Promise<Outcome> {
  return inNamespaces(['--pid', '--fork', '--kill-child', '--mount-proc'], script, 'sh');
}

function inNamespaces(others: readonly string[], script: string, shell: string): Promise<Outcome> {
  // /sys/class/net shows the devices of the namespace in which it was mounted.
  const prepared = `mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run\n${script}`;
  // Who is not root is so in a user namespace alone.
  const user = isRoot ? [] : ['--map-root-user'];
  return outcomeOf(['unshare', ...user, '--net', '--mount', ...others, shell, '-c', prepared], {});
}

export const isRoot = process.getuid?.() === 0;
