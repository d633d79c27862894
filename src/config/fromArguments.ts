/** From the words of the command line to checked settings; every error is reported, not only the first. */
import { UserErrors, usageError, type UserError } from '../errors.ts';
import { FRAMING_KEYWORDS, framingByKeyword, type Framing, type LinkLayer } from '../shaper/framing.ts';
import {
  DEFAULT_SETTINGS,
  MAX_RATE_BIT_PER_SEC,
  MIN_RATE_BIT_PER_SEC,
  type FirewallChoice,
  type LargeDownloadSettings,
  type ShaperSettings,
} from '../shaper/settings.ts';
import { deviceNameProblem } from '../system/link.ts';
import { formatRate, parseRateBitPerSec, parseSizeBytes } from '../units.ts';
import { closest } from './suggest.ts';

/** The options as commander hands them over: text, unchecked. */
export interface ShaperOptions {
  linklayer?: string;
  overhead?: string;
  mpu?: string;
  framing?: string;
  mark?: string;
  largePacket?: string;
  largeDownload?: string;
  largeDownloadPorts?: string;
  /** False after --no-large-downloads. */
  largeDownloads?: boolean;
  bulkPorts?: string;
  largeUpload?: string;
  firewall?: string;
}

export interface SettingsResult {
  settings: ShaperSettings;
  /** Doubts that do not stop anything. */
  warnings: readonly string[];
}

/** Throws `UserErrors` with all that is wrong. */
export function settingsFromArguments(
  device: string,
  up: string,
  down: string,
  options: ShaperOptions,
): SettingsResult {
  const errors: UserError[] = [];
  const note = <T>(parsed: Parsed<T>, otherwise: T): T => {
    if (!('problem' in parsed)) return parsed.value;
    errors.push(usageError(parsed.problem, parsed.hint));
    return otherwise;
  };

  const deviceProblem = deviceNameProblem(device);
  if (deviceProblem !== undefined) errors.push(usageError(deviceProblem));
  const upBitPerSec = note(parseLineRate('UP', up), 0);
  const downBitPerSec = note(parseLineRate('DOWN', down), 0);
  const defaults = DEFAULT_SETTINGS;
  const settings: ShaperSettings = {
    ...defaults,
    device,
    upBitPerSec,
    downBitPerSec,
    framing: note(parseFraming(options), undefined),
    mark: options.mark === undefined ? defaults.mark : note(parseMark(options.mark), 0),
    largePacketBytes:
      options.largePacket === undefined
        ? defaults.largePacketBytes
        : note(parseWhole('--large-packet', options.largePacket, 64, 65_535), 0),
    largeDownloads: note(parseLargeDownloads(options), undefined),
    bulk: {
      ...defaults.bulk,
      ...(options.bulkPorts === undefined
        ? {}
        : note(parsePorts('--bulk-ports', options.bulkPorts), NO_PORTS)),
      ...(options.largeUpload === undefined
        ? {}
        : { uploadThresholdBytes: note(parseThreshold('--large-upload', options.largeUpload), 0) }),
    },
    firewall: note(parseFirewall(options.firewall), 'auto'),
  };
  if (errors.length > 0) throw new UserErrors(errors);
  return { settings, warnings: doubts(settings) };
}

type Parsed<T> = { value: T } | { problem: string; hint?: string };

const NO_PORTS = { tcpPorts: [], udpPorts: [] };

function doubts({ upBitPerSec, downBitPerSec }: ShaperSettings): string[] {
  if (upBitPerSec <= downBitPerSec) return [];
  const [up, down] = [formatRate(upBitPerSec), formatRate(downBitPerSec)];
  return [`UP (${up}) is above DOWN (${down}): are they swapped? The uplink comes first`];
}

/** A raw rate of the line in bit/s. */
export function parseLineRate(name: string, text: string): Parsed<number> {
  const rate = parseRateBitPerSec(text);
  if (rate === undefined) {
    return {
      problem: `${name} is '${text}', which is no rate`,
      hint: 'plain numbers are kbit/s; 1.7mbit, 16mbit and 1gbit are understood too',
    };
  }
  if (rate < MIN_RATE_BIT_PER_SEC || rate > MAX_RATE_BIT_PER_SEC) {
    const [low, high] = [formatRate(MIN_RATE_BIT_PER_SEC), formatRate(MAX_RATE_BIT_PER_SEC)];
    return { problem: `${name} is ${formatRate(rate)}; it must be between ${low} and ${high}` };
  }
  return { value: rate };
}

