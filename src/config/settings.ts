/** From what the user said, wherever that was, to checked settings; every error is reported, not only the first. */
import { allowsStages } from '../plan/input/ingressKinds.ts';
import { configError, usageError, type UserError } from '../core/errors.ts';
import { commonPorts, portText } from '../firewall/ports.ts';
import { FRAMING_KEYWORDS, FRAMING_WORDS, LINK_LAYERS, whyNoFraming } from '../plan/input/framing.ts';
import { framingByWords, type FramingChoice } from '../plan/input/framingChoice.ts';
import { MOST_OVERHEAD_BYTES, TUNNEL_KEYWORDS, tunnelByKeyword } from '../plan/input/tunnels.ts';
import { DEFAULT_SETTINGS, type ShaperSettings } from '../plan/input/settings.ts';
import { formatRate } from '../core/units.ts';
import { definitionOf, SHAPER_KEY_NAMES, type Tuning } from './keys.ts';
import { choiceOf, parseWhole } from './parsers.ts';
import { closest } from '../core/suggest.ts';
import type { Value, Values } from './values.ts';

type Complain = (value: Value | undefined, problem: string, hint?: string) => void;

/** A wrong value in a file is bad configuration, anywhere else wrong usage. */
export function errorAt(value: Value | undefined, problem: string, hint?: string): UserError {
  if (value?.place === undefined) return usageError(problem, hint);
  return configError(`${value.place}: ${problem}`, hint);
}

/** Checks everything at once; the settings count only if there are no errors. */
export function checkTuning(values: Values): { tuning: Tuning; errors: UserError[] } {
  const errors: UserError[] = [];
  const complain: Complain = (value, problem, hint) => {
    errors.push(errorAt(value, problem, hint));
  };
  let tuning: Tuning = { ...DEFAULT_SETTINGS, framing: readFraming(values, complain) };
  for (const key of SHAPER_KEY_NAMES) {
    const [definition, value] = [definitionOf(key), values.get(key)];
    if (value === undefined || 'partOf' in definition) continue;
    const parsed = definition.read(tuning, value.name, value.text);
    if ('problem' in parsed) complain(value, parsed.problem, parsed.hint);
    else tuning = parsed.value;
  }
  checkPacingAndIngress(tuning, values, complain);
  checkLimitsAndPacing(tuning, values, complain);
  checkOneClassOnly(tuning, values, complain);
  return { tuning, errors };
}

function readFraming(values: Values, complain: Complain): FramingChoice | undefined {
  const [keyword, linkLayer, overhead, mpu] = (['framing', 'linklayer', 'overhead', 'mpu'] as const).map(
    (key) => values.get(key),
  );
  if (keyword !== undefined) {
    const both = linkLayer ?? overhead ?? mpu;
    if (both !== undefined) {
      const dashes = keyword.name.startsWith('--') ? '--' : '';
      complain(
        both,
        `${keyword.name} already says ${dashes}linklayer, ${dashes}overhead and ${dashes}mpu: use one or the other`,
      );
      return undefined;
    }
    return readWords(keyword, complain);
  }
  if (linkLayer === undefined) {
    const alone = overhead ?? mpu;
    if (alone !== undefined) complain(alone, `${alone.name} needs a linklayer: atm, ptm or ethernet`);
    return undefined;
  }
  const known = choiceOf(LINK_LAYERS)(linkLayer.name, linkLayer.text);
  if ('problem' in known) {
    complain(linkLayer, known.problem, known.hint);
    return undefined;
  }
  if (overhead === undefined) {
    complain(
      linkLayer,
      `${linkLayer.name} needs an overhead too, the bytes that the line adds to an IP packet`,
    );
    return undefined;
  }
  // The range that tc takes for a stab; a packet cannot shrink below its own header.
  const overheadBytes = parseWhole(overhead.name, overhead.text, -14, 256);
  const mpuBytes = mpu === undefined ? { value: 0 } : parseWhole(mpu.name, mpu.text, 0, 256);
  if ('problem' in overheadBytes) complain(overhead, overheadBytes.problem);
  if ('problem' in mpuBytes) complain(mpu, mpuBytes.problem);
  if ('problem' in overheadBytes || 'problem' in mpuBytes) return undefined;
  return {
    name: 'custom',
    linkLayer: known.value,
    overheadBytes: overheadBytes.value,
    mpuBytes: mpuBytes.value,
  };
}

const FRAMING_NAMES = [...FRAMING_WORDS, ...FRAMING_KEYWORDS, ...TUNNEL_KEYWORDS];

const KNOWN_FRAMINGS = `known: ${FRAMING_WORDS.join(', ')}; names of cake's and tunnels: inetgw --help`;

/** More than any line's own framing. */
const MOST_OF_A_LINE_BYTES = 56;

