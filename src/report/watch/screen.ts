/** The screen of `inetgw watch`: figures in, lines out. Pure. */
import { counted, formatSize } from '../../core/units.ts';
import { ms, number, rate } from './amounts.ts';
import {
  bar,
  fittedTable,
  FULL,
  plain,
  rendered,
  span,
  type Column,
  type Line,
  type Style,
} from './cells.ts';
import { wrapped } from '../../core/wrap.ts';
import { ANSWER_KINDS, ANSWERS_SHORT } from '../../plan/pacing/accounts.ts';
import { hostName } from '../statistics/hostName.ts';
import type { ClassFigures, DirectionFigures, Figures, LineFigures } from './figures.ts';
import type { PingFigures } from './pings.ts';
import { FLOW_SORTS, flowLines, type ShownFlows } from './flowLines.ts';
import type { HostFigures } from './hosts.ts';

/** By what the classes are put in order, and the key that asks for it. */
export const SORTS = {
  u: { name: 'urgency', by: () => 0 },
  r: { name: 'rate', by: ({ nowBitPerSec }) => nowBitPerSec ?? 0 },
  w: { name: 'waiting', by: ({ backlogBytes }) => backlogBytes },
  d: { name: 'drops', by: ({ droppedPerSec }) => droppedPerSec ?? 0 },
} as const satisfies Readonly<Record<string, { name: string; by: (row: ClassFigures) => number }>>;
export type Sort = keyof typeof SORTS;

/** The same of hosts. */
export const HOST_SORTS = {
  T: { name: 'traffic', by: ({ downBitPerSec, upBitPerSec }) => (downBitPerSec ?? 0) + (upBitPerSec ?? 0) },
  D: { name: 'down', by: ({ downBitPerSec }) => downBitPerSec ?? 0 },
  U: { name: 'up', by: ({ upBitPerSec }) => upBitPerSec ?? 0 },
  C: { name: 'connections', by: ({ activeFlows }) => activeFlows },
  A: { name: 'answer time', by: ({ answers }) => answers?.p95Ms ?? 0 },
} as const satisfies Readonly<Record<string, { name: string; by: (row: HostFigures) => number }>>;
export type HostSort = keyof typeof HOST_SORTS;

/** More of them are in the JSON. */
const MOST_HOSTS = 8;

/** Below this, what can be looked up elsewhere is left out. */
const NARROW = 60;

export interface ScreenOptions {
  columns: number;
  /** Undefined: as many as it takes. */
  rows?: number;
  colour: boolean;
  sort: Sort;
  hostSort: HostSort;
  /** Undefined: flows are not looked at. */
  flows?: ShownFlows | undefined;
  /** The keys and what the words mean, in place of the figures. */
  help: boolean;
  /** What is said of keys in the last line; false: there is no keyboard. */
  keys: boolean;
}

/** Lines of at most `columns` columns, and at most `rows` of them. */
export function screen(figures: Figures, options: ScreenOptions): string[] {
  const lines = options.help ? helpLines(options.columns) : figureLines(figures, options);
  const footer = options.keys ? [plain(footerText(figures, options))] : [];
  const room = options.rows === undefined ? lines.length : Math.max(1, options.rows - footer.length);
  const body =
    lines.length <= room ? lines : [...lines.slice(0, room - 1), moreLine(lines.length - room + 1)];
  return [...body, ...footer]
    .slice(0, options.rows)
    .map((line) => rendered(line, options.columns, options.colour));
}

const moreLine = (count: number): Line => [span(`... ${count} more lines`, 'dim')];

function footerText({ line }: Figures, { sort, hostSort, flows, help }: ScreenOptions): string {
  if (help) return '? back  q quit';
  if (flows?.alone === true) return `q quit  ? help  f hosts  flows by ${FLOW_SORTS[flows.sort].name}`;
  const hosts = (line?.hosts ?? []).length > 0 ? `; hosts by ${HOST_SORTS[hostSort].name}` : '';
  return `q quit  ? help  f flows  sorted by ${SORTS[sort].name}${hosts}`;
}

function figureLines(figures: Figures, options: ScreenOptions): Line[] {
  const { columns, flows } = options;
  const { device, line, isWhole } = figures;
  const standing: Line = isWhole
    ? [span('in force', 'good')]
    : [span(line === null ? 'not in force' : 'not all in force', 'bad')];
  const head: Line = [span(`inetgw ${device}`, 'bold'), span('  '), ...standing];
  const shownFlows = flows === undefined ? [] : flowLines(flows, columns);
  const pings = pingLines(figures.ping, columns);
  if (line === null) return [head, ...pings, ...conditionLines(figures, columns), ...shownFlows];
  const top: Line[] = [
    [...head, span(columns < NARROW ? `  ${line.framing}` : `  ${line.framing}, since ${line.since}`, 'dim')],
    [],
    directionLine('up', line.up, columns),
    directionLine('down', line.down, columns),
  ];
  if (flows?.alone === true) return [...top, ...conditionLines(figures, columns), ...shownFlows];
  return [
    ...top,
    ...pacingLines(line, columns),
    ...pings,
    [],
    ...classLines(line.classes, options),
    [],
    ...ingressLines(line, columns),
    ...conditionLines(figures, columns),
    ...hostLines(line, options),
    ...shownFlows,
  ];
}

