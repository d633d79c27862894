/** `inetgw check [DEV]`: what is there, what is missing, and what that costs. */
import type { FoundCondition } from '../../../conditions/condition.ts';
import { conditionLine, isBroken } from '../../../conditions/table.ts';
import { EXIT, type UserError } from '../../../core/errors.ts';
import { wrapLines } from '../../../core/wrap.ts';
import { assumedLink } from '../../../plan/input/assumedLink.ts';
import { describeFraming, type Framing, type RawRates } from '../../../plan/input/framing.ts';
import { resolveFraming } from '../../../plan/input/framingChoice.ts';
import type { LinkFacts } from '../../../plan/input/link.ts';
import { egressRules, ingressRules } from '../../../plan/classes/rules.ts';
import { DEFAULT_SETTINGS } from '../../../plan/input/settings.ts';
import { check, type CheckItem, type CheckResult } from '../../../system/check/check.ts';
import { readConditions } from '../../../system/check/conditions.ts';
import { readCurrent } from '../../../system/device/device.ts';
import { checkDeviceName, findLink, noSuchDevice } from '../../../system/link/link.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { run } from '../../../system/exec/run.ts';
import { withTunnel } from '../../../system/device/tunnel.ts';
import { outputColumns } from '../../common/columns.ts';
import type { GlobalOptions } from '../words/program.ts';

/** Without a device, or before it is there, it is about the machine alone. */
export async function checkCommand(device: string | undefined, options: GlobalOptions): Promise<number> {
  if (device !== undefined) checkDeviceName(device);
  const link = device === undefined ? undefined : await linkOf(device);
  await requireNetAdmin('trying the kernel out');
  const rules = {
    device: device ?? 'ppp0',
    egress: egressRules(DEFAULT_SETTINGS),
    ingress: ingressRules(DEFAULT_SETTINGS),
  };
  const result = await check(rules, run);
  const own = link === undefined ? undefined : await deviceFacts(link);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...own, ...result }, null, 2)}\n`);
  } else {
    const about = own === undefined ? [] : [deviceText(own)];
    const text = [checkText(result), ...about, verdict(result)].join('\n');
    process.stdout.write(`${wrapLines(text, outputColumns(), (line) => indentOf(line, result))}\n`);
  }
  if (!result.ready) return EXIT.missing;
  return isBroken(own?.conditions ?? []) ? EXIT.notInForce : EXIT.ok;
}

interface CheckedLink {
  link: LinkFacts;
  exists: boolean;
}

async function linkOf(device: string): Promise<CheckedLink> {
  const found = await findLink(device);
  const link = found === undefined ? assumedLink(device) : await withTunnel(found, run);
  if (link === undefined) throw await noSuchDevice(device);
  return { link, exists: found !== undefined };
}

type DeviceFacts = CheckedLink & {
  device: string;
  /** What is assumed unless told otherwise, at the article's rates. */
  framing: Framing;
  /** The same at rates that ADSL cannot have. */
  framingAboveAdsl: Framing;
  /** Whose they are, or why they cannot be seen. */
  queues: string;
  conditions: readonly FoundCondition[];
};

const ARTICLE_RATES: RawRates = { upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
const RATES_ABOVE_ADSL: RawRates = { upBitPerSec: 10e6, downBitPerSec: 50e6 };

async function deviceFacts({ link, exists }: CheckedLink): Promise<DeviceFacts> {
  const { device } = link;
  let unread: UserError | undefined;
  const current = await readCurrent(device, run, (error) => {
    unread = error;
  });
  const queues =
    unread !== undefined
      ? `cannot be seen: ${unread.message}`
      : current.inForce !== undefined
        ? 'inetgw'
        : (current.view.root?.kind ?? 'the kernel default');
  return {
    device,
    link,
    exists,
    framing: resolveFraming(undefined, link, ARTICLE_RATES),
    framingAboveAdsl: resolveFraming(undefined, link, RATES_ABOVE_ADSL),
    queues,
    conditions: unread === undefined ? (await readConditions(current, true, run)).found : [],
  };
}

function deviceText(facts: DeviceFacts): string {
  const { device, link, exists, framing, framingAboveAdsl, queues, conditions } = facts;
  const tunnel = link.tunnel === undefined ? '' : ` (a tunnel: ${link.tunnel.what})`;
  const what = `${link.kind}${tunnel}, mtu ${link.mtuBytes}`;
  const above =
    framing.name === framingAboveAdsl.name
      ? ''
      : `;\n  at rates above ADSL's ${describeFraming(framingAboveAdsl)}`;
  return [
    exists ? `${device}: ${what}, queues: ${queues}` : `${device}: not there yet; by its name ${what}`,
    `  framing unless told otherwise: ${describeFraming(framing)}${above}`,
    ...conditions.map((each) => `  ${each.severity}: ${conditionLine(each)}`),
    '',
  ].join('\n');
}

const GROUPS: readonly [CheckItem['need'], string][] = [
  ['required', 'required'],
  ['police', 'for what comes in: the stages'],
  ['shape', 'for what comes in, where there are no stages: a device to shape on'],
  ['leaf', 'queues in the classes: one of them'],
  ['firewall', 'firewall rules: one tool'],
  ['optional', 'better with'],
];

const nameColumns = ({ items }: CheckResult): number => Math.max(...items.map(({ name }) => name.length));

/** What stands before a name, and behind it. */
const ITEM_COLUMNS = '  yes  '.length + '  '.length;

/** What does not fit stands below what it belongs to. */
function indentOf(line: string, result: CheckResult): number {
  if (/^ +(?:yes|no) {2}/.test(line)) return ITEM_COLUMNS + nameColumns(result);
  const start = /^ */.exec(line)?.[0].length ?? 0;
  return start >= ITEM_COLUMNS ? start : start + 2;
}

function checkText(result: CheckResult): string {
  const { kernel, items, autoFirewall } = result;
  const width = nameColumns(result);
  const lines = GROUPS.flatMap(([need, title]) => [
    title,
    ...items.filter((item) => item.need === need).flatMap((item) => itemLines(item, width)),
    ...(need === 'firewall'
      ? [`       --firewall auto takes ${autoFirewall.tool ?? 'none'}: ${autoFirewall.why}`]
      : []),
    '',
  ]);
  return [`kernel ${kernel}`, '', ...lines].join('\n');
}

function itemLines({ name, purpose, state, detail, cost }: CheckItem, width: number): string[] {
  if (state === 'works') return [`  yes  ${name.padEnd(width)}  ${purpose}: ${detail}`];
  return [
    `   no  ${name.padEnd(width)}  ${purpose}: ${detail}`,
    `       ${''.padEnd(width)}  without it: ${cost}`,
  ];
}

function verdict({ items, ready, autoFirewall }: CheckResult): string {
  const missing = (need: CheckItem['need']): string[] =>
    items.filter((item) => item.state === 'missing' && item.need === need).map((item) => item.name);
  if (ready) {
    const stages = missing('police');
    return stages.length === 0
      ? 'ready'
      : `ready; what comes in will be shaped, not policed: ${stages.join(', ')} missing`;
  }
  const required = missing('required');
  const ingress = missing('shape').length === 0 ? [] : [...missing('police'), ...missing('shape')];
  const leaves = items.every(({ need, state }) => need !== 'leaf' || state === 'missing')
    ? missing('leaf')
    : [];
  const firewall = autoFirewall.tool === null ? ['nft or iptables'] : [];
  const names = [...required, ...(missing('police').length === 0 ? [] : ingress), ...leaves, ...firewall];
  return `not ready: ${names.join(', ')} missing`;
}
