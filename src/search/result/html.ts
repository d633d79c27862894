/** The report of a bandwidth search: one page that needs nothing else, on screen in light and dark and on paper. */
import type { ResultDirection, ResultLine, SearchResult } from './result.ts';
import { counted, formatDuration, formatRate, kbit } from '../../core/units.ts';
import { PAGE_STYLE } from './pageStyle.ts';
import { linearScale, logScale, type Scale } from '../../report/plot/scale.ts';
import { chart, escapeXml as text, type ChartSeries } from '../../report/plot/svg.ts';

const CHART = { width: 900, timeHeight: 400, dataHeight: 280 };
/** More dots than this only make the page heavy; every sample stays in the data at its end. */
const MOST_DOTS = 4000;

/** The whole page. Everything that came from outside is escaped. */
export function reportPage(result: SearchResult): string {
  const { line } = result;
  const title = `Bandwidth of ${line.device}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${text(title)}</h1>
<p class="soft">Measured by searchbw ${text(result.tool.version)} on ${text(readableTime(result.startedAt))}, pinging ${text(result.pingHost.address)}</p>
${answerBox(result)}
${result.directions.map((direction) => directionSection(direction, result)).join('\n')}
${environment(result)}
<script type="application/json" id="result">${embeddedJson(result)}</script>
</body>
</html>
`;
}

/** JSON inside a script element: `<` is written so that no end tag can appear in it. */
function embeddedJson(result: SearchResult): string {
  return JSON.stringify(result).replaceAll('<', '\\u003c');
}

function readableTime(iso: string): string {
  return iso.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}

function nameOf(direction: ResultDirection): string {
  return direction.direction === 'down' ? 'Download' : 'Upload';
}

function answerBox(result: SearchResult): string {
  const values = result.directions.map((direction) => {
    const { recommendedBitPerSec: rate } = direction;
    return rate === null
      ? `<p><strong>${nameOf(direction)}: no value can be recommended</strong></p>`
      : `<p><strong>${nameOf(direction)}: ${kbit(rate)} kbit/s</strong> <span class="soft">recommended raw rate</span></p>`;
  });
  const pacing = result.directions.flatMap((direction) =>
    direction.pacing === null ? [] : [`<p>Window pacing: ${text(direction.pacing.text)}</p>`],
  );
  const warnings = result.directions.flatMap((direction) =>
    direction.warnings.map(
      (warning) =>
        `<p class="warning"><b>Warning (${nameOf(direction).toLowerCase()}):</b> ${text(warning.text)}</p>`,
    ),
  );
  const commands = [
    ...(result.inetgwCommand === null ? [] : [`<p>To use it:</p><pre>${text(result.inetgwCommand)}</pre>`]),
    ...result.directions.flatMap(({ nextCommand }) =>
      nextCommand === null ? [] : [`<p>To measure in detail:</p><pre>${text(nextCommand)}</pre>`],
    ),
  ];
  const none = result.directions.every(({ recommendedBitPerSec }) => recommendedBitPerSec === null);
  return `<section class="answer${none ? ' none' : ''}">${[...values, ...pacing, ...warnings, ...commands].join('\n')}</section>`;
}

function directionSection(direction: ResultDirection, result: SearchResult): string {
  const shaped = direction.lines.filter((line) => line.rateBitPerSec !== null);
  const paced = direction.pacing?.lines ?? [];
  const charts =
    shaped.length === 0
      ? ''
      : `${timeFigure(direction, shaped, paced, result)}${dataFigure(direction, shaped, paced)}`;
  const reasoning =
    direction.reasoning.length === 0
      ? ''
      : `<h3>How the value was found</h3><ol>${direction.reasoning.map((step) => `<li>${text(step)}</li>`).join('')}</ol>`;
  return `<section>
<h2>${nameOf(direction)}</h2>
${charts}
${reasoning}
<h3>Every measurement</h3>
<div class="scroll">${table(direction, direction.lines)}</div>
${paced.length === 0 ? '' : `<h3>With window pacing</h3><div class="scroll">${table(direction, paced)}</div>`}
</section>`;
}

function rateOf(line: ResultLine): number {
  return line.rateBitPerSec ?? 0;
}

function xScale(lines: readonly ResultLine[]): Scale {
  const rates = lines.map(rateOf);
  const low = Math.min(...rates);
  const high = Math.max(...rates);
  // A little air, so that the first and last point do not sit on the edge.
  const air = Math.max((high - low) * 0.04, high * 0.005);
  return linearScale(low - air, high + air, 8, false);
}

/** A dot for each answer. */
function pingDots(lines: readonly ResultLine[]): ChartSeries['points'] {
  const spreadPx = Math.min(24, (CHART.width * 0.5) / new Set(lines.map(rateOf)).size);
  return lines.flatMap((line) =>
    line.samples.flatMap(({ rttMs }, index) =>
      rttMs === null
        ? []
        : [
            {
              x: rateOf(line),
              y: Math.max(0.1, rttMs),
              // Spread in the order of sending, so that they do not hide each other and a trend shows.
              shiftPx: (index / line.samples.length - 0.5) * spreadPx,
              ...(line.verdict === 'invalid' ? { className: 'off' } : {}),
            },
          ],
    ),
  );
}

