/**
 * From plans to the programs that carry them out: each step is one program with its arguments and its
 * input, byte for byte what `--dry-run` prints. Pure.
 */
import { iptablesInstall, iptablesRemove, type Family, type Present } from '../firewall/iptables.ts';
import { nftInstall, nftRemove } from '../firewall/nft.ts';
import type { RuleSet } from '../firewall/rules.ts';
import {
  batchText,
  beside,
  changeLines,
  setUpLines,
  tearDownPlace,
  treesOf,
  type TcView,
} from '../tc/batch.ts';
import { sameValue } from '../tc/sameValue.ts';
import type { Plan } from './plan.ts';

export interface Step {
  /** What it does, for messages: `the IPv6 firewall rules`. */
  what: string;
  argv: readonly [string, ...string[]];
  input: string;
  /** Exit codes besides 0 that are no failure. */
  okCodes?: readonly number[];
}

/** Wait up to 5 s for another program that is changing the tables. */
const RESTORE_ARGS = ['--noflush', '--wait', '5'] as const;
const RESTORE_PROGRAM = { ipv4: 'iptables-restore', ipv6: 'ip6tables-restore' } as const;
const SAVE_PROGRAM = { ipv4: 'iptables-save', ipv6: 'ip6tables-save' } as const;

const TC_BATCH = ['tc', '-batch', '-'] as const;
const IP_BATCH = ['ip', '-batch', '-'] as const;

export function tcStep(lines: readonly string[]): Step {
  return { what: 'the queues', argv: TC_BATCH, input: batchText(lines) };
}

/** A fresh ifb, up, without queues. */
export function ifbStep(name: string, exists: boolean): Step {
  const lines = [
    ...(exists ? [`link del dev ${name}`] : []),
    `link add name ${name} type ifb`,
    `link set dev ${name} up`,
  ];
  return { what: 'the device of the local queue', argv: IP_BATCH, input: batchText(lines) };
}

export function ifbRemoveStep(name: string): Step {
  return {
    what: 'the device of the local queue',
    argv: IP_BATCH,
    input: batchText([`link del dev ${name}`]),
  };
}

/** Where the pacing program is put: no program is run for it, the shell form does the same. */
export function objectFileAsScript(path: string, object: Buffer): string {
  const lines = object.toString('base64').match(/.{1,100}/g) ?? [];
  return `# the pacing program\nmkdir -p ${path.slice(0, path.lastIndexOf('/'))}\nbase64 -d >${path} <<'EOF'\n${lines.join('\n')}\nEOF\n`;
}

/** How the queues come from what is there to the plan: changed in place, or made anew. */
export interface QueueChange {
  how: 'in place' | 'anew';
  /** The ifb of the local queue is made before, or the one that stands is used again; undefined: none is needed. */
  queueDevice: 'fresh' | 'kept' | undefined;
  lines: readonly string[];
}

/**
 * Root and ingress of each device are looked at one by one: what differs in parameters only is changed in place,
 * and what must be made anew is taken away just before, so that packets pass unshaped for as short as can be.
 * @param inForce the plan that the kernel holds, if that is known for sure
 * @param view what stands on the device
 * @param rates whether the kernel holds the rates of that plan; `others`: a service that was killed has left its own
 */
export function queueChange(
  plan: Plan,
  inForce: Plan | undefined,
  view: TcView,
  rates: 'of the plan' | 'others' = 'of the plan',
): QueueChange {
  const kept = plan.queueDevice !== undefined && inForce?.queueDevice === plan.queueDevice;
  const queueDevice = plan.queueDevice === undefined ? undefined : kept ? 'kept' : 'fresh';
  const standing = treesOf(inForce?.tc ?? []);
  // Whoever follows the line has set other rates than the plan's; of the same plan, they stay in force while it runs.
  const isFollowed =
    inForce?.follows !== undefined && (rates === 'others' || !sameValue(inForce.tc, plan.tc));
  let how: QueueChange['how'] = 'in place';
  const lines = treesOf(plan.tc).flatMap(({ dev, place, objects }) => {
    const from = standing.find((tree) => tree.dev === dev && tree.place === place);
    const inPlace =
      from === undefined ? undefined : changeLines(from.objects, objects, isFollowed ? 'others' : 'from');
    if (inPlace !== undefined) return inPlace;
    how = 'anew';
    // An ifb that is taken away while packets are redirected to it would lose them until the batch has run.
    const onIfb = kept ? [`qdisc del dev ${dev} root`] : [];
    if (dev !== plan.device) return [...onIfb, ...setUpLines(objects)];
    const made = place === 'ingress' ? beside(objects, dev, view) : objects;
    return [...tearDownPlace(dev, place, view), ...setUpLines(made)];
  });
  return { how, queueDevice, lines };
}

