/** Amounts as the screen has them; `-`: not known. Pure. */
import { formatRate } from '../../core/units.ts';

export const rate = (bitPerSec: number | null): string =>
  bitPerSec === null ? '-' : formatRate(Math.round(bitPerSec));

export const number = (value: number | null): string =>
  value === null
    ? '-'
    : value < 10
      ? String(Number(value.toFixed(1)))
      : Math.round(value).toLocaleString('en-US');

export const ms = (value: number | null): string =>
  value === null ? '-' : value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
