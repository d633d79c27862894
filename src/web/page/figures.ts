/** The figures of this moment: bars, tables, conditions. */
import { counted, formatRate, formatSize } from '../../core/units.ts';
import type { Figures, LineFigures } from '../../report/watch/figures.ts';
import { hostName } from '../../report/statistics/hostName.ts';
import type { FollowingStatistics } from '../../report/statistics/following.ts';
import { ms } from '../../report/watch/amounts.ts';
import type { PingFigures } from '../../report/watch/pings.ts';
import { byId, byIdOf, element, fillTable, setText } from './dom.ts';

const DIRECTIONS = ['down', 'up'] as const;
type Direction = (typeof DIRECTIONS)[number];

export const rateText = (bitPerSec: number | null): string =>
  bitPerSec === null ? '–' : formatRate(Math.round(bitPerSec));
const numberText = (value: number | null): string =>
  value === null
    ? '–'
    : value < 10
      ? String(Number(value.toFixed(1)))
      : Math.round(value).toLocaleString('en');

interface Bar {
  now: HTMLElement;
  of: HTMLElement;
  meter: HTMLElement;
  bar: HTMLElement;
}

const bars = new Map<Direction, Bar>();

function barOf(direction: Direction): Bar {
  const known = bars.get(direction);
  if (known !== undefined) return known;
  const name = element('span', { id: `${direction}-name` }, direction === 'down' ? 'Down' : 'Up');
  const made = {
    now: element('b'),
    of: element('span', { class: 'quiet' }),
    bar: element('div', { class: 'bar' }),
    meter: element('div', {
      ...{ class: 'track', role: 'meter', 'aria-labelledby': `${direction}-name` },
      ...{ 'aria-valuemin': '0', 'aria-valuemax': '100' },
    }),
  };
  made.meter.append(made.bar);
  byId('rates').append(
    element('div', { class: `rate ${direction}` }, element('p', {}, name, made.now, made.of), made.meter),
  );
  bars.set(direction, made);
  return made;
}

function showRates(line: LineFigures, following: FollowingStatistics | null): void {
  for (const direction of DIRECTIONS) {
    const { setBitPerSec, nowBitPerSec, isEstimated } = line[direction];
    const inForce = following?.[direction]?.bitPerSec ?? setBitPerSec;
    const share = nowBitPerSec === null ? null : nowBitPerSec / inForce;
    const percent = share === null ? '–' : `${Math.round(share * 100)} %`;
    const { now, of, meter, bar } = barOf(direction);
    setText(now, `${isEstimated && share !== null ? '~' : ''}${rateText(nowBitPerSec)}`);
    const wasSet = inForce === setBitPerSec ? '' : `, set up: ${rateText(setBitPerSec)}`;
    setText(of, `of ${rateText(inForce)}, ${percent}${wasSet}`);
    const shown = Math.round(Math.min(1, Math.max(0, share ?? 0)) * 100);
    bar.style.width = `${shown}%`;
    meter.setAttribute('aria-valuenow', String(shown));
    meter.setAttribute('aria-valuetext', `${rateText(nowBitPerSec)} of ${rateText(inForce)}, ${percent}`);
  }
}

function showClasses({ classes }: LineFigures): void {
  fillTable(
    byIdOf('classes', HTMLTableElement),
    ['Class', 'At least', 'Now', 'Waiting', 'Drops/s'],
    classes.map((row) => ({
      head: row.class,
      cells: [
        rateText(row.guaranteedBitPerSec),
        rateText(row.nowBitPerSec),
        `${numberText(row.backlogPackets)} (${formatSize(row.backlogBytes)})`,
        numberText(row.droppedPerSec),
      ],
    })),
  );
}

const STAGES = {
  1: 'above 98 %: marked',
  2: 'above 99 %: large dropped',
  3: 'above 100 %: dropped',
} as const;

const msText = (value: number | null): string => (value === null ? '–' : ms(value));

function pingFacts({ host, nowMs, p50Ms, mostMs, reason }: PingFigures): [string, string][] {
  if (reason !== null) return [['Pings to the next hop', `none: ${reason}`]];
  if (host === null) return [['Pings to the next hop', 'it is looked for']];
  return [
    [`Ping to ${host}`, nowMs === null ? 'no answer' : msText(nowMs)],
    ['Ping in 10 s: half, at most', `${msText(p50Ms)}, ${msText(mostMs)}`],
  ];
}

