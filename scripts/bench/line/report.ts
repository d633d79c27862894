/** Measured points as tables: plain text for the terminal, Markdown for the document. Pure. */
import { table } from '../../../src/report/statistics/table.ts';
import { LINE_NAMES, LINES, type LineName } from './lines.ts';
import { LOADS, type LoadName } from './points.ts';
import type { Measured } from './results.ts';
import { SHAPER_NAMES, SHAPERS, type ShaperName } from './shapers.ts';

/** Points of one line under one load. */
export interface Group {
  line: LineName;
  load: LoadName;
  points: Measured[];
}

export function groupsOf(results: readonly Measured[]): Group[] {
  const groups = new Map<string, Group>();
  for (const result of results) {
    const { line, load } = result;
    const group = groups.get(`${line} ${load}`) ?? { line, load, points: [] };
    group.points.push(result);
    groups.set(`${line} ${load}`, group);
  }
  return [...groups.values()];
}

const HEAD = [
  'shaper',
  '% of raw',
  'ping ms avg',
  'p50',
  'p99',
  'lost %',
  'down kbit/s',
  'up',
  'call up p50/p99',
  'down p50/p99',
  'lost %',
  'echo p50/p99',
  'page ms',
  'idle %',
];

export function textReport(results: readonly Measured[]): string {
  return groupsOf(results)
    .map(({ line, load, points }) => {
      const title = `${LINES[line].title}; ${LOADS[load].title}`;
      return `${title}\n\n${table(HEAD, points.map(row))}\n`;
    })
    .join('\n');
}

export function markdownTable(points: readonly Measured[]): string {
  return markdown(HEAD, points.map(row));
}

/** What everybody is told in the table of all lines, and under which load. */
const OVERVIEW = { load: 'both', share: 0.975 } as const;

/** Average answer and user data down of each shaper on each line, at one setting. */
export function overviewTable(results: readonly Measured[]): string {
  const measured = (line: LineName, shaper: ShaperName): string => {
    const share = shaper === 'none' ? 1 : OVERVIEW.share;
    const point = results.find(
      (each) =>
        each.line === line && each.load === OVERVIEW.load && each.shaper === shaper && each.share === share,
    );
    if (point === undefined) return 'not measured';
    const { pingMs, downBitPerSec } = point.figures;
    return `${pingMs.mean.toFixed(pingMs.mean < 100 ? 1 : 0)} ms, ${(downBitPerSec / 1e6).toFixed(2)} Mbit/s`;
  };
  const head = ['told 97.5 %', ...LINE_NAMES.map((line) => LINES[line].title.split(',')[0] ?? line)];
  const rows = SHAPER_NAMES.map((shaper) => [
    SHAPERS[shaper].title,
    ...LINE_NAMES.map((line) => measured(line, shaper)),
  ]);
  return `${markdown(head, rows)}\n`;
}

function markdown(head: readonly string[], rows: readonly string[][]): string {
  const cells = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map(cells).join('\n');
}

function row({ shaper, share, figures }: Measured): string[] {
  const { pingMs, voipUpMs, voipDownMs, echoMs } = figures;
  const pair = ({ p50, p99 }: { p50: number; p99: number }): string => `${p50.toFixed(0)}/${p99.toFixed(0)}`;
  return [
    SHAPERS[shaper].title,
    (share * 100).toFixed(1),
    pingMs.mean.toFixed(0),
    pingMs.p50.toFixed(0),
    pingMs.p99.toFixed(0),
    (figures.pingLost * 100).toFixed(0),
    (figures.downBitPerSec / 1000).toFixed(0),
    (figures.upBitPerSec / 1000).toFixed(0),
    pair(voipUpMs),
    pair(voipDownMs),
    (figures.voipLost * 100).toFixed(1),
    pair(echoMs),
    figures.pageMs.toFixed(0),
    (figures.idle * 100).toFixed(0),
  ];
}
