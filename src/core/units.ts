/**
 * Rates, sizes and durations: parsed from what a user types, printed for a person.
 *
 * Rates are bits: `16Mbps` is 16 Mbit/s, as on every provider's price list (tc's own `mbps`, megabytes, is understood by
 * nobody who has not read its manual). What says bytes (`2MB/s`, `2MByte/s`) is no rate of a line: it is refused with
 * what to type instead, so nobody is off by a factor of eight. Prefixes are decimal (1 kbit = 1000 bit) but for the
 * binary ones of tc (`mibit`).
 */

const PREFIXES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};

/** What stands behind the prefix of a rate in bits, in small letters. */
const BIT_WORD = /^(?:bits?|bits?\/s|bits?\/sec|bits?ps|bps|b\/s|b)$/;
/** The same of bytes; of a single letter, the capital says so. */
const BYTE_WORD = /^(?:bytes?|bytes?\/s|bytes?\/sec|octets?(?:\/s)?|o\/s)$/;
const BYTE_LETTER = /^B(?:\/s|\/sec|ps)?$/;

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  bytes: 1,
  k: 1e3,
  kb: 1e3,
  kbyte: 1e3,
  kbytes: 1e3,
  kib: 1024,
  m: 1e6,
  mb: 1e6,
  mbyte: 1e6,
  mbytes: 1e6,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gbyte: 1e9,
  gbytes: 1e9,
  gib: 1024 ** 3,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  us: 1e-3,
  ms: 1,
  msec: 1,
  s: 1e3,
  sec: 1e3,
  secs: 1e3,
  min: 6e4,
  mins: 6e4,
  h: 3.6e6,
};

interface NumberWithUnit {
  value: number;
  /** As it was written. */
  unit: string;
}

/** Splits `12.5Mbit/s` into 12.5 and `Mbit/s`; nothing if it is not a plain decimal number with a unit. */
function splitNumber(text: string): NumberWithUnit | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)\s*([a-z/]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  return { value: Number(match[1]), unit: match[2] ?? '' };
}

/** True for a number without a unit. */
export function isPlainNumber(text: string): boolean {
  return splitNumber(text)?.unit === '';
}

/** True for a unit of a rate without its number, as in `10 mbit` typed as two words. */
export function isRateUnit(text: string): boolean {
  return /^[a-z]/i.test(text) && bitsOfUnit(text) !== undefined;
}

function parseWith(
  text: string,
  units: Readonly<Record<string, number>>,
  plainFactor: number,
): number | undefined {
  const number = splitNumber(text);
  if (number === undefined) return undefined;
  const unit = number.unit.toLowerCase();
  const factor = unit === '' ? plainFactor : Object.hasOwn(units, unit) ? units[unit] : undefined;
  return finite(factor === undefined ? undefined : number.value * factor);
}

/** Hundreds of digits are no number any more. */
const finite = (value: number | undefined): number | undefined =>
  value === undefined || !Number.isFinite(value) ? undefined : value;

/** Splits `Mbit/s` into the factor of its prefix and what is behind it, for each way of reading it. */
function readingsOf(unit: string): { factor: number; word: string }[] {
  return Object.entries(PREFIXES).flatMap(([prefix, factor]) =>
    unit.toLowerCase().startsWith(prefix) ? [{ factor, word: unit.slice(prefix.length) }] : [],
  );
}

/** The bits of a unit of rates; undefined: it is none. A prefix alone (`16m`) is bits as well. */
function bitsOfUnit(unit: string): number | undefined {
  if (bytesOfUnit(unit) !== undefined) return undefined;
  const reading = readingsOf(unit).find(
    ({ word, factor }) =>
      BIT_WORD.test(word.toLowerCase()) || (word === '' && [1e3, 1e6, 1e9].includes(factor)),
  );
  // `b` and `b/s` alone are as likely to be bytes.
  return reading === undefined || /^b(?:\/s)?$/i.test(unit) ? undefined : reading.factor;
}

