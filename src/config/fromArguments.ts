/** From the words and flags of the command line to checked settings. */
import { hostLimitsAt, type SaidHostLimit } from './hostLimits.ts';
import { deviceNameHint, deviceNameProblem } from '../core/deviceNames.ts';
import { UserErrors, usageError, type UserError } from '../core/errors.ts';
import type { ShaperSettings } from '../plan/input/settings.ts';
import { needsSets, type HostLimit } from '../plan/input/hostLimits.ts';
import { optionName, SHAPER_KEY_NAMES, type ShaperKey, type ShaperOptions } from './keys.ts';
import { parseLineRate } from './parsers.ts';
import { saidIn, type Said } from './said.ts';
import { checkTuning, doubts, errorAt, limitErrors } from './settings.ts';
import type { Value, Values } from './values.ts';

export interface SettingsResult {
  settings: ShaperSettings;
  /** The rates as they were said. */
  typed: { up: string; down: string };
  /** All else that was said, limits of hosts with it. */
  said: Said;
  /** Doubts that do not stop anything. */
  warnings: readonly string[];
}

export function valuesFromFlags(options: ShaperOptions): Values {
  const values = new Map<ShaperKey, Value>();
  for (const key of SHAPER_KEY_NAMES) {
    const text = options[optionName(key)];
    if (text !== undefined) values.set(key, { text: String(text), name: `--${key}`, place: undefined });
  }
  return values;
}

/** Settings from the command line alone. Throws `UserErrors` with all that is wrong. */
export function settingsFromArguments(
  device: string,
  up: string,
  down: string,
  options: ShaperOptions,
): SettingsResult {
  const word = (name: string, text: string): Value => ({ text, name, place: undefined });
  return settingsFromValues(device, word('UP', up), word('DOWN', down), valuesFromFlags(options));
}

/**
 * Settings of one device from values of any source.
 * @param said limits of hosts on this line
 * @throws `UserErrors` with all that is wrong
 */
export function settingsFromValues(
  device: string,
  up: Value,
  down: Value,
  values: Values,
  said: readonly SaidHostLimit[] = [],
): SettingsResult {
  const errors: UserError[] = [];
  const deviceProblem = deviceNameProblem(device);
  if (deviceProblem !== undefined) errors.push(usageError(deviceProblem, deviceNameHint(device)));
  const [upBitPerSec, downBitPerSec] = [up, down].map((value) => {
    const parsed = parseLineRate(value.name, value.text);
    if (!('problem' in parsed)) return parsed.value;
    errors.push(errorAt(value, parsed.problem, parsed.hint));
    return 0;
  }) as [number, number];
  const checked = checkTuning(values);
  errors.push(...checked.errors);
  if (errors.length === 0)
    errors.push(...limitErrors(checked.tuning, values, { upBitPerSec, downBitPerSec }));
  const line = { ...checked.tuning, device, upBitPerSec, downBitPerSec };
  const { limits: hostLimits, errors: wrong } = hostLimitsAt(said, line);
  if (errors.length === 0) errors.push(...wrong, ...firewallErrors(checked.tuning, values, hostLimits));
  if (errors.length > 0) throw new UserErrors(errors);
  const settings: ShaperSettings = hostLimits.length === 0 ? line : { ...line, hostLimits };
  return {
    settings,
    typed: { up: up.text, down: down.text },
    said: saidIn(values, said),
    warnings: doubts(settings),
  };
}

/** Limits of hosts are rules of inetgw's own, and sets are nft's. */
function firewallErrors(
  { firewall }: Pick<ShaperSettings, 'firewall'>,
  values: Values,
  limits: readonly HostLimit[],
): UserError[] {
  const [first] = limits;
  const value = values.get('firewall');
  const name = value?.name ?? 'firewall';
  if (first === undefined) return [];
  if (firewall === 'none')
    return [
      errorAt(
        value,
        `${name} none and limits of hosts exclude each other (${first.name})`,
        `they are rules of inetgw's own; device = "…" names the one line that a section is for`,
      ),
    ];
  const withSet = limits.find((each) => needsSets([each]));
  if (firewall !== 'iptables' || withSet === undefined) return [];
  return [
    errorAt(
      value,
      `${name} iptables has no sets, and ${withSet.name} is one`,
      'take nft, or name addresses in hosts',
    ),
  ];
}
