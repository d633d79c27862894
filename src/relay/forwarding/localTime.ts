/** The wall clock of this machine: TZ of the environment, else /etc/localtime. */
import { failure } from '../../core/errors.ts';

/** What the wall clock shows before UTC at a moment, in ms. */
export function localOffsetMs(epochMs: number): number {
  const at = new Date(epochMs);
  const wallMs = Date.UTC(
    at.getFullYear(),
    at.getMonth(),
    at.getDate(),
    at.getHours(),
    at.getMinutes(),
    at.getSeconds(),
    at.getMilliseconds(),
  );
  return wallMs - epochMs;
}

/** `Sat 2026-11-28 18:00`. */
export function formatLocal(epochMs: number): string {
  const wall = new Date(epochMs + localOffsetMs(epochMs));
  return `${wall.toUTCString().slice(0, 3)} ${wall.toISOString().slice(0, 16).replace('T', ' ')}`;
}

/** The name of the time zone; undefined where Node has found none and goes by UTC. */
export function zoneName(): string | undefined {
  const { TZ } = process.env;
  if (TZ !== undefined && TZ !== '' && !isZone(TZ)) return undefined;
  // Against its type it is undefined where there is no such zone.
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone as string | undefined;
  return TZ === '' ? 'UTC' : name === 'Etc/Unknown' ? undefined : name;
}

function isZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Times of day would go by UTC without a word. Throws a `UserError`. */
export function requireZone(): void {
  if (zoneName() !== undefined) return;
  const { TZ } = process.env;
  const what =
    TZ === undefined ? 'the time zone of /etc/localtime is not known' : `TZ is no time zone: ${TZ}`;
  throw failure(`${what}, and limits by time go by it`, 'as in: TZ=Europe/Berlin');
}

/** The zone may be another one than at the start of the process, which Node would not notice. */
export function readZoneAgain(): void {
  const { TZ } = process.env;
  if (TZ === undefined) delete process.env['TZ'];
  else process.env['TZ'] = TZ;
}