function parseFraming(options: ShaperOptions): Parsed<Framing | undefined> {
  const { framing, linklayer, overhead, mpu } = options;
  if (framing !== undefined && (linklayer !== undefined || overhead !== undefined || mpu !== undefined)) {
    return { problem: '--framing already says --linklayer, --overhead and --mpu: use one or the other' };
  }
  if (framing !== undefined) {
    const known = framingByKeyword(framing);
    if (known !== undefined) return { value: known };
    const suggestion = closest(framing, FRAMING_KEYWORDS);
    const meant = suggestion === undefined ? '' : `did you mean ${suggestion}? `;
    return {
      problem: `--framing ${framing} is not known`,
      hint: `${meant}known: ${FRAMING_KEYWORDS.join(', ')}`,
    };
  }
  if (linklayer === undefined && overhead === undefined && mpu === undefined) return { value: undefined };
  if (linklayer === undefined)
    return { problem: '--overhead and --mpu need --linklayer atm, ptm or ethernet' };
  if (!isLinkLayer(linklayer)) {
    return { problem: `--linklayer ${linklayer} is not known`, hint: 'known: atm, ptm, ethernet' };
  }
  if (overhead === undefined) {
    return { problem: '--linklayer needs --overhead N, the bytes that the line adds to an IP packet' };
  }
  // The range that tc takes for a stab; a packet cannot shrink below its own header.
  const overheadBytes = parseWhole('--overhead', overhead, -14, 256);
  if ('problem' in overheadBytes) return overheadBytes;
  const mpuBytes = mpu === undefined ? { value: 0 } : parseWhole('--mpu', mpu, 0, 256);
  if ('problem' in mpuBytes) return mpuBytes;
  return {
    value: {
      name: 'custom',
      linkLayer: linklayer,
      overheadBytes: overheadBytes.value,
      mpuBytes: mpuBytes.value,
    },
  };
}

function isLinkLayer(text: string): text is LinkLayer {
  return text === 'atm' || text === 'ptm' || text === 'ethernet';
}

function parseLargeDownloads(options: ShaperOptions): Parsed<LargeDownloadSettings | undefined> {
  const defaults = DEFAULT_SETTINGS.largeDownloads;
  if (options.largeDownloads === false || defaults === undefined) return { value: undefined };
  const threshold =
    options.largeDownload === undefined
      ? { value: defaults.thresholdBytes }
      : parseThreshold('--large-download', options.largeDownload);
  if ('problem' in threshold) return threshold;
  const ports =
    options.largeDownloadPorts === undefined
      ? { value: { tcpPorts: defaults.tcpPorts, udpPorts: defaults.udpPorts } }
      : parsePorts('--large-download-ports', options.largeDownloadPorts);
  if ('problem' in ports) return ports;
  return { value: { thresholdBytes: threshold.value, ...ports.value } };
}

function parseThreshold(name: string, text: string): Parsed<number> {
  const bytes = parseSizeBytes(text);
  if (bytes === undefined || bytes < 1 || bytes > 1e15) {
    return {
      problem: `${name} is '${text}', which is no size above zero`,
      hint: 'for example 10mb, 512kb or 64mib',
    };
  }
  return { value: bytes };
}

function parseMark(text: string): Parsed<number> {
  return parseWhole('--mark', text, 1, 0xffff_ffff);
}

/** `80,443,udp/443`: plain numbers are TCP. */
function parsePorts(name: string, text: string): Parsed<{ tcpPorts: number[]; udpPorts: number[] }> {
  const ports = { tcpPorts: new Set<number>(), udpPorts: new Set<number>() };
  for (const word of text.split(',').map((each) => each.trim())) {
    const match = /^(?:(tcp|udp)\/)?(\d+)$/.exec(word);
    const number = Number(match?.[2]);
    if (match === null || number < 1 || number > 65_535) {
      return { problem: `${name}: '${word}' is no port`, hint: 'for example 80,443,udp/443' };
    }
    (match[1] === 'udp' ? ports.udpPorts : ports.tcpPorts).add(number);
  }
  return { value: { tcpPorts: [...ports.tcpPorts], udpPorts: [...ports.udpPorts] } };
}

function parseFirewall(text: string | undefined): Parsed<FirewallChoice> {
  if (text === undefined) return { value: DEFAULT_SETTINGS.firewall };
  if (text === 'auto' || text === 'nft' || text === 'iptables' || text === 'none') return { value: text };
  return { problem: `--firewall ${text} is not known`, hint: 'known: auto, nft, iptables, none' };
}

function parseWhole(name: string, text: string, low: number, high: number): Parsed<number> {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= low && value <= high)) {
    return { problem: `${name} is '${text}'; it must be a whole number from ${low} to ${high}` };
  }
  return { value };
}
