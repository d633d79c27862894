/** Flags over environment over file, for one device or all. */
import { valuesFromFlags, settingsFromValues, type SettingsResult } from '../../../config/fromArguments.ts';
import { hostLimitsFor, type Configuration, type DeviceSection } from '../../../config/file.ts';
import { optionName, SEARCH_KEY_NAMES, SEARCH_KEYS, type SearchKey } from '../../../config/keys.ts';
import { layered, valuesFromEnvironment, type Value, type Values } from '../../../config/values.ts';
import { configError, UserErrors } from '../../../core/errors.ts';
import type { FramingChoice } from '../../../plan/input/framingChoice.ts';
import { allowsStages } from '../../../plan/input/ingressKinds.ts';
import type { ShaperSettings } from '../../../plan/input/settings.ts';
import { CONFIG_PATH, readConfiguration } from '../../../system/record/configFile.ts';
import type { Options } from './program.ts';
import { warn } from '../../common/warn.ts';

/** The file that was named, by flag or environment. */
function namedFile(options: Pick<Options, 'config'>): string | undefined {
  const fromEnvironment = process.env['INETGW_CONFIG'];
  return options.config ?? (fromEnvironment === '' ? undefined : fromEnvironment);
}

export async function configuration(options: Pick<Options, 'config'>): Promise<Configuration | undefined> {
  return readConfiguration(namedFile(options));
}

/** The configuration, which has to be there and right. */
export async function requireConfiguration(options: Pick<Options, 'config'>): Promise<Configuration> {
  const found = await configuration(options);
  if (found === undefined) {
    throw configError(`there is no ${CONFIG_PATH}`, 'inetgw config example prints one with every key');
  }
  return found;
}

/** The section of a device, which must have no errors; those of other devices do not matter to it. */
export function sectionOf(config: Configuration | undefined, device: string): DeviceSection | undefined {
  const section = config?.sections.find((each) => each.device === device);
  if (section !== undefined && section.errors.length > 0) throw new UserErrors(section.errors);
  return section;
}

/** The same, which has to be there. */
export function requireSection(config: Configuration, device: string): DeviceSection {
  const section = sectionOf(config, device);
  if (section !== undefined) return section;
  const names = config.sections.map((each) => each.device).join(', ');
  throw configError(
    `${config.file} has no section for ${device}`,
    names === '' ? `it has none at all; begin one with [${device}]` : `it has sections for: ${names}`,
  );
}

/** What is wrong above the first section; it stops nobody, but it is what somebody meant for all devices. */
export function warnOfFile(config: Configuration | undefined): void {
  for (const error of config?.errors ?? []) warn(error.message);
}

/** What is said about a device: flags, environment, file. */
export function valuesFor(section: DeviceSection | undefined, options: Options): Values {
  return layered(valuesFromFlags(options), valuesFromEnvironment(process.env), section?.values ?? new Map());
}

/** The settings of `inetgw DEV UP DOWN`. */
export async function settingsOf(
  device: string,
  up: string,
  down: string,
  options: Options,
): Promise<SettingsResult> {
  const config = await configuration(options);
  warnOfFile(config);
  const section = sectionOf(config, device);
  const word = (name: string, text: string): Value => ({ text, name, place: undefined });
  const limits = config === undefined ? [] : hostLimitsFor(config, device);
  return settingsFromValues(device, word('UP', up), word('DOWN', down), valuesFor(section, options), limits);
}

/** The settings that the file has for a device, or undefined if it has no rates for it. */
export function settingsOfSection(section: DeviceSection, options: Options): SettingsResult | undefined {
  if (section.rates === undefined) return undefined;
  return settingsFromValues(
    section.device,
    section.rates.up,
    section.rates.down,
    valuesFor(section, options),
    section.hostLimits,
  );
}

/** Whether `inetgw` would do without window pacing: as the section says, or because its choice for ingress has no stages. */
function usesNoPacing(section: DeviceSection): boolean {
  const { ingress, pacing } = choicesOf(section);
  return pacing === 'off' || (pacing !== 'bpf' && !allowsStages(ingress));
}

/** What a section says for searchbw, as its options: framing only if none is typed. */
export function searchOptions(
  section: DeviceSection,
  typed: { framing?: string; linklayer?: string; overhead?: string; mpu?: string },
): {
  pingHost?: string;
  maxRtt?: string;
  maxLoss?: string;
  framing?: string;
  linklayer?: string;
  overhead?: string;
  mpu?: string;
  pacing?: string;
} {
  const { search, values } = section;
  const framingIsTyped = [typed.framing, typed.linklayer, typed.overhead, typed.mpu].some(
    (each) => each !== undefined,
  );
  const given = (key: SearchKey): [string, string][] => {
    const value = search[SEARCH_KEYS[key].field];
    return value === undefined ? [] : [[optionName(key), String(value)]];
  };
  const text = (key: 'framing' | 'linklayer' | 'overhead' | 'mpu'): Record<string, string> => {
    const value = framingIsTyped ? undefined : values.get(key);
    return value === undefined ? {} : { [key]: value.text };
  };
  return {
    ...Object.fromEntries(SEARCH_KEY_NAMES.flatMap(given)),
    ...(usesNoPacing(section) ? { pacing: 'off' } : {}),
    ...text('framing'),
    ...text('linklayer'),
    ...text('overhead'),
    ...text('mpu'),
  };
}

/** The framing that `inetgw` takes for a device because its section says so; undefined: it says nothing. */
export const configuredFraming = (section: DeviceSection): FramingChoice | undefined =>
  choicesOf(section).framing;

/** The settings of a section but for its rates, which it need not have. */
function choicesOf({ device, values }: DeviceSection): Omit<ShaperSettings, 'upBitPerSec' | 'downBitPerSec'> {
  const rate: Value = { text: '1mbit', name: 'rate', place: undefined };
  return settingsFromValues(device, rate, rate, values).settings;
}
