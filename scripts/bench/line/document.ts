/**
 * Writes what has been measured into docs/benchmarks.md (one table) and docs/benchmarks/LINE.md (all of a line), between
 * their marks, with a plot for each line and load: `npm run bench:document`. Measures nothing.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { linearScale, logScale } from '../../../src/report/plot/scale.ts';
import type { ChartSeries } from '../../../src/report/plot/svg.ts';
import { standaloneSvg } from '../../standaloneSvg.ts';
import { LINE_NAMES, LINES } from './lines.ts';
import { LOAD_NAMES, LOADS } from './points.ts';
import { groupsOf, markdownTable, overviewTable, type Group } from './report.ts';
import { readResults, RESULTS_FILE, type Measured } from './results.ts';
import { SHAPER_NAMES, SHAPERS, type ShaperName } from './shapers.ts';

const OVERVIEW = new URL('../../../docs/benchmarks.md', import.meta.url);
const FOLDER = new URL('../../../docs/benchmarks/', import.meta.url);
const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

const COLOURS: Readonly<Record<ShaperName, string>> = {
  none: '#777777',
  classic: '#8d6e63',
  sqm: '#00838f',
  cake: '#b58900',
  'cake-ingress': '#d9730d',
  'cake-best': '#b3261e',
  cascade: '#6aa5e8',
  paced: '#1f3fbf',
};

/** A curve for each shaper but none, over what it was told. */
function seriesOf(points: readonly Measured[], loadedIsUp: boolean): ChartSeries[] {
  return SHAPER_NAMES.flatMap((shaper): ChartSeries[] => {
    const own = points.filter((point) => point.shaper === shaper && point.shaper !== 'none');
    if (own.length === 0) return [];
    return [
      {
        name: SHAPERS[shaper].title,
        className: shaper,
        kind: 'curve',
        points: own.map(({ share, figures }) => ({
          x: (loadedIsUp ? figures.upBitPerSec : figures.downBitPerSec) / 1000,
          y: figures.pingMs.mean,
          title: `${SHAPERS[shaper].title}, told ${(share * 100).toFixed(1)} % of the raw rate`,
        })),
      },
    ];
  });
}

/** Answer time over user data; lower and further to the right is better. */
function plot({ line, load, points }: Group): string {
  const loadedIsUp = load.startsWith('up');
  const series = seriesOf(points, loadedIsUp);
  const all = series.flatMap((each) => each.points);
  const xs = all.map(({ x }) => x);
  const ys = all.map(({ y }) => y);
  const title = `${LINES[line].title}; ${LOADS[load].title}`;
  return standaloneSvg(
    {
      id: `${line}-${load}`,
      title,
      description: 'Average answer time over user data, a curve for each shaper over the rate it was told.',
      width: 760,
      height: 380,
      x: linearScale(Math.min(...xs), Math.max(...xs), 6),
      y: logScale(Math.min(...ys) * 0.9, Math.max(...ys) * 1.1),
      xLabel: `user data ${loadedIsUp ? 'up' : 'down'}, kbit/s`,
      yLabel: `answer time, ms: ${title}`,
      formatX: String,
      formatY: String,
      series,
    },
    { colours: COLOURS, legendAt: (index) => ({ x: 76, y: 44 + index * 18 }) },
  );
}

/** The part of a line's page for one load; draws its plot. */
async function section(group: Group): Promise<string> {
  const { line, load, points } = group;
  const name = `${line}-${load}.svg`;
  const drawable = points.some(({ shaper }) => shaper !== 'none');
  if (drawable) await writeFile(new URL(name, FOLDER), plot(group));
  const image = drawable ? `![Answer time over user data](${name})\n\n` : '';
  const command = `npm run bench -- --line ${line} --load ${load}`;
  return `## ${LOADS[load].title}\n\n\`${command}\`\n\n${image}${markdownTable(points)}\n`;
}

async function writeBetweenMarks(document: URL, written: string): Promise<void> {
  const text = await readFile(document, 'utf8');
  const before = text.slice(0, text.indexOf(BEGIN) + BEGIN.length);
  const whole = `${before}\n\n${written}\n${text.slice(text.indexOf(END))}`;
  await writeFile(document, await format(whole, { filepath: fileURLToPath(document), printWidth: 110 }));
}

async function main(): Promise<void> {
  const results = [...(await readResults(RESULTS_FILE)).values()].sort(
    (a, b) => SHAPER_NAMES.indexOf(a.shaper) - SHAPER_NAMES.indexOf(b.shaper) || a.share - b.share,
  );
  const groups = groupsOf(results).sort((a, b) => LOAD_NAMES.indexOf(a.load) - LOAD_NAMES.indexOf(b.load));
  for (const line of LINE_NAMES) {
    const own = groups.filter((group) => group.line === line);
    const sections = await Promise.all(own.map(section));
    await writeBetweenMarks(new URL(`${line}.md`, FOLDER), sections.join('\n'));
  }
  await writeBetweenMarks(OVERVIEW, overviewTable(results));
}

await main();
