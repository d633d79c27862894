/**
 * What can be changed, where the service allows it: asked once more with what will be done, the token asked for once and kept for
 * this tab alone.
 */
import { formatRate, parseRateBitPerSec, rateAdvice } from '../../core/units.ts';
import type { ChangedJson, SampleEvent } from '../answers/answers.ts';
import type { ChangeWord } from '../feed/change.ts';
import { byId, byIdOf, setText } from './dom.ts';

type DeviceSample = SampleEvent['devices'][number];
type Rates = Record<'up' | 'down', number>;

interface Wish {
  device: string;
  word: ChangeWord;
  body: Readonly<Record<string, unknown>>;
  /** What will be done, for a person. */
  title: string;
  text: string;
}

const TOKEN_KEY = 'inetgw-change-token';
const DIRECTIONS = ['up', 'down'] as const;

const dialog = byIdOf('confirm', HTMLDialogElement);
const tokenInput = byIdOf('token', HTMLInputElement);
const confirmButton = byIdOf('confirm-yes', HTMLButtonElement);
const inputOf = (direction: 'up' | 'down'): HTMLInputElement => byIdOf(`rate-${direction}`, HTMLInputElement);

let shown: DeviceSample | undefined;
let wish: Wish | undefined;
/** One is on its way: whoever closes its dialog is told of its answer below, and asks for the next one after that. */
let isMaking = false;

/** What is set up, or will be again; undefined: nothing. */
function ratesOf({ figures, paused }: DeviceSample): Rates | undefined {
  if (paused !== null) return { up: paused.upBitPerSec, down: paused.downBitPerSec };
  const line = figures?.line;
  return line == null ? undefined : { up: line.up.setBitPerSec, down: line.down.setBitPerSec };
}

/** With each sample; what is typed stays as it is. */
export function showChanges(allowed: boolean, mine: DeviceSample | undefined): void {
  const rates = mine === undefined ? undefined : ratesOf(mine);
  byId('changes-card').hidden = !allowed || rates === undefined;
  if (mine?.device !== shown?.device) {
    for (const direction of DIRECTIONS) inputOf(direction).value = '';
    tell('', '');
  }
  shown = mine;
  if (mine === undefined || rates === undefined) return;
  for (const direction of DIRECTIONS) inputOf(direction).placeholder = formatRate(rates[direction]);
  byId('change-rates').hidden = mine.paused !== null;
  byId('change-pause').hidden = mine.paused !== null;
  byId('resume').hidden = mine.paused === null;
  setText(byId('paused'), mine.paused === null ? '' : pausedText(mine.paused));
}

function pausedText({ untilMs }: NonNullable<DeviceSample['paused']>): string {
  const until =
    untilMs === null
      ? 'until it is resumed'
      : `until ${new Date(untilMs).toLocaleTimeString('en-GB', { hourCycle: 'h23' })}`;
  return `Paused ${until}: nothing is shaped meanwhile.`;
}

function tell(text: string, kind: 'good' | 'bad' | ''): void {
  const outcome = byId('outcome');
  setText(outcome, text);
  outcome.className = kind;
}

function ask(asked: Wish): void {
  if (isMaking) {
    tell('A change is being made: ask again when its answer is here.', 'bad');
    return;
  }
  wish = asked;
  tell('', '');
  setText(byId('confirm-title'), asked.title);
  setText(byId('confirm-text'), asked.text);
  confirmButton.textContent = asked.title;
  askToken('');
  dialog.showModal();
}

/** Asked for where it is not known, or was wrong. */
function askToken(why: string): void {
  byId('token-row').hidden = sessionStorage.getItem(TOKEN_KEY) !== null;
  setText(byId('refusal'), why);
}

/** Undefined: nothing is typed there. An error is told. */
function typedRate(direction: 'up' | 'down'): number | undefined | 'wrong' {
  const text = inputOf(direction).value.trim();
  if (text === '') return undefined;
  const rate = parseRateBitPerSec(text);
  if (rate !== undefined) return rate;
  const advice = rateAdvice(text) ?? 'for example 210 (kbit/s), 1.7mbit or 16 Mbit/s';
  tell(`'${text}' is no rate: ${advice}`, 'bad');
  inputOf(direction).focus();
  return 'wrong';
}

const LASTS = 'It holds until the line is set up anew, by a hook, inetgw apply or a start of this machine.';