function showIngress({ stages, queue, pacing }: LineFigures, ping: PingFigures | null): void {
  const table = byIdOf('stages', HTMLTableElement);
  table.hidden = stages === null;
  fillTable(
    table,
    ['Stage', 'Seen/s', 'Excess/s', 'Drops/s'],
    (stages ?? []).map((row) => ({
      head: STAGES[row.stage],
      cells: [row.seenPerSec, row.excessPerSec, row.droppedPerSec].map(numberText),
    })),
  );
  const facts: [string, string][] = [];
  if (queue !== null) {
    const waiting = `${counted(numberText(queue.backlogPackets), 'packet')} (${formatSize(queue.backlogBytes)})`;
    facts.push([pacing === null ? 'Waiting in the queue' : 'Waiting in the local queue', waiting]);
    facts.push([
      'Passed/s, dropped/s',
      `${numberText(queue.passedPerSec)}, ${numberText(queue.droppedPerSec)}`,
    ]);
  }
  if (pacing !== null) {
    facts.push(['Flows paced', numberText(pacing.activeFlows)]);
    facts.push(['Windows lowered/s', numberText(pacing.loweredPerSec)]);
    facts.push([
      'Path, without its queues',
      pacing.rttMs === null ? 'none so far' : `${pacing.rttMs.toFixed(1)} ms`,
    ]);
  }
  if (ping !== null) facts.push(...pingFacts(ping));
  const list = byId('queue');
  const texts = facts.flat();
  if (list.childElementCount === texts.length)
    for (const [n, child] of [...list.children].entries()) setText(child as HTMLElement, texts[n] ?? '');
  else
    list.replaceChildren(
      ...facts.flatMap(([term, text]) => [element('dt', {}, term), element('dd', {}, text)]),
    );
}

/** More of them are in the API. */
const MOST_HOSTS = 20;

function showHosts({ hosts }: LineFigures): void {
  byId('hosts-card').hidden = hosts === null || hosts.length === 0;
  fillTable(
    byIdOf('hosts', HTMLTableElement),
    ['Host', 'Down', 'Up', 'Active', 'Answers p50', 'p95'],
    (hosts ?? []).slice(0, MOST_HOSTS).map((row) => ({
      head: hostName(row),
      cells: [
        rateText(row.downBitPerSec),
        rateText(row.upBitPerSec),
        `${row.activeFlows} of ${row.flows}`,
        ...[row.answers?.p50Ms, row.answers?.p95Ms].map((ms) =>
          typeof ms === 'number' ? `${Math.round(ms)} ms` : '–',
        ),
      ],
    })),
  );
}

let shownConditions = '';

function showConditions({ conditions }: Figures): void {
  byId('conditions-card').hidden = conditions.length === 0;
  const text = JSON.stringify(conditions);
  if (text === shownConditions) return;
  shownConditions = text;
  byId('conditions').replaceChildren(
    ...conditions.map(({ severity, text: what, remedy, id }) =>
      element('li', {}, element('strong', { class: severity }, severity), ` ${what}; ${remedy} [${id}]`),
    ),
  );
}

/** Why followed rates are what they are at the moment. */
function showFollowing(following: FollowingStatistics | null): void {
  byId('decisions-card').hidden = following === null;
  if (following === null) return;
  const parts = DIRECTIONS.flatMap((direction) => {
    const { leastBitPerSec, mostBitPerSec } = following.limits[direction];
    if (leastBitPerSec === mostBitPerSec) return [];
    const now = following[direction];
    const state = now === undefined ? '' : `: ${rateText(now.bitPerSec)} now (${now.phase})`;
    return [`${direction} within ${rateText(leastBitPerSec)} and ${rateText(mostBitPerSec)}${state}`];
  });
  setText(
    byId('following'),
    `${parts.join('; ')}${following.pid === null ? '; nobody follows the line at the moment' : ''}`,
  );
}

export function showFigures(figures: Figures, following: FollowingStatistics | null): void {
  const { line, isWhole } = figures;
  const standing = byId('standing');
  setText(standing, isWhole ? 'in force' : line === null ? 'not in force' : 'not all in force');
  standing.className = `pill ${isWhole ? 'good' : 'bad'}`;
  showConditions(figures);
  byId('figures').hidden = line === null;
  if (line === null) return;
  showRates(line, following);
  showClasses(line);
  showIngress(line, figures.ping);
  showHosts(line);
  showFollowing(following);
  const since = new Date(line.since).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
  const reckoned = line.down.isEstimated ? '; ~ is reckoned from bytes and packets' : '';
  setText(
    byId('foot'),
    `${line.framing}, set up ${since}. Rates are those of the line, framing included${reckoned}. The path: the least round trip of late of the download that was paced last.`,
  );
}
