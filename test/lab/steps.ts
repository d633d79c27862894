/** Many commands in one request: as one shell script, because each start out of the agent costs real time. */
import { RequestError, type Guest } from './guest.ts';

export interface Step {
  /** Network namespace; the guest's own by default. */
  ns?: string;
  argv: readonly [string, ...string[]];
  /** Failure does not matter. */
  mayFail?: boolean;
}

/** Runs the steps in order; the first that fails ends them and is named in the error. */
export async function runSteps(guest: Guest, steps: readonly Step[]): Promise<void> {
  const result = await guest.exec(['sh', '-s'], {
    input: renderSteps(steps),
    timeoutMs: 7_200_000,
  });
  if (result.code === 0) return;
  const how = result.timedOut ? 'took too long' : `ended with ${result.code}`;
  throw new RequestError(`a step in the guest ${how}: ${result.stderr.trim()}`);
}

/** The script: consecutive steps in one namespace share one shell there. Pure. */
function renderSteps(steps: readonly Step[]): string {
  const lines: string[] = [];
  let index = 0;
  while (index < steps.length) {
    const ns = steps[index]?.ns;
    const block: string[] = [];
    for (; index < steps.length && steps[index]?.ns === ns; index += 1) {
      const { argv, mayFail = false } = steps[index] ?? { argv: ['true'] };
      const command = argv.map(quote).join(' ');
      block.push(
        mayFail ? `${command} 2>/dev/null || :` : `${command} || { echo ${quote(command)} >&2; exit 1; }`,
      );
    }
    const script = block.join('\n');
    lines.push(ns === undefined ? script : `ip netns exec ${ns} sh -c ${quote(script)} || exit 1`);
  }
  return lines.join('\n');
}

/** One word for a shell. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
