/**
 * Everything that can be set for a device, under one name everywhere: `large-packet` in the configuration file is
 * `--large-packet` on the command line and `INETGW_LARGE_PACKET` in the environment. What stands here is all there is to a
 * key: the parsers, the options with their help and the completions are made of it, and test/unit/config/keys.test.ts holds
 * the manual pages and the example file against it.
 */
import { INGRESS_CHOICES } from '../plan/input/ingressKinds.ts';
import { FRAMING_KEYWORDS, FRAMING_WORDS, LINK_LAYERS } from '../plan/input/framing.ts';
import { TUNNEL_KEYWORDS } from '../plan/input/tunnels.ts';
import {
  type DEFAULT_SETTINGS,
  FAIR_CHOICES,
  FIREWALL_CHOICES,
  PACING_CHOICES,
  type BulkSettings,
  type ClassSettings,
} from '../plan/input/settings.ts';
import {
  choiceOf,
  parseAnswerTime,
  parseDscp,
  parseHostName,
  parseHosts,
  parseLineRate,
  parseMark,
  parsePercent,
  parsePorts,
  parseSwitch,
  parseThreshold,
  parseWhole,
  type Parsed,
} from './parsers.ts';

/** Settings of the shaper but for the device and the rates. */
export type Tuning = typeof DEFAULT_SETTINGS;

/** What a key takes in the file: TOML text or number, true or false, or a list of texts and numbers. */
export type KeyForm = 'value' | 'switch' | 'list';

/** The titles under which `inetgw --help` groups its options. */
export type KeyGroup = 'The line' | 'What comes in' | 'What leaves' | 'How it is done';

interface Described {
  form: KeyForm;
  group: KeyGroup;
  /** What the option takes, `N`; of a switch that it takes nothing. */
  takes?: string;
  /** As `--help` has it, but for the default. */
  help: string;
  /** Of a switch: the help of its opposite, `--no-…`. */
  helpOfNo?: string;
  /** The default as it would be typed; absent where there is none, or none in a word. */
  otherwise?: string;
  /** All that it can be, in order, where that can be listed. */
  words?: readonly string[];
}

export type ShaperKeyDefinition = Described &
  (
    | {
        /** The tuning with the value in it, or what is wrong with the text; `name` is how the user wrote the key. */
        read: (tuning: Tuning, name: string, text: string) => Parsed<Tuning>;
      }
    /** Read together with the others of its kind, in settings.ts. */
    | { partOf: 'framing' }
  );

/** A key that says one thing by itself: its text is parsed, and the value put where it belongs. */
function key<const D extends Described, T>(
  described: D,
  parse: (name: string, text: string) => Parsed<T>,
  set: (tuning: Tuning, value: T) => Tuning,
): D & { read: (tuning: Tuning, name: string, text: string) => Parsed<Tuning> } {
  const read = (tuning: Tuning, name: string, text: string): Parsed<Tuning> => {
    const parsed = parse(name, text);
    return 'problem' in parsed ? parsed : { value: set(tuning, parsed.value) };
  };
  return { ...described, read };
}

/** `auto, bpf or off` */
const listed = (words: readonly string[]): string =>
  `${words.slice(0, -1).join(', ')} or ${words.at(-1) ?? ''}`;

/** A key of which there is a list of words, which end its help. */
function choice<T extends string>(
  words: readonly T[],
  described: Omit<Described, 'form' | 'group' | 'words'>,
  set: (tuning: Tuning, value: T) => Tuning,
) {
  return key<Described & { form: 'value' }, T>(
    {
      ...described,
      help: `${described.help}: ${listed(words)}`,
      form: 'value',
      group: 'How it is done',
      words,
    },
    choiceOf(words),
    set,
  );
}

const LINE = { form: 'value', group: 'The line', partOf: 'framing' } as const;
const IN = { form: 'value', group: 'What comes in' } as const;
const OUT = { form: 'list', group: 'What leaves', takes: 'LIST' } as const;

/** A rate that `inetgw serve` may go to: see docs/following.md. */
function limit(direction: 'down' | 'up', end: 'Min' | 'Max', help: string) {
  return key<Described & { form: 'value' }, number>(
    { form: 'value', group: 'The line', takes: 'RATE', help },
    parseLineRate,
    (tuning, rate) => ({ ...tuning, limits: { ...tuning.limits, [`${direction}${end}`]: rate } }),
  );
}

