/** What a plan comes to, for a person who is about to carry it out, and for a program. Pure. */
import { hasStages, INGRESS_KINDS } from '../../plan/input/ingressKinds.ts';
import { isRendered } from '../../firewall/nft.ts';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES, type EgressClass } from '../../plan/queues/egressClasses.ts';
import { describeFraming, type Framing } from '../../plan/input/framing.ts';
import { framingAssumption } from '../../plan/input/framingChoice.ts';
import { limitStatistics, limitTexts } from './limits.ts';
import type { LinkFacts } from '../../plan/input/link.ts';
import type { Plan } from '../../plan/plan.ts';
import type { FirewallBackend, ShaperSettings } from '../../plan/input/settings.ts';
import type { QueueChange, Step } from '../../plan/steps.ts';
import { counted, formatRate } from '../../core/units.ts';

/** The file of the pacing program, which is written before the steps are run. */
export interface ProgramFile {
  path: string;
  bytes: number;
  /** SHA-256 in hexadecimal digits. */
  sha256: string;
}

/** What there is to say of a plan and how it is carried out. */
export interface Outlook {
  settings: ShaperSettings;
  plan: Plan;
  how: QueueChange['how'];
  steps: readonly Step[];
  /** Undefined: no window pacing. */
  program: ProgramFile | undefined;
  /** False: the device is not there yet. */
  deviceExists: boolean;
  notices: readonly string[];
}

/** The structure of `inetgw DEV UP DOWN --dry-run --json`. Rates in bit/s. */
export interface PlanJson {
  device: string;
  link: Pick<LinkFacts, 'kind' | 'mtuBytes'> & { exists: boolean };
  upBitPerSec: number;
  downBitPerSec: number;
  framing: Framing;
  /** `said`: by flags, environment or file. `assumed`: from the kind of device, and on a ppp device from the rates. */
  framingFrom: 'said' | 'assumed';
  classes: { class: EgressClass; guaranteedBitPerSec: number; ceilBitPerSec: number }[];
  ingress: Plan['ingress'];
  queueDevice: string | null;
  pacing: ProgramFile | null;
  firewall: FirewallBackend | 'none';
  firewallRules: number;
  /** What hosts and networks have at most, by direction. */
  limits: { name: string; direction: 'down' | 'up'; limitBitPerSec: number }[];
  how: QueueChange['how'];
  /** Each program once, in the order in which they are first run. */
  programs: string[];
  steps: Pick<Step, 'what' | 'argv' | 'input'>[];
  notices: readonly string[];
}

export function planJson({ settings, plan, how, steps, program, deviceExists, notices }: Outlook): PlanJson {
  return {
    device: plan.device,
    link: { kind: plan.link.kind, mtuBytes: plan.link.mtuBytes, exists: deviceExists },
    upBitPerSec: plan.upBitPerSec,
    downBitPerSec: plan.downBitPerSec,
    framing: plan.framing,
    framingFrom: framingAssumption(settings.framing, plan.link) === undefined ? 'said' : 'assumed',
    classes: classesOf(plan),
    ingress: plan.ingress,
    queueDevice: plan.queueDevice ?? null,
    pacing: program ?? null,
    firewall: plan.firewall?.backend ?? 'none',
    firewallRules: ruleCount(plan),
    limits: limitStatistics(plan, undefined).map(({ name, direction, limitBitPerSec }) => ({
      name,
      direction,
      limitBitPerSec,
    })),
    how,
    programs: programsOf(steps),
    steps: steps.map(({ what, argv, input }) => ({ what, argv, input })),
    notices,
  };
}

/** The same in a few lines, of at most 80 characters where names are not long. */
export function planSummary(outlook: Outlook): string {
  const { plan, how, steps, program } = outlook;
  const classes = classesOf(plan).map((each) => `${each.class} ${formatRate(each.guaranteedBitPerSec)}`);
  return rows([
    [
      'uplink',
      `${formatRate(plan.upBitPerSec)} in ${inWords(classes.length)} classes, each sure of its share:`,
      classes.join(', '),
    ],
    ['downlink', ...ingressText(plan)],
    ['framing', describeFraming(plan.framing), framingReason(outlook)],
    program === undefined
      ? ['pacing', plan.pacingMissing === true ? 'none: this kernel or tc cannot' : 'none']
      : ['pacing', 'an eBPF program lowers receive windows to what the line carries'],
    [
      'firewall',
      plan.firewall === undefined
        ? 'no rules'
        : `${counted(ruleCount(plan), 'rule')}, by ${plan.firewall.backend}`,
    ],
    ...limitRows(plan),
    ['queues', how === 'anew' ? 'are made anew' : 'are changed in place: nothing that waits is lost'],
    ['programs', steps.length === 0 ? 'none: all of it is in force' : programsOf(steps).join(', ')],
  ]);
}

function limitRows({ firewall }: Plan): [string, ...string[]][] {
  const [first, ...others] = limitTexts(firewall?.rules.limits ?? []);
  return first === undefined ? [] : [['limits', first, ...others]];
}

const inWords = (count: number): string =>
  ['one', 'two', 'three', 'four', 'five', 'six'][count - 1] ?? String(count);

function rows(all: readonly (readonly [string, ...string[]])[]): string {
  const width = Math.max(...all.map(([label]) => label.length)) + 2;
  return all
    .flatMap(([label, ...lines]) =>
      lines.map((line, n) => `  ${(n === 0 ? label : '').padEnd(width)}${line}\n`),
    )
    .join('');
}

function ingressText(plan: Plan): string[] {
  const { downBitPerSec, ingress, queueDevice } = plan;
  const whole = formatRate(downBitPerSec);
  if (!hasStages(ingress))
    return [`${whole}, shaped by ${INGRESS_KINDS[ingress].text} on ${queueDevice ?? '?'}`];
  const share = (part: number): string => formatRate(downBitPerSec * part);
  return [
    `${whole} in three stages: marked above ${share(0.98)}, large packets`,
    `dropped above ${share(0.99)}, all packets above ${whole}`,
    ...(queueDevice === undefined ? [] : [`what passes waits its turn on ${queueDevice}`]),
  ];
}

function framingReason({ settings, plan: { link } }: Outlook): string {
  return framingAssumption(settings.framing, link) ?? 'as was said';
}

function classesOf(plan: Plan): PlanJson['classes'] {
  return EGRESS_CLASS_NAMES.map((name) => {
    const found = plan.tc.find(
      (object) => object.type === 'class' && object.classId === EGRESS_CLASSES[name].id,
    );
    const [guaranteedBitPerSec, ceilBitPerSec] =
      found?.type === 'class' ? [found.rateBitPerSec, found.ceilBitPerSec] : [0, 0];
    return { class: name, guaranteedBitPerSec, ceilBitPerSec };
  });
}

/** Rules as they are named; those of nft are counted where nft has them. */
function ruleCount({ firewall }: Plan): number {
  if (firewall === undefined) return 0;
  const { backend, rules } = firewall;
  const all = [...rules.egress, ...rules.ingress];
  return (backend === 'nft' ? all.filter(isRendered) : all).length + (rules.limits ?? []).length;
}

export function programsOf(steps: readonly Step[]): string[] {
  return [...new Set(steps.map(({ argv }) => argv[0]))];
}
