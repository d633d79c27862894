/** What this machine has and lacks for a shaper, found by trying; nothing that is in use is touched. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { release } from 'node:os';
import { noPrivilege, UserError } from '../../core/errors.ts';
import { iptablesInstall } from '../../firewall/iptables.ts';
import { nftInstall } from '../../firewall/nft.ts';
import type { RuleSet } from '../../firewall/rules.ts';
import { TRIAL_INDEX } from '../../plan/numbers/actionIndex.ts';
import { makePlan } from '../../plan/plan.ts';
import { DEFAULT_SETTINGS, type FirewallBackend } from '../../plan/input/settings.ts';
import { batchReason, failedBatchLine } from '../../tc/parse.ts';
import { chooseBackend } from '../apply/firewall.ts';
import { hasIpv6 } from '../link/link.ts';
import { hasIpsec } from '../device/ipsec.ts';
import { pacingObject, removeMaps } from '../device/pacing.ts';
import { isRefusal, mayMakeNoNamespace, NO_CLASSIFIER, ONLY_ON_HOST, rehearse } from '../apply/rehearse.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { makeRunDir, removeEmptyRunDir, runDir, writeError } from '../record/runDir.ts';

export interface CheckItem {
  name: string;
  /** What it is for. */
  purpose: string;
  state: 'works' | 'missing';
  /** A version, where the module comes from, or why it does not work. */
  detail: string;
  /**
   * `required`: without it nothing can be set up. `police`: for the ingress stages, `shape`: for the queue on an ifb,
   * of which one must be whole. `leaf`: for flow queues, of which one is needed. `optional`: it has a fallback.
   */
  need: 'required' | 'police' | 'shape' | 'leaf' | 'firewall' | 'optional';
  /** What comes of it if it is missing. */
  cost: string;
}

export interface CheckResult {
  kernel: string;
  items: readonly CheckItem[];
  /** What `--firewall auto` would take, and why; `tool` is null where neither works. */
  autoFirewall: { tool: FirewallBackend | null; why: string };
  /** All that is required is there, and of all that has a fallback one or the other. */
  ready: boolean;
}

const HTB = 'qdisc add dev lo root handle 1: htb default 20';
const INGRESS = 'qdisc add dev lo handle ffff: ingress';
const FILTER = 'filter add dev lo parent ffff: protocol all pref 1 matchall';

/** What makes the qdisc that others are tried on. */
const MADE_BY: Readonly<Record<string, string>> = { [HTB]: 'sch_htb', [INGRESS]: 'sch_ingress' };

type Feature = {
  module: string;
  purpose: string;
  cost: string;
  need: CheckItem['need'];
} & (
  | {
      batch: readonly string[];
      /** What reads the batch; tc by default. */
      program?: 'ip' | 'nft';
    }
  /** Tried in a filter, or where there are no filters, by itself. */
  | { action: string }
);

const NOTHING = 'nothing can be set up';
const NO_STAGES = 'what comes in is shaped on an ifb, without window pacing and the large-download rule';
const NO_IFB = 'no window pacing, and nothing to shape on where the stages are missing';
const NO_PACING = 'no window pacing: downloads are held back by drops alone';