/** `vdsl`, `pppoe-ptm`, `vdsl,wireguard`. */
function readWords(value: Value, complain: Complain): FramingChoice | undefined {
  const choice = framingByWords(value.text);
  if ('unknown' in choice) {
    const why = whyNoFraming(choice.unknown);
    const suggestion = closest(choice.unknown, FRAMING_NAMES);
    const meant = suggestion === undefined ? '' : `did you mean ${suggestion}? `;
    complain(value, `${value.name} ${choice.unknown} is not known`, why ?? `${meant}${KNOWN_FRAMINGS}`);
    return undefined;
  }
  if ('twoLines' in choice) {
    const [first, second] = choice.twoLines;
    complain(
      value,
      `${value.name}: ${first} and ${second} are two lines`,
      'name one line, and the tunnels on it behind it: vdsl,wireguard',
    );
    return undefined;
  }
  if ('nothing' in choice) {
    complain(value, `${value.name} is empty`, KNOWN_FRAMINGS);
    return undefined;
  }
  if (!('tunnels' in choice)) return choice;
  const bytes = choice.tunnels.reduce((sum, each) => sum + tunnelByKeyword(each).bytes, 0);
  if (bytes <= MOST_OVERHEAD_BYTES - MOST_OF_A_LINE_BYTES) return choice;
  complain(
    value,
    `${value.name}: these tunnels add ${bytes} bytes; ${MOST_OVERHEAD_BYTES - MOST_OF_A_LINE_BYTES} is the most`,
  );
  return undefined;
}

/** Pacing needs the stages: what they let through waits in its own queue. */
function checkPacingAndIngress({ ingress, pacing }: Tuning, values: Values, complain: Complain): void {
  if (pacing !== 'bpf' || allowsStages(ingress)) return;
  const [value, other] = [values.get('ingress'), values.get('pacing')];
  complain(
    value ?? other,
    `${value?.name ?? 'ingress'} ${ingress} and ${other?.name ?? 'pacing'} bpf exclude each other`,
    'window pacing needs the police stages; it brings a queue of its own',
  );
}

const LIMIT_KEYS = ['down-min', 'down-max', 'up-min', 'up-max'] as const;

/** What rates may follow of a line is seen by window pacing alone. */
function checkLimitsAndPacing({ ingress, pacing }: Tuning, values: Values, complain: Complain): void {
  const limit = LIMIT_KEYS.map((key) => values.get(key)).find((value) => value !== undefined);
  if (limit === undefined || (pacing !== 'off' && allowsStages(ingress))) return;
  const other = values.get(pacing === 'off' ? 'pacing' : 'ingress');
  complain(
    limit,
    `${limit.name} and ${other?.name ?? ''} ${other?.text ?? ''} exclude each other`,
    'a rate follows its line by what window pacing sees of it',
  );
}

/** A rate that is said lies within its limits. */
export function limitErrors(
  { limits }: Tuning,
  values: Values,
  rates: Pick<ShaperSettings, 'upBitPerSec' | 'downBitPerSec'>,
): UserError[] {
  return (['down', 'up'] as const).flatMap((direction) => {
    const rate = rates[`${direction}BitPerSec`];
    const [least, most] = [limits?.[`${direction}Min`], limits?.[`${direction}Max`]];
    const [low, high] = [values.get(`${direction}-min`), values.get(`${direction}-max`)];
    const name = direction.toUpperCase();
    return [
      ...(low !== undefined && least !== undefined && least > rate
        ? [errorAt(low, `${low.name} (${formatRate(least)}) is above ${name} (${formatRate(rate)})`)]
        : []),
      ...(high !== undefined && most !== undefined && most < rate
        ? [errorAt(high, `${high.name} (${formatRate(most)}) is below ${name} (${formatRate(rate)})`)]
        : []),
    ];
  });
}

/** The same port, DSCP or host in both classes is a contradiction of the user's, unless one is a default. */
function checkOneClassOnly({ interactive, bulk }: Tuning, values: Values, complain: Complain): void {
  const both = <T>(mine: readonly T[], others: readonly T[]): T[] => {
    const known = new Set(others);
    return mine.filter((each) => known.has(each));
  };
  const kinds = [
    [
      'ports',
      [
        ...commonPorts(interactive.tcpPorts, bulk.tcpPorts),
        ...commonPorts(interactive.udpPorts, bulk.udpPorts),
      ].map(portText),
    ],
    ['dscp', both(interactive.dscp, bulk.dscp)],
    ['hosts', both(interactive.hosts, bulk.hosts)],
  ] as const;
  for (const [kind, twice] of kinds) {
    if (twice.length === 0) continue;
    const value = values.get(`interactive-${kind}`) ?? values.get(`bulk-${kind}`);
    complain(
      value,
      `${twice.join(', ')} would be both interactive and bulk`,
      `set both interactive-${kind} and bulk-${kind}`,
    );
  }
}

/** Doubts that do not stop anything. */
export function doubts({
  upBitPerSec,
  downBitPerSec,
}: Pick<ShaperSettings, 'upBitPerSec' | 'downBitPerSec'>): string[] {
  if (upBitPerSec <= downBitPerSec) return [];
  const [up, down] = [formatRate(upBitPerSec), formatRate(downBitPerSec)];
  return [`UP (${up}) is above DOWN (${down}): are they swapped? The uplink comes first`];
}
