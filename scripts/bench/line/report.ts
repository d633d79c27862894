/** Measured points as tables: plain text for the terminal, Markdown for the document. Pure. */
import { table } from '../../../src/report/table.ts';
import { LINES, type LineName } from './lines.ts';
import { LOADS, type LoadName } from './points.ts';
import type { Measured } from './results.ts';
import { SHAPERS } from './shapers.ts';

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
  const cells = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;
  const rule = HEAD.map((_, column) => (column === 0 ? '---' : '---:'));
  return [HEAD, rule, ...points.map(row)].map(cells).join('\n');
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