const FEATURES: readonly Feature[] = [
  { module: 'sch_htb', purpose: 'priority classes at egress', cost: NOTHING, need: 'required', batch: [HTB] },
  {
    module: 'sch_ingress',
    purpose: 'seeing packets at ingress',
    cost: NOTHING,
    need: 'required',
    batch: [INGRESS],
  },
  {
    module: 'cls_matchall',
    purpose: 'leading packets to the ingress stages',
    cost: NOTHING,
    need: 'required',
    batch: [INGRESS, `${FILTER} classid 1:10`],
  },
  {
    module: 'act_police',
    purpose: 'the three ingress stages',
    cost: NO_STAGES,
    need: 'police',
    action: 'police rate 1mbit burst 4k conform-exceed drop/ok',
  },
  {
    module: 'act_skbedit',
    purpose: 'the mark of stage 1',
    cost: NO_STAGES,
    need: 'police',
    action: 'skbedit mark 20 continue',
  },
  {
    module: 'act_gact',
    purpose: 'dropping above 100 %',
    cost: NO_STAGES,
    need: 'police',
    action: 'gact drop',
  },
  {
    module: 'ifb',
    purpose: 'the device to shape on, and the local queue of window pacing',
    cost: NO_IFB,
    need: 'shape',
    batch: ['link add name trial type ifb'],
    program: 'ip',
  },
  {
    module: 'act_mirred',
    purpose: 'leading packets to that device',
    cost: NO_IFB,
    need: 'shape',
    action: 'mirred egress redirect dev lo',
  },
  {
    module: 'sch_cake',
    purpose: 'hosts that take turns, and shaping by cake (else HTB)',
    cost: 'flows share the line, whatever host they belong to; --ingress shape takes HTB with flow queues',
    need: 'optional',
    batch: ['qdisc add dev lo root cake bandwidth 1mbit'],
  },
  {
    module: 'cls_u32',
    purpose: 'small packets first, where HTB shapes and in the local queue',
    cost: 'HTB cannot shape what comes in, and there is no window pacing',
    need: 'optional',
    batch: [HTB, 'filter add dev lo parent 1: protocol all pref 1 u32 match u32 0 0 classid 1:10'],
  },
  {
    module: 'sch_fq_codel',
    purpose: 'flow queues (else sfq)',
    cost: 'sfq queues the flows: packets wait longer while a class is full',
    need: 'leaf',
    batch: ['qdisc add dev lo root fq_codel'],
  },
  {
    module: 'sch_sfq',
    purpose: 'flow queues where fq_codel is missing',
    cost: 'nothing as long as there is fq_codel',
    need: 'leaf',
    batch: ['qdisc add dev lo root sfq'],
  },
  {
    module: 'cls_bpf',
    purpose: 'the program of window pacing',
    cost: NO_PACING,
    need: 'optional',
    batch: [INGRESS, 'filter add dev lo parent ffff: pref 1 bpf da bytecode "1,6 0 0 0"'],
  },
  {
    module: 'nft_hash',
    purpose: 'telling hosts behind NAT apart in window pacing',
    cost: 'there window pacing goes by flow, not by host',
    need: 'optional',
    program: 'nft',
    batch: [
      'add table inet trial',
      'add chain inet trial trial',
      'add rule inet trial trial meta priority set jhash ip saddr mod 2 seed 0x1',
    ],
  },
];

const READS_BATCH = ['-batch', '-'];
const READER = {
  tc: ['tc', ...READS_BATCH],
  ip: ['ip', ...READS_BATCH],
  nft: ['nft', '-f', '-'],
} as const;

/**
 * Throws where there may be no namespace to try anything in, as in a container without CAP_SYS_ADMIN: nothing could be
 * told from that, and setting up does without.
 */
export async function check(rules: RuleSet, run: Runner): Promise<CheckResult> {
  const kernel = release();
  const [programs, features, actions, firewall, pacing, auto] = await Promise.all([
    Promise.all(PROGRAMS.map((program) => checkProgram(program, run))),
    checkFeatures(kernel, run),
    checkActions(run),
    checkFirewall(rules, run),
    checkPacing(run),
    chosenBackend(rules, run),
  ]);
  const items = [...programs, ...features, actions, pacing, ...firewall];
  const autoFirewall = typeof auto === 'string' ? autoOf(auto, firewall) : auto;
  const lacking = items.filter((item) => item.state === 'missing' && item.need === 'required');
  const whole = (need: 'police' | 'shape'): boolean =>
    items.every((item) => item.need !== need || item.state === 'works');
  const leaf = items.some((item) => item.need === 'leaf' && item.state === 'works');
  const works = (name: string): boolean => items.some((item) => item.name === name && item.state === 'works');
  const ingress = whole('police') || (whole('shape') && (works('sch_cake') || works('cls_u32')));
  const ready = lacking.length === 0 && ingress && leaf && autoFirewall.tool !== null;
  return { kernel, items, autoFirewall, ready };
}