/** The same rules for the tool to look at, in all it can and the kernel with it, without taking them. */
export function firewallTrials(
  { backend, rules }: NonNullable<Plan['firewall']>,
  families: readonly Family[],
): Step[] {
  const what = 'the firewall rules';
  switch (backend) {
    case 'nft':
      return [{ what, argv: ['nft', '--check', '-f', '-'], input: nftInstall(rules) }];
    case 'iptables':
      return families.map((family) => ({
        what,
        argv: [RESTORE_PROGRAM[family], '--test', ...RESTORE_ARGS],
        input: iptablesInstall(rules, family, 'anything'),
      }));
  }
}

/**
 * Steps that install the plan's firewall rules.
 * @param before which of ours may stand there, where those are others
 */
export function firewallSteps(
  plan: Plan,
  present: Present,
  families: readonly Family[],
  before?: RuleSet,
): Step[] {
  if (plan.firewall === undefined) return [];
  const { backend, rules } = plan.firewall;
  switch (backend) {
    case 'nft':
      return [
        { what: 'the firewall rules', argv: ['nft', '-f', '-'], input: nftInstall(rules, undefined, before) },
      ];
    case 'iptables':
      return families.map((family) => restoreStep(family, iptablesInstall(rules, family, present, before)));
  }
}

function restoreStep(family: Family, input: string): Step {
  return {
    what: `the ${familyName(family)} firewall rules`,
    argv: [RESTORE_PROGRAM[family], ...RESTORE_ARGS],
    input,
  };
}

export function familyName(family: Family): string {
  return family === 'ipv4' ? 'IPv4' : 'IPv6';
}

/**
 * The program that shows the family's tables, from which `iptablesRemoveStep` is made. All that are in use,
 * and not mangle by name: naming a table would bring it into being.
 */
export function saveArgv(family: Family): readonly [string, ...string[]] {
  return [SAVE_PROGRAM[family]];
}

/** The step that takes away our iptables rules of one family; undefined if there are none. */
export function iptablesRemoveStep(device: string, family: Family, saved: string): Step | undefined {
  const text = iptablesRemove(device, saved);
  return text === undefined ? undefined : restoreStep(family, text);
}

export function nftRemoveStep(device: string): Step {
  return { what: 'the firewall rules', argv: ['nft', '-f', '-'], input: nftRemove(device) };
}

/**
 * Takes away the plan's police actions that have outlived their filters, or came of changing one whose filter somebody
 * has just taken away: tc then makes it. A filter that took one up would hold it for ever. Those in use, and that
 * there are none, are no error. Undefined: the plan has none.
 */
export function strayActionsStep(plan: Plan): Step | undefined {
  const indices = plan.tc
    .flatMap((object) => (object.type === 'filter' ? object.actions : []))
    .flatMap((action) => (action.kind === 'police' || action.kind === 'policeSize' ? [action.index] : []));
  if (indices.length === 0) return undefined;
  return {
    what: 'the actions that no filter holds',
    argv: ['tc', '-force', '-batch', '-'],
    input: batchText(indices.map((index) => `actions del action police index ${index}`)),
    okCodes: [1, 2],
  };
}

/** The steps as a shell script: what `--dry-run=script` prints, and what `sh -e` runs. */
export function stepsAsScript(steps: readonly Step[]): string {
  return steps
    .map(({ what, argv, input, okCodes }) => {
      const mayFail = okCodes === undefined ? '' : ` || [ $? -le ${Math.max(...okCodes)} ]`;
      return `# ${what}\n${argv.join(' ')} <<'EOF'${mayFail}\n${input}EOF\n`;
    })
    .join('');
}

/** Files that are taken away, and then the folders if nothing else is in them: no program is run for that. */
export function filesGoneAsScript(files: readonly string[], folders: readonly string[]): string {
  if (files.length === 0) return '';
  return `# the files\nrm -f ${files.join(' ')}\nrmdir ${folders.join(' ')} 2>/dev/null || :\n`;
}
