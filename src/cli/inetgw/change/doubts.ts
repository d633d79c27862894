/** What is said, and on a terminal asked, before a device or its hook is set up: the wrong layer, rates that are hardly meant. */
import type { SettingsResult } from '../../../config/fromArguments.ts';
import { parseLineRate } from '../../../config/parsers.ts';
import { explicitRates, rateDoubt, type RateDoubt, type RateTexts } from '../../../config/rateDoubts.ts';
import { failure, usageError } from '../../../core/errors.ts';
import { shellWord } from '../../../core/shellWords.ts';
import type { LinkKind } from '../../../plan/input/framing.ts';
import { isTunnel, layerAdvice, type LayerAdvice, type LayerFacts } from '../../../plan/input/layers.ts';
import type { ShaperSettings } from '../../../plan/input/settings.ts';
import { readLayers } from '../../../system/link/layers.ts';
import { findLink } from '../../../system/link/link.ts';
import type { Options } from '../words/program.ts';
import { warn } from '../../common/warn.ts';

/** What is meant, and whether it was said to be meant. */
export interface Settled {
  settings: ShaperSettings;
  /** As they would be typed, so that they mean the same. */
  typed: RateTexts;
  /** The order of the rates was asked about and is right. */
  isConfirmed: boolean;
}

/**
 * The settings that are meant. Warns, and asks where somebody is there to answer.
 *
 * @param mayAsk the rates were typed; those of a file are not for a question each time
 * @throws UserError for a device that can never be right, or if the user says no
 */
export async function settleDoubts(
  checked: SettingsResult,
  options: Options,
  mayAsk: boolean,
): Promise<ShaperSettings> {
  const { device } = checked.settings;
  const link = await findLink(device);
  const layers = link === undefined ? undefined : await readLayers(device);
  const { settings } = await settle(
    { checked, kind: link?.kind, layers, command: ['inetgw'] },
    options,
    mayAsk,
  );
  return settings;
}

export interface InDoubt {
  checked: SettingsResult;
  /** Undefined where it is not known. */
  kind: LinkKind | undefined;
  /** Undefined for a device that is not there. */
  layers: LayerFacts | undefined;
  /** What stands before the device in a line to type. */
  command: readonly string[];
}

/** The same for any command that takes a device and rates. */
export async function settle(
  { checked: { settings, warnings, typed }, kind, layers, command }: InDoubt,
  options: Options,
  mayAsk: boolean,
): Promise<Settled> {
  const say = (text: string): void => {
    if (options.quiet !== true) warn(text);
  };
  const { device } = settings;
  const advice = adviseLayer(layers, command, [typed.up, typed.down], options);
  const mayBeSlow =
    kind === undefined ||
    kind === 'ppp' ||
    advice?.kind === 'wrong' ||
    (layers !== undefined && isTunnel(layers));
  const asTyped: Settled = { settings, typed, isConfirmed: false };
  if (options.yes === true) return asTyped;
  const doubt = rateDoubt(settings, typed, mayBeSlow);
  if (doubt === undefined) {
    for (const warning of warnings) say(warning);
    return asTyped;
  }
  const isSomebodyThere = process.stdin.isTTY && process.stderr.isTTY;
  if (mayAsk && isSomebodyThere && options.dryRun !== true) return askWhatIsMeant(doubt, settings, typed);
  const line = [...command, device, doubt.instead.up, doubt.instead.down].map(shellWord).join(' ');
  say(
    doubt.kind === 'unit'
      ? `${doubt.text}; if Mbit/s are meant: ${line}; if not: ${wordsOf(explicitRates(settings))}`
      : `${doubt.text}; if they are: ${line}; if not: --yes`,
  );
  return asTyped;
}

/**
 * Says what speaks against the layer that a device is, and gives it back.
 *
 * @param rates those that were typed, if any
 * @throws UserError for a device that can never be right, a dry run as well: it tells what the run would say
 */
export function adviseLayer(
  layers: LayerFacts | undefined,
  command: readonly string[],
  rates: readonly string[],
  options: Options,
): LayerAdvice | undefined {
  const advice = layers === undefined ? undefined : layerAdvice(layers);
  if (advice === undefined) return undefined;
  const line = advice.instead === undefined ? undefined : [...command, advice.instead, ...rates].join(' ');
  if (advice.kind === 'wrong')
    throw usageError(
      advice.text,
      line === undefined ? 'take the device that leads to the internet' : `type: ${line}`,
    );
  if (options.quiet !== true) warn(`${advice.text}${line === undefined ? '' : `; type: ${line}`}`);
  return advice;
}

const wordsOf = ({ up, down }: RateTexts): string => `${up} ${down}`;

/** Ctrl-C at the question, which is a key there: ends as it would anywhere else, nothing having been changed. */
async function endBySignal(error: unknown): Promise<never> {
  if (!(error instanceof Error) || error.name !== 'Interrupted') throw error;
  process.kill(process.pid, 'SIGINT');
  return new Promise(() => undefined);
}

async function askWhatIsMeant(
  doubt: RateDoubt,
  settings: ShaperSettings,
  typed: RateTexts,
): Promise<Settled> {
  const { ask } = await import('../../../search/run/ask.ts');
  const asIs = doubt.kind === 'unit' ? 'kbit' : 'keep';
  warn(doubt.text);
  const question = `Did you mean ${wordsOf(doubt.instead)}? [y/N/${asIs}] `;
  const answer = ((await ask(question, new AbortController().signal).catch(endBySignal)) ?? '').toLowerCase();
  if (answer === asIs || answer === asIs[0])
    return doubt.kind === 'unit'
      ? { settings, typed: explicitRates(settings), isConfirmed: false }
      : { settings, typed, isConfirmed: true };
  if (answer !== 'y' && answer !== 'yes') throw failure('nothing was changed');
  const [upBitPerSec, downBitPerSec] = [doubt.instead.up, doubt.instead.down].map((text) => {
    const parsed = parseLineRate('rate', text);
    if ('problem' in parsed) throw usageError(parsed.problem, parsed.hint);
    return parsed.value;
  }) as [number, number];
  return {
    settings: { ...settings, upBitPerSec, downBitPerSec },
    typed: doubt.instead,
    isConfirmed: false,
  };
}