/** What auto would take; where there is neither tool, why not. */
async function chosenBackend(
  rules: RuleSet,
  run: Runner,
): Promise<FirewallBackend | CheckResult['autoFirewall']> {
  try {
    return await chooseBackend(rules, run);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { tool: null, why: reasonOf(error) };
  }
}

/** What auto takes, if its rules were taken when they were tried. */
function autoOf(taken: FirewallBackend, tried: readonly CheckItem[]): CheckResult['autoFirewall'] {
  const failed = (tool: FirewallBackend): CheckItem | undefined =>
    tried.find(({ name, state }) => state === 'missing' && TRIED_BY[tool].includes(name));
  const refusal = failed(taken);
  if (refusal !== undefined) return { tool: null, why: `${refusal.name}: ${refusal.detail}` };
  const nft = failed('nft');
  return {
    tool: taken,
    why: taken === 'nft' ? 'it takes the very rules' : `nft does not take them (${nft?.detail ?? '?'})`,
  };
}

const TRIED_BY: Readonly<Record<FirewallBackend, readonly string[]>> = {
  nft: ['rules by nft'],
  iptables: ['rules by iptables', 'rules by ip6tables'],
};

interface Program {
  name: string;
  /** What has it print its version on one line; `--version` unless said. */
  asks?: readonly string[];
  purpose: string;
  cost: string;
  need: CheckItem['need'];
}

const PROGRAMS: readonly Program[] = [
  { name: 'tc', asks: ['-V'], purpose: 'queues', need: 'required', cost: NOTHING },
  { name: 'nft', purpose: 'firewall rules', need: 'optional', cost: 'iptables must carry the rules' },
  { name: 'iptables', purpose: 'firewall rules', need: 'optional', cost: 'nft must carry the rules' },
  {
    name: 'ip6tables',
    purpose: 'firewall rules for IPv6',
    need: 'optional',
    cost: 'nft must carry the rules',
  },
  {
    name: 'perl',
    asks: ['-e', 'printf "perl %vd\\n", $^V'],
    purpose: 'reading what window pacing and the firewall know of hosts and flows',
    need: 'optional',
    cost: 'hosts, flows and round trips are not shown, and rates cannot follow the line',
  },
];

async function checkProgram(
  { name, asks = ['--version'], ...rest }: Program,
  run: Runner,
): Promise<CheckItem> {
  try {
    const { stdout } = await run([name, ...asks]);
    return { name, ...rest, state: 'works', detail: stdout.trim() };
  } catch (error) {
    return { name, ...rest, state: 'missing', detail: reasonOf(error) };
  }
}

async function checkFeatures(kernel: string, run: Runner): Promise<CheckItem[]> {
  const origin = await moduleOrigins(kernel);
  return Promise.all(
    FEATURES.map(async (feature): Promise<CheckItem> => {
      const { module, purpose, need, cost } = feature;
      const reason =
        'action' in feature
          ? await actionRefusal(feature.action, run)
          : await refusal(feature.batch, READER[feature.program ?? 'tc'], run);
      return reason === undefined
        ? { name: module, purpose, need, cost, state: 'works', detail: origin(module) }
        : { name: module, purpose, need, cost, state: 'missing', detail: reason };
    }),
  );
}

/** Why the kernel does not take the last line of the batch; undefined: it does. */
async function refusal(
  batch: readonly string[],
  reader: (typeof READER)[keyof typeof READER],
  run: Runner,
): Promise<string | undefined> {
  try {
    await run(['unshare', '--net', ...reader], { input: `${batch.join('\n')}\n` });
    return undefined;
  } catch (error) {
    if (!(error instanceof ProgramError)) return reasonOf(error);
    if (mayMakeNoNamespace(error)) {
      throw noPrivilege(
        'trying the kernel out needs network namespaces of its own (CAP_SYS_ADMIN)',
        'inetgw DEV UP DOWN does without them, and puts everything back if the kernel cannot',
      );
    }
    const failed = failedBatchLine(error.result.stderr) ?? batch.length;
    const absent = failed < batch.length ? MADE_BY[batch[failed - 1] ?? ''] : undefined;
    return absent === undefined ? reasonOf(error) : cannotBeTried(absent);
  }
}

const cannotBeTried = (module: string): string => `it cannot be tried without ${module}`;

