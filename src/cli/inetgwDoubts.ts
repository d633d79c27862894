/** What is said, and on a terminal asked, before a device is set up: the wrong layer, rates that are hardly meant. */
import type { SettingsResult } from '../config/fromArguments.ts';
import { parseLineRate } from '../config/parsers.ts';
import { explicitRates, rateDoubt, type RateDoubt, type RateTexts } from '../config/rateDoubts.ts';
import { failure, usageError } from '../errors.ts';
import { shellWord } from '../hooks/quote.ts';
import { isTunnel, layerAdvice, tunnelNotice } from '../shaper/layers.ts';
import type { ShaperSettings } from '../shaper/settings.ts';
import { readLayers } from '../system/layers.ts';
import { findLink } from '../system/link.ts';
import type { Options } from './inetgw.ts';
import { warn } from './warn.ts';

/**
 * The settings that are meant. Warns, and asks where somebody is there to answer.
 *
 * @param mayAsk the rates were typed; those of a file are not for a question each time
 * @throws UserError for a device that can never be right, or if the user says no
 */
export async function settleDoubts(
  { settings, warnings, typed }: SettingsResult,
  options: Options,
  mayAsk: boolean,
): Promise<ShaperSettings> {
  const say = (text: string): void => {
    if (options.quiet !== true) warn(text);
  };
  const { device } = settings;
  const link = await findLink(device);
  const layers = link === undefined ? undefined : await readLayers(device);
  const advice = layers === undefined ? undefined : layerAdvice(layers);
  if (advice !== undefined) {
    const command =
      advice.instead === undefined ? undefined : `inetgw ${advice.instead} ${typed.up} ${typed.down}`;
    // What a dry run prints does no harm, and may be wanted without a line.
    if (advice.kind === 'wrong' && options.dryRun !== true)
      throw usageError(
        advice.text,
        command === undefined ? 'take the device that leads to the internet' : `type: ${command}`,
      );
    say(`${advice.text}${command === undefined ? '' : `; type: ${command}`}`);
  }
  if (layers !== undefined && settings.framing === undefined) {
    const notice = tunnelNotice(layers);
    if (notice !== undefined) say(notice);
  }
  const mayBeSlow =
    link === undefined ||
    link.kind === 'ppp' ||
    advice?.kind === 'wrong' ||
    (layers !== undefined && isTunnel(layers));
  const doubt = options.yes === true ? undefined : rateDoubt(settings, typed, mayBeSlow);
  if (doubt === undefined && options.yes !== true) for (const warning of warnings) say(warning);
  if (doubt === undefined) return settings;
  const isSomebodyThere = process.stdin.isTTY && process.stderr.isTTY;
  if (mayAsk && isSomebodyThere && options.dryRun !== true) return askWhatIsMeant(doubt, settings);
  const [up, down] = [doubt.instead.up, doubt.instead.down].map(shellWord);
  const command = `inetgw ${device} ${up ?? ''} ${down ?? ''}`;
  say(
    doubt.kind === 'unit'
      ? `${doubt.text}; if Mbit/s are meant: ${command}; if not: ${wordsOf(explicitRates(settings))}`
      : `${doubt.text}; if they are: ${command}; if not: --yes`,
  );
  return settings;
}

const wordsOf = ({ up, down }: RateTexts): string => `${up} ${down}`;

/** Ctrl-C at the question, which is a key there: ends as it would anywhere else, nothing having been changed. */
async function endBySignal(error: unknown): Promise<never> {
  if (!(error instanceof Error) || error.name !== 'Interrupted') throw error;
  process.kill(process.pid, 'SIGINT');
  return new Promise(() => undefined);
}

async function askWhatIsMeant(doubt: RateDoubt, settings: ShaperSettings): Promise<ShaperSettings> {
  const { ask } = await import('../searchbw/ask.ts');
  const asIs = doubt.kind === 'unit' ? 'kbit' : 'keep';
  warn(doubt.text);
  const question = `Did you mean ${wordsOf(doubt.instead)}? [y/N/${asIs}] `;
  const answer = ((await ask(question, new AbortController().signal).catch(endBySignal)) ?? '').toLowerCase();
  if (answer === asIs || answer === asIs[0]) return settings;
  if (answer !== 'y' && answer !== 'yes') throw failure('nothing was changed');
  const [upBitPerSec, downBitPerSec] = [doubt.instead.up, doubt.instead.down].map((text) => {
    const parsed = parseLineRate('rate', text);
    if ('problem' in parsed) throw usageError(parsed.problem, parsed.hint);
    return parsed.value;
  }) as [number, number];
  return { ...settings, upBitPerSec, downBitPerSec };
}