function askRates(): void {
  const rates = shown === undefined ? undefined : ratesOf(shown);
  if (shown === undefined || rates === undefined) return;
  const typed = { up: typedRate('up'), down: typedRate('down') };
  if (typed.up === 'wrong' || typed.down === 'wrong') return;
  if (typed.up === undefined && typed.down === undefined) {
    tell('Type a rate, up, down or both.', 'bad');
    inputOf('up').focus();
    return;
  }
  const steps = DIRECTIONS.map((direction) => {
    const to = typed[direction];
    const [name, from] = [direction === 'up' ? 'Up' : 'Down', formatRate(rates[direction])];
    return to === undefined ? `${name} stays at ${from}.` : `${name} ${from} → ${formatRate(to as number)}.`;
  });
  const followed = shown.following === null ? '' : 'Rates that follow the line begin anew from there. ';
  ask({
    device: shown.device,
    word: 'rates',
    body: Object.fromEntries(
      DIRECTIONS.flatMap((direction) => {
        const rate = typed[direction];
        return rate === undefined ? [] : [[direction, `${rate}bit`]];
      }),
    ),
    title: 'Set rates',
    text: `${shown.device}: ${steps.join(' ')} ${followed}${LASTS}`,
  });
}

function askPause(): void {
  const rates = shown === undefined ? undefined : ratesOf(shown);
  if (shown === undefined || rates === undefined) return;
  const minutes = Number(byIdOf('pause-minutes', HTMLSelectElement).value);
  const until = minutes === 0 ? 'until you resume it' : `for ${minutes} min`;
  ask({
    device: shown.device,
    word: 'pause',
    body: minutes === 0 ? {} : { minutes },
    title: 'Pause',
    text: `${shown.device}: the shaper is taken away ${until}, so that nothing holds the queue short meanwhile. Then up ${formatRate(rates.up)} and down ${formatRate(rates.down)} are set up again.`,
  });
}

function askResume(): void {
  const rates = shown === undefined ? undefined : ratesOf(shown);
  if (shown === undefined || rates === undefined) return;
  ask({
    device: shown.device,
    word: 'resume',
    body: {},
    title: 'Resume',
    text: `${shown.device}: up ${formatRate(rates.up)} and down ${formatRate(rates.down)} are set up again, as before.`,
  });
}

function askClear(): void {
  if (shown === undefined) return;
  ask({
    device: shown.device,
    word: 'clear',
    body: {},
    title: 'Clear',
    text: `${shown.device}: all that inetgw has set is taken away for good. From here it cannot be set up again.`,
  });
}

async function make({ device, word, body }: Wish): Promise<void> {
  const token = sessionStorage.getItem(TOKEN_KEY) ?? tokenInput.value.trim();
  tokenInput.value = '';
  // What a header cannot carry would be an error of the browser's.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    askToken('Type the token: what is in the file of --change-token-file.');
    tokenInput.focus();
    return;
  }
  isMaking = true;
  confirmButton.disabled = true;
  setText(byId('refusal'), 'It is being done.');
  const answer = await fetch(`api/v1/devices/${encodeURIComponent(device)}/${word}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-inetgw-token': token },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  const said = (await answer?.json().catch(() => undefined)) as
    Partial<ChangedJson & { error: string }> | undefined;
  isMaking = false;
  confirmButton.disabled = false;
  const isWrongToken = answer?.status === 401;
  if (isWrongToken) sessionStorage.removeItem(TOKEN_KEY);
  else if (answer !== undefined && answer.status !== 429) sessionStorage.setItem(TOKEN_KEY, token);
  if (isWrongToken && dialog.open) {
    askToken(`${said?.error ?? 'the token is wrong'}.`);
    tokenInput.focus();
    return;
  }
  dialog.close();
  const isDone = answer?.ok === true;
  // A proxy may give up while it is being done.
  const isUnknown = answer === undefined || (answer.status >= 500 && said?.error === undefined);
  if (isDone) for (const direction of DIRECTIONS) inputOf(direction).value = '';
  const text = isDone
    ? [said?.message ?? 'done', ...(said?.warnings ?? [])].join('; ')
    : isUnknown
      ? 'No answer came: whether it was done is to be seen above in a moment.'
      : `Not done: ${said?.error ?? String(answer.status)}`;
  tell(text, isDone ? 'good' : 'bad');
}

function submits(id: string, then: () => void): void {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault();
    then();
  });
}

submits('change-rates', askRates);
submits('change-pause', askPause);
byId('resume').addEventListener('click', askResume);
byId('clear').addEventListener('click', askClear);
byId('confirm-no').addEventListener('click', () => {
  dialog.close();
});
submits('confirm-form', () => {
  if (wish !== undefined) void make(wish);
});