/**
 * An action in a filter; where there is no such filter, the action alone, which only the first user namespace may make
 * (netlink_capable in tc_ctl_action).
 */
async function actionRefusal(action: string, run: Runner): Promise<string | undefined> {
  const inFilter = await refusal([INGRESS, `${FILTER} action ${action}`], READER.tc, run);
  if (inFilter === undefined || (!NO_CLASSIFIER.test(inFilter) && inFilter !== cannotBeTried('sch_ingress')))
    return inFilter;
  const alone = await refusal([`actions add action ${action}`], READER.tc, run);
  return alone !== undefined && isRefusal(alone) ? cannotBeTried('cls_matchall') : alone;
}

/**
 * Rates are changed by an action's number, for which the kernel asks for the privilege in the first user namespace
 * (netlink_capable in tc_ctl_action), before it looks which module it is: what is missing there has lines of its own.
 */
async function checkActions(run: Runner): Promise<CheckItem> {
  const item = {
    name: 'changing actions',
    purpose: 'new rates in place',
    need: 'required',
    cost: NOTHING,
  } as const;
  const input = `actions change action gact ok index ${TRIAL_INDEX}\n`;
  try {
    await run(['unshare', '--net', 'tc', '-batch', '-'], { input });
  } catch (error) {
    const reason = reasonOf(error);
    if (isRefusal(reason)) return { ...item, state: 'missing', detail: `${reason}: ${ONLY_ON_HOST}` };
  }
  return { ...item, state: 'works', detail: 'the kernel allows it' };
}

/**
 * The whole of it: the eBPF program as tc loads it, its maps and the queue behind it. What is tried is the plan of no
 * device, so that nothing that is in use has its names.
 */
async function checkPacing(run: Runner): Promise<CheckItem> {
  const item = {
    name: 'window pacing',
    purpose: 'senders slow down in time',
    need: 'optional',
    cost: NO_PACING,
  } as const;
  // Where applying writes it, too.
  const objectFile = `${await runDir()}/check.${process.pid}.o`;
  try {
    const link = { device: 'lo', ifindex: 0, kind: 'ppp', mtuBytes: 1492 } as const;
    const rates = { upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
    const plan = makePlan(
      { ...DEFAULT_SETTINGS, device: 'lo', ...rates },
      link,
      { leafQdisc: 'cake', pacingObjectFile: objectFile, hasIpsec: await hasIpsec() },
      undefined,
    );
    if (plan.pacing === undefined) return { ...item, state: 'missing', detail: 'it is not planned' };
    const object = await pacingObject(plan.pacing);
    await makeRunDir();
    await writeFile(objectFile, object).catch((error: unknown) => {
      throw writeError(objectFile, error);
    });
    const tried = await rehearse(plan.tc, run);
    return tried.ok
      ? { ...item, state: 'works', detail: 'the program was loaded in a namespace of its own' }
      : { ...item, state: 'missing', detail: tried.reason };
  } catch (error) {
    return { ...item, state: 'missing', detail: reasonOf(error) };
  } finally {
    await removeMaps([0]);
    await rm(objectFile, { force: true }).catch(() => undefined);
    await removeEmptyRunDir();
  }
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
        cost: 'the other tool must carry the rules',
        state: 'works',
        detail: 'tried in a namespace of its own',
      });
    } catch (error) {
      items.push({
        name,
        purpose,
        need: 'firewall',
        cost: 'the other tool must carry the rules',
        state: 'missing',
        detail: reasonOf(error),
      });
    }
  }
  return items;
}

/** One line, whatever the program said. */
function reasonOf(error: unknown): string {
  if (error instanceof ProgramError) {
    const first = batchReason(error.result.stderr).split('; ')[0] ?? '';
    // What was to be tried in a namespace of its own is started by unshare.
    const absent = /^unshare: failed to execute (\S+): No such file/.exec(first)?.[1];
    if (absent !== undefined) return `${absent} was not found`;
    return first === 'tc gave no reason' ? error.message : first;
  }
  if (error instanceof UserError)
    return [error.message, error.hint].filter((text) => text !== undefined).join(': ');
  throw error;
}