const isValid = ({ verdict }: ResultLine): boolean => verdict !== 'invalid';

/** One answer time of each line that has any. */
function timePoints(lines: readonly ResultLine[], pick: 'avg' | 'p95'): ChartSeries['points'] {
  return lines.flatMap((line) => {
    const { rtt } = line.figures;
    if (rtt === null) return [];
    const title = `${kbit(rateOf(line))} kbit/s: ${rtt[pick].toFixed(1)} ms ${pick === 'avg' ? 'on average' : '95th percentile'}`;
    return [{ x: rateOf(line), y: rtt[pick], title }];
  });
}

/** Of any number of values: as many arguments as an hour has pings no function takes. */
const endsOf = (values: readonly number[]): [least: number, most: number] =>
  values.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Infinity, -Infinity],
  );

function timeFigure(
  direction: ResultDirection,
  lines: readonly ResultLine[],
  paced: readonly ResultLine[],
  result: SearchResult,
): string {
  const valid = lines.filter(isValid);
  const samples = pingDots(lines);
  const thin = Math.ceil(samples.length / MOST_DOTS);
  const invalid = timePoints(
    lines.filter((line) => !isValid(line)),
    'avg',
  ).map((point) => ({ ...point, className: 'off' }));
  const limit = result.limits.maxRttMs;
  const pacedTimes = timePoints(paced.filter(isValid), 'avg');
  const values = [...samples.map(({ y }) => y), ...pacedTimes.map(({ y }) => y), limit];
  const { recommendedBitPerSec: recommended } = direction;
  const svg = chart({
    id: `time-${direction.direction}`,
    title: `Answer time over ${nameOf(direction).toLowerCase()} bandwidth`,
    description: describeTimes(direction, valid, limit),
    width: CHART.width,
    height: CHART.timeHeight,
    x: xScale([...lines, ...paced]),
    y: logScale(...endsOf(values)),
    yLabel: 'answer time in ms (logarithmic)',
    xLabel: `${nameOf(direction).toLowerCase()} bandwidth set, kbit/s`,
    formatX: kbit,
    formatY: (value) => String(value),
    series: [
      {
        name: 'single pings',
        className: 'samples',
        kind: 'dots',
        points: samples.filter((_, index) => index % thin === 0),
      },
      { name: '95th percentile', className: 'p95', kind: 'curve', points: timePoints(valid, 'p95') },
      { name: 'average', className: 'time', kind: 'curve', points: timePoints(valid, 'avg') },
      { name: 'not valid', className: 'time', kind: 'dots', points: invalid },
      { name: 'with window pacing', className: 'paced', kind: 'curve', points: pacedTimes },
    ],
    horizontal: { y: limit, label: `limit ${limit} ms` },
    ...(recommended === null
      ? {}
      : { vertical: { x: recommended, label: `${kbit(recommended)} recommended` } }),
  });
  return figure(
    svg,
    timeLegend(invalid.length > 0, pacedTimes.length > 0),
    'Answer time while the line is full. Below the raw rate the queue is in this gateway, above it in the modem.',
  );
}

function timeLegend(hasInvalid: boolean, hasPaced: boolean): Parameters<typeof figure>[1] {
  return [
    ['time', 'average answer time'],
    ['p95', '95th percentile'],
    ['samples', 'single pings, in the order they were sent'],
    ...(hasInvalid ? [['off', 'not valid, measured again'] as const] : []),
    ...(hasPaced ? [['paced', 'average with window pacing'] as const] : []),
  ];
}

function describeTimes(direction: ResultDirection, lines: readonly ResultLine[], limitMs: number): string {
  const parts = lines.map(
    (line) => `${kbit(rateOf(line))} kbit/s ${line.figures.rtt?.avg.toFixed(0) ?? '?'} ms`,
  );
  const recommended =
    direction.recommendedBitPerSec === null ? 'none' : `${kbit(direction.recommendedBitPerSec)} kbit/s`;
  return `Average answer times: ${parts.join(', ')}. Limit ${limitMs} ms. Recommended: ${recommended}.`;
}

