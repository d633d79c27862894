/** Rates that are possible and hardly meant. Pure. */
import { compactRate, formatRate, isPlainNumber } from '../core/units.ts';

/** What is asked on a terminal, and warned of elsewhere. */
export interface RateDoubt {
  kind: 'unit' | 'order';
  text: string;
  /** What may be meant, as it is typed. */
  instead: { up: string; down: string };
}

interface Rates {
  upBitPerSec: number;
  downBitPerSec: number;
}

/** Rates as they were typed or stand in the file. */
export interface RateTexts {
  up: string;
  down: string;
}

/**
 * Plain numbers up to this are kbit/s that no cable, fibre, mobile or Ethernet access has, and Mbit/s that many have. A ppp
 * device may well be a slow ADSL line.
 */
const LEAST_ACCESS_BIT_PER_SEC = 1_000_000;
/** No access, not even ADSL, has so many times the rate in one direction. */
const MOST_BETWEEN_DIRECTIONS = 50;
/** No access is sold with so many times more up than down. */
const MOST_UP_TO_DOWN = 4;

/** @param mayBeSlow the device can be a line of any rate: ppp, or a tunnel */
export function rateDoubt(
  { upBitPerSec, downBitPerSec }: Rates,
  { up, down }: RateTexts,
  mayBeSlow: boolean,
): RateDoubt | undefined {
  const arePlain = isPlainNumber(up) && isPlainNumber(down);
  if (!mayBeSlow && arePlain && Math.max(upBitPerSec, downBitPerSec) <= LEAST_ACCESS_BIT_PER_SEC) {
    return {
      kind: 'unit',
      text: `plain numbers are kbit/s, and ${formatRate(upBitPerSec)} up and ${formatRate(downBitPerSec)} down are less than this kind of access has`,
      instead: { up: `${up.trim()}mbit`, down: `${down.trim()}mbit` },
    };
  }
  const forgotten = forgottenUnit({ upBitPerSec, downBitPerSec }, { up, down }, mayBeSlow);
  if (forgotten !== undefined) return forgotten;
  if (upBitPerSec > MOST_UP_TO_DOWN * downBitPerSec) {
    return {
      kind: 'order',
      text: `UP (${formatRate(upBitPerSec)}) is above DOWN (${formatRate(downBitPerSec)}): are they swapped? The uplink comes first`,
      instead: { up: down.trim(), down: up.trim() },
    };
  }
  return undefined;
}

/** One rate has a unit and the other, far below it, has none: `100 50mbit`. */
function forgottenUnit(
  { upBitPerSec, downBitPerSec }: Rates,
  { up, down }: RateTexts,
  mayBeSlow: boolean,
): RateDoubt | undefined {
  if (isPlainNumber(up) === isPlainNumber(down)) return undefined;
  const isUp = isPlainNumber(up);
  const [plain, other] = isUp ? [upBitPerSec, downBitPerSec] : [downBitPerSec, upBitPerSec];
  if (plain > LEAST_ACCESS_BIT_PER_SEC || other <= LEAST_ACCESS_BIT_PER_SEC) return undefined;
  if (mayBeSlow && other <= MOST_BETWEEN_DIRECTIONS * plain) return undefined;
  return {
    kind: 'unit',
    text: `plain numbers are kbit/s, and ${isUp ? 'UP' : 'DOWN'} is ${formatRate(plain)} beside ${formatRate(other)} ${isUp ? 'down' : 'up'}`,
    instead: {
      up: isUp ? `${up.trim()}mbit` : up.trim(),
      down: isUp ? down.trim() : `${down.trim()}mbit`,
    },
  };
}

/** The rates with their unit, so that nobody is asked again. */
export function explicitRates({ upBitPerSec, downBitPerSec }: Rates): RateTexts {
  return { up: compactRate(upBitPerSec), down: compactRate(downBitPerSec) };
}
