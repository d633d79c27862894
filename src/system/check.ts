/** What this machine has and lacks for a shaper, found by trying; nothing that is in use is touched. */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { noPrivilege, UserError } from '../errors.ts';
import { iptablesInstall } from '../firewall/iptables.ts';
import { nftInstall } from '../firewall/nft.ts';
import type { RuleSet } from '../firewall/rules.ts';
import { batchReason } from '../tc/parse.ts';
import { hasIpv6 } from './link.ts';
import { mayMakeNoNamespace } from './rehearse.ts';
import { ProgramError, type Runner } from './run.ts';

export interface CheckItem {
  name: string;
  /** What it is for. */
  purpose: string;
  state: 'works' | 'missing';
  /** A version, where the module comes from, or why it does not work. */
  detail: string;
  /**
   * `required`: without it nothing can be set up. `police`: for the ingress stages, `shape`: for the queue on an ifb,
   * of which one must be whole. `leaf`: for flow queues, of which one is needed. `optional`: it has a stand-in.
   */
  need: 'required' | 'police' | 'shape' | 'leaf' | 'firewall' | 'optional';
}

export interface CheckResult {
  kernel: string;
  items: readonly CheckItem[];
  /** All that is required is there, and of all that has a stand-in one or the other. */
  ready: boolean;
}

const HTB = 'qdisc add dev lo root handle 1: htb default 20';
const INGRESS = 'qdisc add dev lo handle ffff: ingress';
const FILTER = 'filter add dev lo parent ffff: protocol all pref 1 matchall';

interface Feature {
  module: string;
  purpose: string;
  need: CheckItem['need'];
  batch: readonly string[];
  /** What reads the batch; tc by default. */
  program?: 'ip';
}

const FEATURES: readonly Feature[] = [
  { module: 'sch_htb', purpose: 'priority classes at egress', need: 'required', batch: [HTB] },
  { module: 'sch_ingress', purpose: 'seeing packets at ingress', need: 'required', batch: [INGRESS] },
  {
    module: 'cls_matchall',
    purpose: 'leading packets to the ingress stages',
    need: 'required',
    batch: [INGRESS, `${FILTER} classid 1:10`],
  },
  {
    module: 'act_police',
    purpose: 'the three ingress stages',
    need: 'police',
    batch: [INGRESS, `${FILTER} action police rate 1mbit burst 4k conform-exceed drop/ok`],
  },
  {
    module: 'act_skbedit',
    purpose: 'the mark of stage 1',
    need: 'police',
    batch: [INGRESS, `${FILTER} action skbedit mark 20 continue`],
  },
  {
    module: 'act_gact',
    purpose: 'dropping above 100 %',
    need: 'police',
    batch: [INGRESS, `${FILTER} action gact drop`],
  },
  {
    module: 'ifb',
    purpose: 'the device to shape on, and the local queue of window pacing',
    need: 'shape',
    batch: ['link add name trial type ifb'],
    program: 'ip',
  },
  {
    module: 'act_mirred',
    purpose: 'leading packets to that device',
    need: 'shape',
    batch: [INGRESS, `${FILTER} action mirred egress redirect dev lo`],
  },
  {
    module: 'sch_cake',
    purpose: 'shaping by cake (else HTB)',
    need: 'optional',
    batch: ['qdisc add dev lo root cake bandwidth 1mbit'],
  },
  {
    module: 'cls_u32',
    purpose: 'small packets first, where HTB shapes and in the local queue',
    need: 'optional',
    batch: [HTB, 'filter add dev lo parent 1: protocol all pref 1 u32 match u32 0 0 classid 1:10'],
  },
  {
    module: 'sch_fq_codel',
    purpose: 'flow queues (else sfq)',
    need: 'leaf',
    batch: ['qdisc add dev lo root fq_codel'],
  },
  {
    module: 'sch_sfq',
    purpose: 'flow queues where fq_codel is missing',
    need: 'leaf',
    batch: ['qdisc add dev lo root sfq'],
  },
  {
    module: 'cls_bpf',
    purpose: 'the program of window pacing',
    need: 'optional',
    batch: [INGRESS, 'filter add dev lo parent ffff: pref 1 bpf da bytecode "1,6 0 0 0"'],
  },
];

/**
 * Throws where there may be no namespace to try anything in, as in a container without CAP_SYS_ADMIN: nothing could be
 * told from that, and setting up does without.
 */
