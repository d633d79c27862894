/** From what the user said, wherever that was, to checked settings; every error is reported, not only the first. */
import { configError, usageError, type UserError } from '../errors.ts';
import type { PortOrRange } from '../firewall/rules.ts';
import {
  FRAMING_KEYWORDS,
  FRAMING_WORDS,
  framingByKeyword,
  isFramingWord,
  type FramingChoice,
  type LinkLayer,
} from '../shaper/framing.ts';
import { DEFAULT_SETTINGS, type LargeDownloadSettings, type ShaperSettings } from '../shaper/settings.ts';
import { formatRate } from '../units.ts';
import type { ShaperKey, Value, Values } from './keys.ts';
import {
  parseDscp,
  parseFirewall,
  parseHosts,
  parseIngress,
  parseMark,
  parsePacing,
  parsePorts,
  parseSwitch,
  parseThreshold,
  parseWhole,
  type Parsed,
} from './parsers.ts';
import { closest } from './suggest.ts';

/** Settings of the shaper but for the device and the rates. */
export type Tuning = typeof DEFAULT_SETTINGS;

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
  const read = <T>(key: ShaperKey, parse: (name: string, text: string) => Parsed<T>, otherwise: T): T => {
    const value = values.get(key);
    if (value === undefined) return otherwise;
    const parsed = parse(value.name, value.text);
    if (!('problem' in parsed)) return parsed.value;
    complain(value, parsed.problem, parsed.hint);
    return otherwise;
  };
  const defaults = DEFAULT_SETTINGS;
  const tuning: Tuning = {
    framing: readFraming(values, complain),
    mark: read('mark', parseMark, defaults.mark),
    largePacketBytes: read(
      'large-packet',
      (name, text) => parseWhole(name, text, 64, 65_535),
      defaults.largePacketBytes,
    ),
    largeDownloads: read('large-downloads', parseSwitch, true)
      ? readLargeDownloads(read, defaults.largeDownloads)
      : undefined,
    interactive: {
      ...read('interactive-ports', parsePorts, portsOf(defaults.interactive)),
      dscp: read('interactive-dscp', parseDscp, [...defaults.interactive.dscp]),
      hosts: read('interactive-hosts', parseHosts, [...defaults.interactive.hosts]),
    },
    bulk: {
      ...read('bulk-ports', parsePorts, portsOf(defaults.bulk)),
      dscp: read('bulk-dscp', parseDscp, [...defaults.bulk.dscp]),
      hosts: read('bulk-hosts', parseHosts, [...defaults.bulk.hosts]),
      uploadThresholdBytes: read('large-upload', parseThreshold, defaults.bulk.uploadThresholdBytes),
    },
    firewall: read('firewall', parseFirewall, defaults.firewall),
    ingress: read('ingress', parseIngress, defaults.ingress),
    pacing: read('pacing', parsePacing, defaults.pacing),
  };
  checkPacingAndIngress(tuning, values, complain);
  checkOneClassOnly(tuning, values, complain);
  return { tuning, errors };
}

const portsOf = ({
  tcpPorts,
  udpPorts,
}: {
  tcpPorts: readonly PortOrRange[];
  udpPorts: readonly PortOrRange[];
}) => ({
  tcpPorts: [...tcpPorts],
  udpPorts: [...udpPorts],
});

type Read = <T>(key: ShaperKey, parse: (name: string, text: string) => Parsed<T>, otherwise: T) => T;

function readLargeDownloads(
  read: Read,
  defaults: LargeDownloadSettings | undefined,
): LargeDownloadSettings | undefined {
  if (defaults === undefined) return undefined;
  return {
    thresholdBytes: read('large-download', parseThreshold, defaults.thresholdBytes),
    ...read('large-download-ports', parsePorts, portsOf(defaults)),
  };
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
    const text = keyword.text.toLowerCase();
    const known = isFramingWord(text) ? { word: text } : framingByKeyword(text);
    if (known !== undefined) return known;
    const suggestion = closest(keyword.text, [...FRAMING_WORDS, ...FRAMING_KEYWORDS]);
    const meant = suggestion === undefined ? '' : `did you mean ${suggestion}? `;
    complain(
      keyword,
      `${keyword.name} ${keyword.text} is not known`,
      `${meant}known: ${[...FRAMING_WORDS, ...FRAMING_KEYWORDS].join(', ')}`,
    );
    return undefined;
  }
  if (linkLayer === undefined) {
    const alone = overhead ?? mpu;
    if (alone !== undefined) complain(alone, `${alone.name} needs a linklayer: atm, ptm or ethernet`);
    return undefined;
  }
  if (!isLinkLayer(linkLayer.text)) {
    complain(linkLayer, `${linkLayer.name} ${linkLayer.text} is not known`, 'known: atm, ptm, ethernet');
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
    linkLayer: linkLayer.text,
    overheadBytes: overheadBytes.value,
    mpuBytes: mpuBytes.value,
  };
}

function isLinkLayer(text: string): text is LinkLayer {
  return text === 'atm' || text === 'ptm' || text === 'ethernet';
}

/** Pacing needs the stages: what they let through waits in its own queue. */
function checkPacingAndIngress({ ingress, pacing }: Tuning, values: Values, complain: Complain): void {
  if (pacing !== 'bpf' || !ingress.startsWith('shape')) return;
  const [value, other] = [values.get('ingress'), values.get('pacing')];
  complain(
    value ?? other,
    `${value?.name ?? 'ingress'} ${ingress} and ${other?.name ?? 'pacing'} bpf exclude each other`,
    'window pacing needs the police stages; it brings a queue of its own',
  );
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
        ...portsInBoth(interactive.tcpPorts, bulk.tcpPorts),
        ...portsInBoth(interactive.udpPorts, bulk.udpPorts),
      ],
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

/** The ports that are in both lists, as one types them. */
function portsInBoth(mine: readonly PortOrRange[], others: readonly PortOrRange[]): string[] {
  const range = (each: PortOrRange) => (typeof each === 'number' ? { from: each, to: each } : each);
  return mine.map(range).flatMap((a) =>
    others.map(range).flatMap((b) => {
      const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
      return from > to ? [] : [from === to ? String(from) : `${from}-${to}`];
    }),
  );
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