const interactive = (tuning: Tuning, values: Partial<ClassSettings>): Tuning => ({
  ...tuning,
  interactive: { ...tuning.interactive, ...values },
});
const bulk = (tuning: Tuning, values: Partial<BulkSettings>): Tuning => ({
  ...tuning,
  bulk: { ...tuning.bulk, ...values },
});
/** Once the rule is left out, nothing puts it in again. */
const largeDownloads = (tuning: Tuning, values: Partial<Tuning['largeDownloads']>): Tuning =>
  tuning.largeDownloads === undefined
    ? tuning
    : { ...tuning, largeDownloads: { ...tuning.largeDownloads, ...values } };

/** Keys that make the shaper, in the order in which help and errors have them. */
const SHAPER_KEYS = {
  framing: {
    ...LINE,
    form: 'list',
    takes: 'KEYWORD',
    help: 'what the line, and tunnels on it, add to a packet, by name',
    words: [...FRAMING_WORDS, ...FRAMING_KEYWORDS, ...TUNNEL_KEYWORDS],
  },
  linklayer: {
    ...LINE,
    takes: 'KIND',
    help: 'the same by its parts: atm, ptm or ethernet',
    words: LINK_LAYERS,
  },
  overhead: { ...LINE, takes: 'N', help: 'bytes that the line adds to an IP packet' },
  mpu: { ...LINE, takes: 'N', help: 'the shortest frame on the line in bytes' },
  'down-min': limit('down', 'Min', 'DOWN is let fall to this where the line carries less'),
  'down-max': limit('down', 'Max', 'DOWN is let rise to this where the line carries more'),
  'up-min': limit('up', 'Min', 'the same of UP'),
  'up-max': limit('up', 'Max', 'the same of UP'),
  mark: key(
    { ...IN, takes: 'N', help: 'firewall mark of packets above 98 %', otherwise: '20' },
    parseMark,
    (tuning, mark) => ({ ...tuning, mark }),
  ),
  'large-packet': key(
    { ...IN, takes: 'BYTES', help: 'packets from this length are dropped above 99 %', otherwise: '1024' },
    (name, text) => parseWhole(name, text, 64, 65_535),
    (tuning, largePacketBytes) => ({ ...tuning, largePacketBytes }),
  ),
  'large-downloads': key(
    {
      ...IN,
      form: 'switch',
      help: 'drop marked packets of large downloads, whatever the file says',
      helpOfNo: 'leave the large-download rule out',
    },
    parseSwitch,
    (tuning, isWanted) => (isWanted ? tuning : { ...tuning, largeDownloads: undefined }),
  ),
  'large-download': key(
    { ...IN, takes: 'SIZE', help: 'a download is large above this size', otherwise: '10mb' },
    parseThreshold,
    (tuning, thresholdBytes) => largeDownloads(tuning, { thresholdBytes }),
  ),
  'large-download-ports': key(
    {
      ...IN,
      form: 'list',
      takes: 'LIST',
      help: 'server ports of downloads',
      otherwise: '80,443,8080,8443,20,21,989,990,udp/443',
    },
    parsePorts,
    largeDownloads,
  ),
  'interactive-ports': key(
    { ...OUT, help: 'ports whose traffic must not wait, such as udp/5060' },
    parsePorts,
    interactive,
  ),
  'interactive-dscp': key(
    { ...OUT, help: 'DSCP values that must not wait', otherwise: 'ef,va,cs4,cs5,cs6,cs7' },
    parseDscp,
    (tuning, dscp) => interactive(tuning, { dscp }),
  ),
  'interactive-hosts': key(
    { ...OUT, help: 'addresses and networks whose traffic must not wait' },
    parseHosts,
    (tuning, hosts) => interactive(tuning, { hosts }),
  ),
  'bulk-ports': key(
    { ...OUT, help: 'ports whose traffic may always wait', otherwise: '25,465,587' },
    parsePorts,
    bulk,
  ),
  'bulk-dscp': key(
    { ...OUT, help: 'DSCP values that may always wait', otherwise: 'cs1,le' },
    parseDscp,
    (tuning, dscp) => bulk(tuning, { dscp }),
  ),
  'bulk-hosts': key(
    { ...OUT, help: 'addresses and networks whose traffic may always wait' },
    parseHosts,
    (tuning, hosts) => bulk(tuning, { hosts }),
  ),
  'large-upload': key(
    { ...OUT, form: 'value', takes: 'SIZE', help: 'an upload is bulk above this size', otherwise: '10mb' },
    parseThreshold,
    (tuning, uploadThresholdBytes) => bulk(tuning, { uploadThresholdBytes }),
  ),
  'tunnel-ports': key(
    {
      ...OUT,
      help: 'ports of tunnels, which are no large uploads',
      otherwise: '1194, udp/1194, udp/4500, udp/51820, udp/1701, udp/4789, udp/6081',
    },
    parsePorts,
    (tuning, tunnels) => ({ ...tuning, tunnels }),
  ),
  firewall: choice(
    FIREWALL_CHOICES,
    { takes: 'TOOL', help: 'what carries the rules', otherwise: 'auto' },
    (tuning, firewall) => ({ ...tuning, firewall }),
  ),
  ingress: choice(
    INGRESS_CHOICES,
    { takes: 'WAY', help: 'drop what comes in too fast, or queue it on an ifb', otherwise: 'auto' },
    (tuning, ingress) => ({ ...tuning, ingress }),
  ),
  pacing: choice(
    PACING_CHOICES,
    { takes: 'WAY', help: 'window pacing of downloads by TCP', otherwise: 'auto' },
    (tuning, pacing) => ({ ...tuning, pacing }),
  ),
  fair: choice(
    FAIR_CHOICES,
    { takes: 'WHOM', help: 'who shares the line: each host, or each flow', otherwise: 'host' },
    (tuning, fair) => ({ ...tuning, fair }),
  ),
} as const satisfies Record<string, ShaperKeyDefinition>;