export async function check(rules: RuleSet, run: Runner): Promise<CheckResult> {
  const kernel = release();
  const [programs, features, firewall] = await Promise.all([
    Promise.all(PROGRAMS.map((program) => checkProgram(program, run))),
    checkFeatures(kernel, run),
    checkFirewall(rules, run),
  ]);
  const items = [...programs, ...features, ...firewall];
  const lacking = items.filter((item) => item.state === 'missing' && item.need === 'required');
  const whole = (need: 'police' | 'shape'): boolean =>
    items.every((item) => item.need !== need || item.state === 'works');
  const one = (need: 'leaf' | 'firewall'): boolean =>
    items.some((item) => item.need === need && item.state === 'works');
  const works = (name: string): boolean => items.some((item) => item.name === name && item.state === 'works');
  const ingress = whole('police') || (whole('shape') && (works('sch_cake') || works('cls_u32')));
  return { kernel, items, ready: lacking.length === 0 && ingress && one('leaf') && one('firewall') };
}

interface Program {
  name: string;
  purpose: string;
  need: CheckItem['need'];
}

const PROGRAMS: readonly Program[] = [
  { name: 'tc', purpose: 'queues', need: 'required' },
  { name: 'nft', purpose: 'firewall rules', need: 'optional' },
  { name: 'iptables', purpose: 'firewall rules', need: 'optional' },
  { name: 'ip6tables', purpose: 'firewall rules for IPv6', need: 'optional' },
];

async function checkProgram({ name, purpose, need }: Program, run: Runner): Promise<CheckItem> {
  try {
    const { stdout } = await run([name, name === 'tc' ? '-V' : '--version']);
    return { name, purpose, need, state: 'works', detail: stdout.trim() };
  } catch (error) {
    return { name, purpose, need, state: 'missing', detail: reasonOf(error) };
  }
}

async function checkFeatures(kernel: string, run: Runner): Promise<CheckItem[]> {
  const origin = await moduleOrigins(kernel);
  return Promise.all(
    FEATURES.map(async ({ module, purpose, need, batch, program }): Promise<CheckItem> => {
      try {
        await run(['unshare', '--net', program ?? 'tc', '-batch', '-'], { input: `${batch.join('\n')}\n` });
        return { name: module, purpose, need, state: 'works', detail: origin(module) };
      } catch (error) {
        if (error instanceof ProgramError && mayMakeNoNamespace(error)) {
          throw noPrivilege(
            'trying the kernel out needs network namespaces of its own (CAP_SYS_ADMIN)',
            'inetgw DEV UP DOWN does without them, and puts everything back if the kernel cannot',
          );
        }
        return { name: module, purpose, need, state: 'missing', detail: reasonOf(error) };
      }
    }),
  );
}

/** Tells for a module whether it is built in or comes as a file, of which kernel; from the kernel's own lists. */
async function moduleOrigins(kernel: string): Promise<(module: string) => string> {
  const list = (name: string): Promise<string> =>
    readFile(`/lib/modules/${kernel}/${name}`, 'utf8').catch(() => '');
  const [builtIn, files] = await Promise.all([list('modules.builtin'), list('modules.dep')]);
  return (module) => {
    if (builtIn.includes(`/${module}.ko`)) return `built into ${kernel}`;
    return files.includes(`/${module}.ko`) ? `module of ${kernel}` : `in ${kernel}`;
  };
}

async function checkFirewall(rules: RuleSet, run: Runner): Promise<CheckItem[]> {
  const attempts = [
    { name: 'rules by nft', argv: ['unshare', '--net', 'nft', '-f', '-'] as const, input: nftInstall(rules) },
    {
      name: 'rules by iptables',
      argv: ['unshare', '--net', 'iptables-restore', '--noflush'] as const,
      input: iptablesInstall(rules, 'ipv4', 'nothing'),
    },
    ...((await hasIpv6())
      ? [
          {
            name: 'rules by ip6tables',
            argv: ['unshare', '--net', 'ip6tables-restore', '--noflush'] as const,
            input: iptablesInstall(rules, 'ipv6', 'nothing'),
          },
        ]
      : []),
  ];
  const items: CheckItem[] = [];
  for (const { name, argv, input } of attempts) {
    const purpose = 'classes and large downloads';
    try {
      await run(argv, { input });
      items.push({
        name,
        purpose,
        need: 'firewall',
        state: 'works',
        detail: 'tried in a namespace of its own',
      });
    } catch (error) {
      items.push({ name, purpose, need: 'firewall', state: 'missing', detail: reasonOf(error) });
    }
  }
  return items;
}

/** One line, whatever the program said. */
function reasonOf(error: unknown): string {
  if (error instanceof ProgramError) {
    const first = batchReason(error.result.stderr).split('; ')[0] ?? '';
    return first === 'tc gave no reason' ? error.message : first;
  }
  if (error instanceof UserError)
    return [error.message, error.hint].filter((text) => text !== undefined).join(': ');
  throw error;
}