function dataFigure(
  direction: ResultDirection,
  lines: readonly ResultLine[],
  paced: readonly ResultLine[],
): string {
  const points = (pick: 'downBitPerSec' | 'upBitPerSec', of = lines): ChartSeries['points'] =>
    of
      .filter(({ verdict }) => verdict !== 'invalid')
      .map((line) => ({
        x: rateOf(line),
        y: line.figures[pick],
        title: `${kbit(rateOf(line))} kbit/s set: ${formatRate(line.figures[pick])} of user data ${pick === 'downBitPerSec' ? 'down' : 'up'}`,
      }));
  const down = points('downBitPerSec');
  const up = points('upBitPerSec');
  const pacedDown = points('downBitPerSec', paced);
  const most = Math.max(1000, ...[...down, ...up, ...pacedDown].map(({ y }) => y));
  const { recommendedBitPerSec: recommended } = direction;
  const svg = chart({
    id: `data-${direction.direction}`,
    title: `User data over ${nameOf(direction).toLowerCase()} bandwidth`,
    description: `User data down and up, in kbit/s. Highest: ${formatRate(most)}.`,
    width: CHART.width,
    height: CHART.dataHeight,
    x: xScale([...lines, ...paced]),
    y: linearScale(0, most, 4),
    yLabel: 'user data in kbit/s',
    xLabel: `${nameOf(direction).toLowerCase()} bandwidth set, kbit/s`,
    formatX: kbit,
    formatY: kbit,
    series: [
      { name: 'down', className: 'down', kind: 'curve', points: down },
      { name: 'up', className: 'up', kind: 'curve', points: up },
      { name: 'down with window pacing', className: 'paced', kind: 'curve', points: pacedDown },
    ],
    ...(recommended === null ? {} : { vertical: { x: recommended, label: '' } }),
  });
  return figure(
    svg,
    [
      ['down', 'user data down'],
      ['up', 'user data up'],
      ...(pacedDown.length > 0 ? [['paced', 'user data down with window pacing'] as const] : []),
    ],
    'User data as the device counts it (IP packets), over the same time. It is less than the bandwidth set by what framing costs.',
  );
}

function figure(svg: string, key: readonly (readonly [string, string])[], caption: string): string {
  const items = key.map(([name, label]) => `<li class="${name}"><i></i><span>${text(label)}</span></li>`);
  return `<figure>${svg}<ul class="key">${items.join('')}</ul><figcaption>${text(caption)}</figcaption></figure>`;
}

function table(direction: ResultDirection, lines: readonly ResultLine[]): string {
  const head = [
    'kbit/s',
    'min',
    'avg',
    'median',
    'p95',
    'max ms',
    'pings',
    'lost',
    'down',
    'up kbit/s',
    'verdict',
  ];
  const rows = lines.map((line) => {
    const { figures, rateBitPerSec } = line;
    const { rtt } = figures;
    const best =
      rateBitPerSec !== null && rateBitPerSec === direction.recommendedBitPerSec && line.verdict === 'good';
    const ms = [rtt?.min, rtt?.avg, rtt?.median, rtt?.p95, rtt?.max].map((value) => value?.toFixed(1) ?? '–');
    const cells = [
      rateBitPerSec === null ? 'unshaped' : kbit(rateBitPerSec),
      ...ms,
      String(figures.sent),
      String(figures.lost),
      (figures.downBitPerSec / 1000).toFixed(0),
      (figures.upBitPerSec / 1000).toFixed(0),
      [line.verdictText, ...line.remarks].join(', ') + (best ? ' – recommended' : ''),
    ];
    const className = best ? ' class="best"' : line.verdict === 'invalid' ? ' class="invalid"' : '';
    return `<tr${className}>${cells.map((cell) => `<td>${text(cell)}</td>`).join('')}</tr>`;
  });
  return `<table><thead><tr>${head.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function environment(result: SearchResult): string {
  const { line, pingHost, limits, load } = result;
  const elapsedMs = Date.parse(result.finishedAt) - Date.parse(result.startedAt);
  const how = { given: 'as given', peer: 'the PPP peer', router: 'a router on the way' }[pingHost.how];
  const other = result.directions.map(
    ({ direction, otherBitPerSec }) =>
      `${direction === 'down' ? 'up' : 'down'} ${otherBitPerSec === null ? 'unshaped' : `${kbit(otherBitPerSec)} kbit/s`} while measuring ${direction}`,
  );
  const urls = [...load.downloadUrls, ...load.uploadUrls];
  const entries: [string, string][] = [
    ['Device', `${line.device} (${line.kind}), MTU ${line.mtuBytes}`],
    ['Framing', line.framing],
    ['Other direction', other.join('; ')],
    [
      'Ping host',
      `${pingHost.address} (${how}${pingHost.hops === undefined ? '' : `, hop ${pingHost.hops}`})`,
    ],
    ['Pings', `one every ${result.pingIntervalMs} ms`],
    [
      'Acceptable',
      `below ${limits.maxRttMs} ms on average, at most ${Number((limits.maxLossShare * 100).toFixed(2))} % lost`,
    ],
    [
      'Load',
      urls.length === 0 ? "the user's own" : `${urls.join(', ')} (${counted(load.streams, 'stream')} each)`,
    ],
    [
      'Begun, ended',
      `${readableTime(result.startedAt)}, ${readableTime(result.finishedAt)}${elapsedMs > 0 ? ` (${formatDuration(elapsedMs)})` : ''}`,
    ],
    ['Kernel', line.kernel],
    [
      'Versions',
      [
        `searchbw ${result.tool.version}`,
        `node ${result.tool.node}`,
        ...Object.entries(line.versions).map(([name, version]) => `${name} ${version}`),
      ].join(', '),
    ],
  ];
  const list = entries.map(([name, value]) => `<dt>${name}</dt><dd>${text(value)}</dd>`).join('');
  return `<section><h2>Where and how</h2><dl>${list}</dl>
<p class="soft">The raw samples are in this page as JSON (element <code>#result</code>); <code>searchbw show</code> reads this file too.</p></section>`;
}