/** `up    [####----]  105 kbit/s of 210 kbit/s, 50 %`. */
function directionLine(
  name: 'up' | 'down',
  { setBitPerSec, nowBitPerSec, isEstimated }: DirectionFigures,
  columns: number,
): Line {
  const share = nowBitPerSec === null ? null : nowBitPerSec / setBitPerSec;
  const percent = share === null ? '-' : `${Math.round(share * 100)} %`;
  const now = `${isEstimated && share !== null ? '~' : ''}${rate(nowBitPerSec)}`.padStart(12);
  const text =
    columns < NARROW
      ? `${now} ${percent.padStart(5)}`
      : `${now} of ${rate(setBitPerSec).padStart(11)} ${percent.padStart(5)}`;
  const style: Style = share !== null && share >= FULL ? 'warn' : 'plain';
  return [span(name.padEnd(5)), ...bar(share, columns - 5 - text.length - 1), span(` ${text}`, style)];
}

/** `next hop 203.0.113.1: 12 ms by ping; in 10 s 12 ms / 30 ms (p50 / most)`. */
function pingLines(ping: PingFigures | null, columns: number): Line[] {
  if (ping === null) return [];
  return wrapped(pingText(ping, columns < NARROW), columns, '  ').map(plain);
}

function pingText({ host, nowMs, p50Ms, mostMs, reason }: PingFigures, isNarrow: boolean): string {
  if (reason !== null) return `no pings: ${reason}`;
  if (host === null) return 'next hop: looked for';
  const name = isNarrow ? 'next hop' : `next hop ${host}`;
  if (nowMs === null) return `${name}: no answer to pings`;
  return isNarrow
    ? `${name}: ${ms(nowMs)}, ${ms(mostMs)} at most`
    : `${name}: ${ms(nowMs)} by ping; in 10 s ${ms(p50Ms)} / ${ms(mostMs)} (p50 / most)`;
}

function pacingLines({ pacing }: LineFigures, columns: number): Line[] {
  if (pacing === null) return [];
  const rtt = pacing.rttMs === null ? 'none so far' : `${pacing.rttMs.toFixed(1)} ms`;
  const flows = pacing.activeFlows === null ? 'cannot be read here' : `${number(pacing.activeFlows)} paced`;
  const answers = ANSWER_KINDS.flatMap((of) => {
    const { p50Ms, p95Ms } = pacing.answers?.[of] ?? { p50Ms: null, p95Ms: null };
    return p50Ms === null ? [] : [`${ANSWERS_SHORT[of]} ${ms(p50Ms)} / ${ms(p95Ms)}`];
  });
  const lines =
    answers.length === 0 || columns < NARROW
      ? []
      : wrapped(`answers ${answers.join(', ')} (p50 / p95)`, columns, '  ');
  return [
    ...wrapped(
      `path ${rtt} (least round trip of the download paced last); flows: ${flows}, ${counted(number(pacing.loweredPerSec), 'window')} lowered/s`,
      columns,
      '  ',
    ),
    ...lines,
  ].map(plain);
}

function classLines(classes: readonly ClassFigures[], { sort, columns }: ScreenOptions): Line[] {
  const { by } = SORTS[sort];
  const rows = classes.toSorted((one, other) => by(other) - by(one));
  const cells = (value: (row: ClassFigures) => string): string[] => rows.map(value);
  const table: Column[] = [
    { head: 'class', cells: cells((row) => row.class), rank: 9 },
    { head: 'at least', cells: cells((row) => rate(row.guaranteedBitPerSec)), rank: 1 },
    { head: 'now', cells: cells((row) => rate(row.nowBitPerSec)), rank: 8 },
    { head: 'queue', cells: cells((row) => number(row.backlogPackets)), rank: 7 },
    { head: 'bytes', cells: cells((row) => formatSize(row.backlogBytes)), rank: 2 },
    { head: 'drops/s', cells: cells((row) => number(row.droppedPerSec)), rank: 6 },
  ];
  const [head = '', ...lines] = fittedTable(table, columns);
  return [[span(head, 'bold')], ...lines.map(plain)];
}

const STAGES = {
  1: ['98 %: marked', '1 above 98 %: marked'],
  2: ['99 %: large', '2 above 99 %: large dropped'],
  3: ['100 %: any', '3 above 100 %: dropped'],
} as const;

