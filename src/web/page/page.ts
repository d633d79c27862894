/** The page: what it is told once a second, and what it asks for when a device is chosen. */
import type { DevicesJson, SampleEvent } from '../answers/answers.ts';
import type { HistoryJson } from '../feed/history.ts';
import type { DecisionLine } from '../feed/snapshot.ts';
import { showChanges } from './changes.ts';
import { byId, byIdOf, element, setText } from './dom.ts';
import { showFigures } from './figures.ts';
import { Plots, type Range } from './plots.ts';
import { readReports, showReports } from './reports.ts';

const SECONDS_KEPT_MS = 600_000;
/** Minutes come from the server alone. */
const HISTORY_EVERY_MS = 60_000;

const select = byIdOf('device', HTMLSelectElement);
const plots = new Plots();
let last: SampleEvent | undefined;
let history: HistoryJson | undefined;
let historyMs = -Infinity;
let stream: EventSource | undefined;

const chosen = (): string => select.value;
const range = (): Range =>
  (document.querySelector<HTMLInputElement>('input[name=range]:checked')?.value ?? 'minutes') as Range;

function showConnection(text: string, kind: string): void {
  const pill = byId('connection');
  setText(pill, text);
  pill.className = `pill ${kind}`;
}

function showDevices(names: readonly string[]): void {
  const before = [...select.options].map(({ value }) => value);
  if (before.join('\n') !== names.join('\n')) {
    const wanted = chosen() || decodeURIComponent(location.hash.slice(1));
    select.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    if (names.includes(wanted)) select.value = wanted;
  }
  byId('device-choice').hidden = names.length < 2;
  setText(byId('device-name'), chosen());
  document.title = chosen() === '' ? 'inetgw' : `${chosen()} – inetgw`;
}

function showSample(): void {
  if (last === undefined) return;
  showDevices(last.devices.map(({ device }) => device));
  const mine = last.devices.find(({ device }) => device === chosen());
  showChanges(last.changes, mine);
  showReports(chosen());
  const empty = byId('empty');
  const why = mine === undefined ? 'No device is set up: inetgw DEV UP DOWN sets one up.' : mine.error;
  empty.hidden = why === null;
  setText(empty, why ?? '');
  if (mine?.figures == null) {
    byId('figures').hidden = true;
    byId('conditions-card').hidden = true;
    const standing = byId('standing');
    setText(standing, mine?.paused == null ? '' : 'paused');
    standing.className = 'pill warning';
    return;
  }
  showFigures(mine.figures, mine.following);
  if (history?.device !== mine.device || performance.now() - historyMs > HISTORY_EVERY_MS) void readHistory();
}

/** What the server adds to its history with the same sample. */
function append({ atMs, devices }: SampleEvent): void {
  const mine = devices.find(({ device }) => device === history?.device);
  if (history === undefined || mine?.figures == null || (history.seconds.atMs.at(-1) ?? 0) >= atMs) return;
  const { seconds } = history;
  const { line, overMs } = mine.figures;
  seconds.atMs.push(atMs);
  seconds.overMs.push(overMs ?? 0);
  for (const name of ['up', 'down'] as const) {
    seconds[`${name}BitPerSec`].push(line?.[name].nowBitPerSec ?? null);
    seconds[`${name}SetBitPerSec`].push(
      mine.following?.[name]?.bitPerSec ?? line?.[name].setBitPerSec ?? null,
    );
  }
  seconds.rttMs.push(line?.pacing?.rttMs ?? null);
  const old = seconds.atMs.findIndex((each) => atMs - each <= SECONDS_KEPT_MS);
  for (const column of Object.values(seconds)) column.splice(0, old);
}

async function readHistory(): Promise<void> {
  const device = chosen();
  historyMs = performance.now();
  const answer = await fetch(`api/v1/history/${encodeURIComponent(device)}`).catch(() => undefined);
  if (answer?.ok !== true || device !== chosen()) return;
  history = (await answer.json()) as HistoryJson;
  showHistory();
}

function showHistory(): void {
  if (history === undefined) return;
  if (!byId('figures').hidden) plots.show(history, range());
  showDecisions(history);
}

let shownDecisions = '';

function showDecisions({ device, decisions }: HistoryJson): void {
  const key = `${device} ${String(decisions.at(-1)?.atMs)} ${String(decisions.length)}`;
  if (key === shownDecisions) return;
  shownDecisions = key;
  const texts = decisions.toReversed().map(({ atMs, text }) => {
    const at = new Date(atMs);
    const clock = at.toLocaleTimeString('en-GB', { hourCycle: 'h23' });
    return element('li', {}, element('time', { datetime: at.toISOString() }, clock), ` ${text}`);
  });
  byId('decisions').replaceChildren(
    ...(texts.length === 0 ? [element('li', {}, 'No change so far.')] : texts),
  );
}

function open(): void {
  stream?.close();
  stream = new EventSource('events');
  stream.addEventListener('open', () => {
    showConnection('live', 'good');
    // What happened meanwhile is not known here.
    historyMs = -Infinity;
    void readReports();
  });
  stream.addEventListener('reports', () => void readReports());
  stream.addEventListener('error', () => {
    showConnection('no connection, it is tried again', 'bad');
  });
  stream.addEventListener('sample', ({ data }: MessageEvent<string>) => {
    last = JSON.parse(data) as SampleEvent;
    append(last);
    showSample();
    showHistory();
  });
  stream.addEventListener('decision', ({ data }: MessageEvent<string>) => {
    const { device, atMs, text } = JSON.parse(data) as DecisionLine;
    if (history?.device !== device) return;
    history.decisions.push({ atMs, text });
    showDecisions(history);
  });
}

select.addEventListener('change', () => {
  location.replace(`#${encodeURIComponent(chosen())}`);
  history = undefined;
  showSample();
});
byId('ranges').addEventListener('change', showHistory);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showHistory);
// Nobody looks: the gateway then has less to read.
document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    stream?.close();
    showConnection('paused while hidden', '');
  } else open();
});

/** Where the stream cannot be had, as behind a proxy that holds it back, the devices are at least there. */
async function begin(): Promise<void> {
  const answer = await fetch('api/v1/devices').catch(() => undefined);
  if (answer?.ok === true && last === undefined)
    showDevices(((await answer.json()) as DevicesJson).devices.map(({ device }) => device));
}

open();
void begin();