export type ShaperKey = keyof typeof SHAPER_KEYS;
export const SHAPER_KEY_NAMES = Object.keys(SHAPER_KEYS) as readonly ShaperKey[];

export const definitionOf = (key: ShaperKey): ShaperKeyDefinition => SHAPER_KEYS[key];

/** Whether the key says a part of the framing, which a keyword says as a whole. */
export function isFramingPart(key: ShaperKey): boolean {
  return 'partOf' in SHAPER_KEYS[key] && key !== 'framing';
}

/** Keys of the file that are options of `searchbw`: what reads them, and their names in the section. */
export const SEARCH_KEYS = {
  'ping-host': { form: 'value', parse: parseHostName, field: 'pingHost' },
  'max-rtt': { form: 'value', parse: parseAnswerTime, field: 'maxRttMs' },
  'max-loss': { form: 'value', parse: parsePercent, field: 'maxLossPercent' },
} as const satisfies Record<
  string,
  { form: KeyForm; parse: (name: string, text: string) => Parsed<string | number>; field: string }
>;

export type SearchKey = keyof typeof SEARCH_KEYS;
export const SEARCH_KEY_NAMES = Object.keys(SEARCH_KEYS) as readonly SearchKey[];

type ValueOf<Result> = Result extends { value: infer T } ? T : never;

/** What a section says about searchbw; undefined is searchbw's own default. */
export type SearchDefaults = {
  [K in SearchKey as (typeof SEARCH_KEYS)[K]['field']]:
    ValueOf<ReturnType<(typeof SEARCH_KEYS)[K]['parse']>> | undefined;
};

/** All keys of a section of the file: the rates are words on the command line. */
export const FILE_KEYS = {
  up: { form: 'value' },
  down: { form: 'value' },
  ...SHAPER_KEYS,
  ...SEARCH_KEYS,
} as const satisfies Record<string, { form: KeyForm }>;

export type FileKey = keyof typeof FILE_KEYS;
export const FILE_KEY_NAMES = Object.keys(FILE_KEYS) as readonly FileKey[];

type Camel<Key extends string> = Key extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Key;

/** The options as commander hands them over: text, unchecked; of a switch whether it is wanted. */
export type ShaperOptions = {
  [K in ShaperKey as Camel<K>]?: (typeof SHAPER_KEYS)[K]['form'] extends 'switch' ? boolean : string;
};

/** `large-packet` → `largePacket`, as commander names it. */
export function optionName<Key extends ShaperKey | SearchKey>(key: Key): Camel<Key> {
  return key.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) as Camel<Key>;
}
