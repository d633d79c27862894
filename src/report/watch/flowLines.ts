/** Flows on the screen of `inetgw watch`: a table where there is room for both ends, else some lines for each. Pure. */
import { counted, formatSize } from '../../core/units.ts';
import { widthOf, wrapped } from '../../core/wrap.ts';
import { taking, type FlowEnd, type FlowFigures, type FlowsFigures } from '../flows/flows.ts';
import { hostName } from '../statistics/hostName.ts';
import { number, rate } from './amounts.ts';
import { fittedTable, plain, span, type Column, type Line } from './cells.ts';

/** By what flows are put in order, and the key that asks for it. */
export const FLOW_SORTS = {
  T: { name: 'traffic', by: taking },
  D: { name: 'down', by: ({ downBitPerSec }) => downBitPerSec },
  U: { name: 'up', by: ({ upBitPerSec }) => upBitPerSec },
  C: { name: 'connections', by: ({ connections }) => connections },
  B: { name: 'bytes', by: ({ downBytes, upBytes }) => downBytes + upBytes },
} as const satisfies Readonly<Record<string, { name: string; by: (row: FlowFigures) => number }>>;
export type FlowSort = keyof typeof FLOW_SORTS;

export interface ShownFlows {
  figures: FlowsFigures;
  sort: FlowSort;
  /** In place of hosts, classes and stages; else some of them, below those. */
  alone: boolean;
}

/** Below the hosts; more of them are in the JSON. */
const MOST_BESIDE = 8;

export function flowLines({ figures, sort, alone }: ShownFlows, columns: number): Line[] {
  const { flows, reason, moreFlows } = figures;
  if (flows === null)
    return [[], ...text(`flows: ${reason ?? 'not known'}`, columns, 'dim'), ...notes(figures, columns)];
  const { by } = FLOW_SORTS[sort];
  const rows = flows
    .toSorted((one, other) => by(other) - by(one))
    .slice(0, alone ? flows.length : MOST_BESIDE);
  const rest = flows.length + moreFlows - rows.length;
  return [
    [],
    ...text(summary(figures), columns),
    ...notes(figures, columns),
    ...(rows.length === 0 ? [] : asTable(rows, columns)),
    ...(rest > 0 ? [plain(`and ${number(rest)} more`)] : []),
  ];
}

const text = (words: string, columns: number, style: 'plain' | 'dim' | 'warn' = 'plain'): Line[] =>
  wrapped(words, columns, '  ').map((each) => [span(each, style)]);

function summary({ flows, activeConnections, connections, overMs }: FlowsFigures): string {
  const seconds = `${((overMs ?? 0) / 1000).toFixed(1)} s`;
  const none = flows?.length === 0 ? ', none of them over this line' : '';
  return `flows: ${number(activeConnections)} of ${counted(number(connections), 'connection')} of this machine active in ${seconds}${none}`;
}

/** What the table does not have. */
function notes({ leftOut, uncountedConnections, flows }: FlowsFigures, columns: number): Line[] {
  const uncounted = uncountedConnections ?? 0;
  return [
    ...(leftOut === null ? [] : text(`only a part: ${leftOut}`, columns, 'warn')),
    ...(flows === null || uncounted === 0
      ? []
      : text(`not counted: ${counted(number(uncounted), 'connection')}`, columns, 'warn')),
  ];
}

/** `tcp/443`; opened by the other side: `tcp/22 in`. */
const byWhat = ({ protocol, port, openedBy }: FlowFigures): string =>
  `${port === null ? protocol : `${protocol}/${port}`}${openedBy === 'remote' ? ' in' : ''}`;

const endText = ({ name, address }: FlowEnd): string => hostName({ name, addresses: [address], number: 0 });

function asTable(rows: readonly FlowFigures[], columns: number): Line[] {
  const cells = (value: (row: FlowFigures) => string): string[] => rows.map(value);
  const ends: Column[] = [
    { head: 'host', cells: cells(({ host }) => endText(host)), rank: 9 },
    { head: 'with', cells: cells(({ remote }) => endText(remote)), rank: 9 },
    { head: 'by', cells: cells(byWhat), rank: 9 },
    { head: 'down', cells: cells((row) => rate(row.downBitPerSec)), rank: 9 },
    { head: 'up', cells: cells((row) => rate(row.upBitPerSec)), rank: 9 },
  ];
  const narrowest = ends.reduce(
    (sum, { head, cells: of }) => sum + 2 + Math.max(...[head, ...of].map(widthOf)),
    -2,
  );
  if (narrowest > columns) return rows.flatMap((row) => asLines(row, columns));
  const table: Column[] = [
    ...ends,
    { head: 'total', cells: cells((row) => formatSize(row.downBytes + row.upBytes)), rank: 2 },
    { head: 'connections', cells: cells((row) => number(row.connections)), rank: 1 },
    { head: 'paced', cells: cells(pacedText), rank: 3 },
  ];
  const [head = '', ...lines] = fittedTable(table, columns);
  return [[span(head, 'bold')], ...lines.map(plain)];
}

function pacedText({ connections, pacedConnections }: FlowFigures): string {
  if (pacedConnections === null) return '-';
  if (pacedConnections === 0) return 'no';
  return pacedConnections === connections ? 'yes' : `${number(pacedConnections)} of ${number(connections)}`;
}

const PACED: Readonly<Record<string, string>> = { '-': '', no: ', not paced', yes: ', paced' };

/** `laptop 192.168.1.20 with 203.0.113.5 tcp/443`, and what it takes. */
function asLines(row: FlowFigures, columns: number): Line[] {
  const total = formatSize(row.downBytes + row.upBytes);
  const paced = pacedText(row);
  const takes = `down ${rate(row.downBitPerSec)}, up ${rate(row.upBitPerSec)}, total ${total}${PACED[paced] ?? `, ${paced} paced`}`;
  return [
    ...wrapped(`${endText(row.host)} with ${endText(row.remote)} ${byWhat(row)}`, columns, ' '),
    ...wrapped(takes, columns - 2, '  ').map((each) => `  ${each}`),
  ].map(plain);
}