/** The bytes of a unit that says bytes: `MB/s`, `MByte/s`, `kBps`, but not `MBPS`, which is somebody shouting. */
function bytesOfUnit(unit: string): number | undefined {
  return readingsOf(unit).find(({ word }) => BYTE_LETTER.test(word) || BYTE_WORD.test(word.toLowerCase()))
    ?.factor;
}

/**
 * A rate in bit/s. Plain numbers are kbit/s as in the article (`210`), also `1.7mbit`, `16Mbps`, `10Mb/s`, `1gbit`.
 * Undefined if the text is not a rate; sign and range are the caller's to judge, `rateAdvice` says what to type.
 */
export function parseRateBitPerSec(text: string): number | undefined {
  const number = splitNumber(text);
  if (number === undefined) return undefined;
  const factor = number.unit === '' ? 1e3 : bitsOfUnit(number.unit);
  const rate = finite(factor === undefined ? undefined : number.value * factor);
  return rate === undefined ? undefined : Math.round(rate);
}

/**
 * A rate in bytes per second, as `iprelay` counts: plain numbers are bytes per second as in ip_relay (`512`), `100k`,
 * `100kB/s` and the sizes too, and bits where they are spelt out (`1mbit` is 125000). Undefined if it is no such rate,
 * if it could be either (`100kb/s`), or if it would be rounded to 0.
 */
export function parseRateBytePerSec(text: string): number | undefined {
  return wholeBytes(exactBytePerSec(text));
}

function exactBytePerSec(text: string): number | undefined {
  const size = parseWith(text, SIZE_UNITS, 1);
  if (size !== undefined) return size;
  const number = splitNumber(text);
  if (number === undefined) return undefined;
  const bytes = bytesOfUnit(number.unit);
  const bits = /bit|bps$/i.test(number.unit) ? bitsOfUnit(number.unit) : undefined;
  const factor = bytes ?? (bits === undefined ? undefined : bits / 8);
  return finite(factor === undefined ? undefined : number.value * factor);
}

/** Rounded; undefined where something would become nothing: 0 is no limit at all, and not a low one. */
function wholeBytes(bytes: number | undefined): number | undefined {
  return bytes === undefined || (bytes > 0 && bytes < 0.5) ? undefined : Math.round(bytes);
}

/** What to type instead of something that is nearly a rate in bits; undefined: it is not near enough. */
export function rateAdvice(text: string): string | undefined {
  const comma = commaAdvice(text, (each) => parseRateBitPerSec(each) !== undefined);
  if (comma !== undefined) return comma;
  const number = splitNumber(text);
  if (number === undefined) return undefined;
  const factor = bytesOfUnit(number.unit);
  if (factor === undefined) return undefined;
  const bits = number.value * factor;
  return `'${number.unit}' is bytes: type ${compactRate(bits * 8)}, or ${compactRate(bits)} if bits are meant`;
}

/** The same for a rate in bytes per second. */
export function byteRateAdvice(text: string): string | undefined {
  const comma = commaAdvice(text, (each) => parseRateBytePerSec(each) !== undefined);
  if (comma !== undefined) return comma;
  const exact = exactBytePerSec(text);
  if (exact !== undefined && wholeBytes(exact) === undefined) return 'the least is 1';
  const number = splitNumber(text);
  const factor = number === undefined ? undefined : bitsOfUnit(number.unit);
  if (number === undefined || factor === undefined) return undefined;
  const value = number.value * factor;
  return `bits or bytes? Type ${compactRate(value)}, or ${compactRate(value).replace(/bit$/, 'B/s')}`;
}

/** The same for a size. */
export function sizeAdvice(text: string): string | undefined {
  const comma = commaAdvice(text, (each) => parseSizeBytes(each) !== undefined);
  if (comma !== undefined) return comma;
  const number = splitNumber(text);
  if (number === undefined || bitsOfUnit(number.unit) === undefined) return undefined;
  return 'sizes are in bytes: 10mb';
}

