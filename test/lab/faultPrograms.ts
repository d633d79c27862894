/** Programs that misbehave at one call, in front of the real ones in the guest; and what is to hold afterwards. */
import { expect } from 'vitest';
import type { Guest } from './guest.ts';
import { commandArgv, snapshot, withBpf, withoutEmptyTables, type CommandName } from './inetgw.ts';
import type { ExecResult } from './protocol.ts';

/** More than any command makes; the loops end at the first call that does not happen. */
export const MAX_CALLS = 18;

const PROGRAMS = [
  ...['tc', 'nft', 'iptables-restore', 'ip6tables-restore', 'iptables-save', 'ip6tables-save', 'unshare'],
  ...['ip', 'ping'],
];

/**
 * What the call does whose number stands in /run/fault. `garbage`: a question is answered with rubbish, an order is
 * carried out with rubbish around it; `vanish`: from then on, /usr/sbin is empty for whoever called; `kill`: who
 * called is killed; `meanwhile`: the script /run/meanwhile runs in the gateway before the program does its work.
 */
export type How = 'fail' | 'hang' | 'garbage' | 'vanish' | 'kill' | 'meanwhile';
export const HOWS: readonly How[] = ['fail', 'hang', 'garbage', 'vanish', 'kill'];

/** Only what the built commands call counts, not what the lab itself does. */
const INSTALL = `
  mkdir -p /usr/local/sbin /run/empty
  for program in ${PROGRAMS.join(' ')}; do
    real=$(command -v $program)
    cat > /usr/local/sbin/$program <<EOF
#!/bin/sh
[ -e /run/fault ] && grep -q dist/bin/ /proc/\\$PPID/cmdline || exec $real "\\$@"
echo "\\$\\$ $program \\$*" >> /run/calls
read -r call how < /run/fault
if [ "\\$(wc -l < /run/calls)" = "\\$call" ]; then
  touch /run/struck
  case \\$how in
    fail) echo "$program: made to fail" >&2; exit 1 ;;
    hang)
      # While all wait for the time limit, the lab's spinner need not: a processor second per second. It may stop only
      # when nobody needs a file of the host any more: waiting for one, the clock would jump to the time limit.
      [ $program = ping ] && limit=9 || limit=29
      spinner=\\$(pgrep -f '^sh -c echo; while')
      sleep \\$limit & sleeper=\\$!
      until grep -q '(sleep) S' /proc/\\$sleeper/stat; do :; done
      kill -STOP \\$spinner; wait \\$sleeper; kill -CONT \\$spinner; exec sleep 1000 ;;
    garbage)
      echo '\\001 rubbish {[ 1e999'; echo 'more rubbish' >&2
      case "$program \\$*" in *-save*|*'show '*|*' list '*|ping*) exit 0 ;; esac ;;
    vanish) mount --bind /run/empty /usr/local/sbin; mount --bind /run/empty /usr/sbin; echo "$program: gone" >&2; exit 127 ;;
    kill) kill -9 \\$PPID; exit 1 ;;
    meanwhile) nsenter --net=/run/netns/gw sh /run/meanwhile >/run/meanwhile.log 2>&1 </dev/null ;;
  esac
fi
exec $real "\\$@"
EOF
    chmod 755 /usr/local/sbin/$program
  done`;

export async function installFaults(guest: Guest): Promise<void> {
  await guest.run(['sh', '-ec', INSTALL]);
}

export async function removeFaults(guest: Guest): Promise<void> {
  const files = ['fault', 'calls', 'struck', 'meanwhile', 'meanwhile.log'].map((name) => `/run/${name}`);
  await guest.run(['sh', '-c', `rm -rf /usr/local/sbin/* ${files.join(' ')}`]);
}

/** Until its end, however long a search or a hanging program takes. */
const LONG_MS = 1_800_000;

/** Runs a command with a fault at one call; undefined if there was no such call. In one request: each costs time. */
export async function withFault(
  guest: Guest,
  command: CommandName,
  words: readonly string[],
  { call, how }: { call: number; how: How },
): Promise<ExecResult | undefined> {
  const script = `rm -f /run/calls /run/struck; echo ${call} ${how} >/run/fault
    "$@"; code=$?
    rm -f /run/fault; [ -e /run/struck ] || echo 'no such call' >&2
    exit $code`;
  const argv = withBpf(commandArgv(command, ...words));
  const result = await guest.exec(['sh', '-c', script, 'sh', ...argv], {
    ns: 'gw',
    spinMs: LONG_MS,
    timeoutMs: LONG_MS,
  });
  return result.stderr.endsWith('no such call\n') ? undefined : result;
}

/** What was said names a cause, and is no bug's stack. */
export function expectSaid({ code, stdout, stderr }: ExecResult, how: How): void {
  if (how === 'kill') return;
  expect(stderr).not.toContain('this is a bug');
  // A search that came to its end has its say on standard output.
  if (code !== 0 && !stdout.includes('no value can be recommended'))
    expect(stderr).toMatch(/^(?:inetgw|searchbw): \S.*\S/m);
}

/** After these the command could still put things right itself. */
export const survived = (how: How): boolean => how !== 'kill' && how !== 'vanish';

/** What the next run finds besides the kernel's objects: the records, without the time of their writing, and pinned maps. */
const MEMORY = `
  find /run/inetgw -name '*.json' 2>/dev/null | sort | while read -r record; do
    echo "# $record"; sed 's/"since":"[^"]*",\\?//; s/"digest":"[^"]*"//' "$record"
  done
  echo '# maps'; find /run/bpf -type f | sort`;

/**
 * All that a run of inetgw depends on. Where two of these are equal, the next run does the same: so a fault that left
 * everything as it was needs no run that repairs, nor one that makes the earlier state again. Each costs seconds.
 */
export async function wholeState(guest: Guest): Promise<string> {
  return withoutEmptyTables(await snapshot(guest, 'ppp0', MEMORY));
}
