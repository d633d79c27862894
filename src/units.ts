/**
 * Rates, sizes and durations: parsed from what a user types, printed for a person.
 *
 * In tc `kbit` is kilobit and `kbps` is kilo*byte*; here only the bit forms are read, so nobody is off by
 * a factor of eight. Prefixes are decimal (1 kbit = 1000 bit), as in tc and on every provider's price list.
 */

const RATE_UNITS: Readonly<Record<string, number>> = {
  bit: 1,
  k: 1e3,
  kbit: 1e3,
  'kbit/s': 1e3,
  m: 1e6,
  mbit: 1e6,
  'mbit/s': 1e6,
  g: 1e9,
  gbit: 1e9,
  'gbit/s': 1e9,
};

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  bytes: 1,
  k: 1e3,
  kb: 1e3,
  kbyte: 1e3,
  kib: 1024,
  m: 1e6,
  mb: 1e6,
  mbyte: 1e6,
  mib: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gbyte: 1e9,
  gib: 1024 ** 3,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = { us: 1e-3, ms: 1, s: 1e3, min: 6e4, h: 3.6e6 };

/** Splits `12.5mbit` into 12.5 and `mbit`; nothing if it is not a plain decimal number with a unit. */
function splitNumber(text: string): { value: number; unit: string } | undefined {
  const match = /^(\d+(?:\.\d*)?|\.\d+)\s*([a-z/]*)$/i.exec(text.trim());
  if (match === null) return undefined;
  return { value: Number(match[1]), unit: (match[2] ?? '').toLowerCase() };
}

function parseWith(
  text: string,
  units: Readonly<Record<string, number>>,
  plainFactor: number,
): number | undefined {
  const number = splitNumber(text);
  if (number === undefined) return undefined;
  const factor =
    number.unit === '' ? plainFactor : Object.hasOwn(units, number.unit) ? units[number.unit] : undefined;
  const value = factor === undefined ? undefined : number.value * factor;
  // Hundreds of digits are no number any more.
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}

/**
 * A rate in bit/s. Plain numbers are kbit/s as in the article (`210`), also `1.7mbit`, `16mbit`, `1gbit`.
 * Undefined if the text is not a rate; sign and range are the caller's to judge.
 */
export function parseRateBitPerSec(text: string): number | undefined {
  const rate = parseWith(text, RATE_UNITS, 1e3);
  return rate === undefined ? undefined : Math.round(rate);
}

/** A size in bytes: `1024`, `10mb` (10,000,000), `64kib`. Undefined if the text is not a size. */
export function parseSizeBytes(text: string): number | undefined {
  const size = parseWith(text, SIZE_UNITS, 1);
  return size === undefined ? undefined : Math.round(size);
}

/** A duration in milliseconds: `100ms`, `2s`; plain numbers are ms. Undefined if the text is not one. */
export function parseDurationMs(text: string): number | undefined {
  return parseWith(text, DURATION_UNITS_MS, 1);
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

/** `850 ms`, `12.5 s`, `3 min 20 s`, `2 h 5 min`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${short(ms)} ms`;
  if (ms < 60_000) return `${short(ms / 1000)} s`;
  const totalSec = Math.round(ms / 1000);
  const hours = Math.floor(totalSec / 3600);
  const minutes = Math.floor((totalSec % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${totalSec % 60} s`;
}