/** `1,7mbit` and `16,000`: what to type, if that would be understood. */
function commaAdvice(text: string, isUnderstood: (text: string) => boolean): string | undefined {
  const trimmed = text.trim();
  if (!/^[\d.]*\d,\d/.test(trimmed)) return undefined;
  const grouped = /^\d{1,3}(?:,\d{3})+(?!\d)/.test(trimmed) ? trimmed.replaceAll(',', '') : undefined;
  const decimal = trimmed.replace(',', '.');
  const candidates = [...new Set([grouped, decimal])].filter(
    (each) => each !== undefined && isUnderstood(each),
  );
  return candidates.length === 0
    ? undefined
    : `numbers take a point and no comma: type ${candidates.join(' or ')}`;
}

/** `1.7mbit`, `210kbit`: one word that `parseRateBitPerSec` takes, to within a bit/s. */
export function compactRate(bitPerSec: number): string {
  const [factor, unit] =
    bitPerSec >= 1e9
      ? ([1e9, 'gbit'] as const)
      : bitPerSec >= 1e6
        ? ([1e6, 'mbit'] as const)
        : bitPerSec >= 1e3
          ? ([1e3, 'kbit'] as const)
          : ([1, 'bit'] as const);
  return `${bitPerSec / factor}${unit}`;
}

/** A size in bytes: `1024`, `10mb` (10,000,000), `64kib`. Undefined if the text is not a size, or would be rounded to 0. */
export function parseSizeBytes(text: string): number | undefined {
  return wholeBytes(parseWith(text, SIZE_UNITS, 1));
}

/** A duration in milliseconds: `100ms`, `2s`; plain numbers are ms. Undefined if the text is not one. */
export function parseDurationMs(text: string): number | undefined {
  return parseWith(text, DURATION_UNITS_MS, 1);
}

/** What to type instead of something that is nearly a duration. */
export function durationAdvice(text: string): string | undefined {
  return commaAdvice(text, (each) => parseDurationMs(each) !== undefined);
}

/** At most four significant digits, no trailing zeros: 1.71, 16, 999.9. */
function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** `210 kbit/s`, `1.71 Mbit/s`, `10 Gbit/s`: for people. */
export function formatRate(bitPerSec: number): string {
  if (bitPerSec >= 1e9) return `${short(bitPerSec / 1e9)} Gbit/s`;
  if (bitPerSec >= 1e7) return `${short(bitPerSec / 1e6)} Mbit/s`;
  if (bitPerSec >= 1e3) return `${short(bitPerSec / 1e3)} kbit/s`;
  return `${short(bitPerSec)} bit/s`;
}

/** `640 B`, `12.3 kB`, `10 MB`: for people, decimal prefixes. */
export function formatSize(bytes: number): string {
  if (bytes >= 1e9) return `${short(bytes / 1e9)} GB`;
  if (bytes >= 1e6) return `${short(bytes / 1e6)} MB`;
  if (bytes >= 1e3) return `${short(bytes / 1e3)} kB`;
  return `${short(bytes)} B`;
}

/**
 * `1 packet`, `2 packets`, `- packets`: a number as it is shown, and a noun that takes an s.
 * By the text, since 0.98 may be shown as 1.
 */
export function counted(shown: string | number, noun: string): string {
  return `${shown} ${noun}${String(shown) === '1' ? '' : 's'}`;
}

/** `850 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${short(ms)} ms`;
  if (ms < 60_000) return `${short(ms / 1000)} s`;
  const totalSec = Math.round(ms / 1000);
  const hours = Math.floor(totalSec / 3600);
  const minutes = Math.floor((totalSec % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${totalSec % 60} s`;
}

/** A rate as a command-line number in kbit/s: `1650`, `1.5`. */
export function kbit(bitPerSec: number): string {
  return String(Number((bitPerSec / 1000).toFixed(3)));
}