function ingressLines({ stages, queue, pacing }: LineFigures, columns: number): Line[] {
  const lines: Line[] = [];
  if (stages !== null) {
    const table: Column[] = [
      { head: 'stage', cells: stages.map(({ stage }) => STAGES[stage][columns < NARROW ? 0 : 1]), rank: 9 },
      { head: 'seen/s', cells: stages.map(({ seenPerSec }) => number(seenPerSec)), rank: 1 },
      { head: 'excess/s', cells: stages.map(({ excessPerSec }) => number(excessPerSec)), rank: 2 },
      {
        head: 'drops/s',
        cells: stages.map(({ stage, droppedPerSec }) => (stage === 1 ? '' : number(droppedPerSec))),
        rank: 6,
      },
    ];
    const [head = '', ...rest] = fittedTable(table, columns);
    lines.push([span(head, 'bold')], ...rest.map(plain));
  }
  if (queue !== null) {
    const spared = pacing === null ? '' : `, ${number(pacing.sparedPerSec)} spared by the stages/s`;
    const text =
      `${pacing === null ? 'queue' : 'local queue'}: ${counted(number(queue.backlogPackets), 'packet')} (${formatSize(queue.backlogBytes)}) waiting,` +
      ` ${number(queue.passedPerSec)} passed/s, ${number(queue.droppedPerSec)} dropped/s${spared}`;
    lines.push(...wrapped(text, columns, '  ').map(plain));
  }
  return lines;
}

function hostLines({ hosts }: LineFigures, { hostSort, columns }: ScreenOptions): Line[] {
  if (hosts === null || hosts.length === 0) return [];
  const { by } = HOST_SORTS[hostSort];
  const rows = hosts.toSorted((one, other) => by(other) - by(one)).slice(0, MOST_HOSTS);
  const cells = (value: (row: HostFigures) => string): string[] => rows.map(value);
  const table: Column[] = [
    { head: 'host', cells: cells(hostName), rank: 9 },
    { head: 'down', cells: cells((row) => rate(row.downBitPerSec)), rank: 8 },
    { head: 'up', cells: cells((row) => rate(row.upBitPerSec)), rank: 7 },
    { head: 'active', cells: cells((row) => `${number(row.activeFlows)} of ${number(row.flows)}`), rank: 2 },
    { head: 'p50', cells: cells(({ answers }) => ms(answers?.p50Ms ?? null)), rank: 3 },
    { head: 'p95', cells: cells(({ answers }) => ms(answers?.p95Ms ?? null)), rank: 4 },
  ];
  const [head = '', ...lines] = fittedTable(table, columns);
  const rest = hosts.length - rows.length;
  return [
    [],
    [span(head, 'bold')],
    ...lines.map(plain),
    ...(rest > 0 ? [plain(`and ${number(rest)} more`)] : []),
  ];
}

function conditionLines({ conditions }: Figures, columns: number): Line[] {
  if (conditions.length === 0) return [];
  const lines = conditions.flatMap(({ severity, text, remedy, id }): Line[] => {
    const style: Style = severity === 'broken' ? 'bad' : severity === 'warning' ? 'warn' : 'dim';
    const name = severity === 'note' ? 'note' : 'warning';
    return wrapped(`${name}: ${text}; ${remedy} [${id}]`, columns, '  ').map((each) => [span(each, style)]);
  });
  return [[], ...lines];
}

const HELP = [
  'inetgw watch: one device, read anew each second.',
  '',
  'up, down: what the line carries now, framing included, of the rates that were set. ~ where nothing counts framing: reckoned from bytes and packets.',
  'path: the least round trip of late of the download whose window was lowered last, so without what queues add.',
  'flows paced: downloads that take their share; one that takes less counts for less.',
  'answers: round trips of TCP beyond the gateway in the last 10 s; next hop: one ping a second to it.',
  'host: user data of its TCP, connections active and remembered, its answers.',
  'flow: IP packets of two, by protocol and port (in: opened from outside), total since its connections began; paced: with windows that were lowered.',
  'class: what it sends, what waits in its queue in packets and bytes, its drops.',
  'stage: packets that came above its share of the line.',
  'local queue: where large packets that came in wait their turn.',
  '',
  'Keys: q or Ctrl-C quits; u r w d put the classes in order by urgency, rate, waiting, drops; s takes the next of these; f shows flows or hosts; p stops the pings; T D U C A put hosts in order by traffic, down, up, connections, answer time, T D U C B flows (B: bytes); ? shows and hides this.',
  'Conditions are looked at every 10 s; what they mean stands in docs/conditions.md.',
];

const helpLines = (columns: number): Line[] =>
  HELP.flatMap((text) => wrapped(text, columns, '  ').map(plain));
