/** Axes: from values to positions, and the round numbers to write beside them. Pure. */

export interface Scale {
  /** Position of a value, 0 at the low end to 1 at the high end. */
  position: (value: number) => number;
  ticks: readonly number[];
  low: number;
  high: number;
}

/** A linear scale whose ends are round where `roundEnds` asks for it. */
export function linearScale(low: number, high: number, wantedTicks: number, roundEnds = true): Scale {
  // Values that differ by less than numbers can carry count as one.
  const apart = high - low > 1e-9 * Math.max(Math.abs(low), Math.abs(high));
  const span = apart ? high - low : Math.max(1, Math.abs(high));
  const top = low + span;
  const step = roundStep(span / Math.max(1, wantedTicks));
  const from = roundEnds ? Math.floor(low / step + 1e-9) * step : low;
  const to = roundEnds ? Math.ceil(top / step - 1e-9) * step : top;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => tidy((first + index) * step));
  return { position: (value) => (value - from) / (to - from), ticks, low: from, high: to };
}

/** A logarithmic scale over powers of ten with 1, 2 and 5 between; `low` must be above zero. */
export function logScale(low: number, high: number): Scale {
  const marks: number[] = [];
  const bottom = Math.max(low, 1e-6);
  for (let power = Math.floor(Math.log10(bottom)); power <= Math.ceil(Math.log10(high)) + 1; power++) {
    for (const digit of [1, 2, 5]) marks.push(tidy(digit * 10 ** power));
  }
  const from = marks.filter((mark) => mark <= bottom).at(-1) ?? bottom;
  const to = marks.find((mark) => mark >= high && mark > from) ?? high;
  return {
    position: (value) => Math.log(Math.max(value, from) / from) / Math.log(to / from),
    ticks: marks.filter((mark) => mark >= from && mark <= to),
    low: from,
    high: to,
  };
}

/** 1, 2 or 5 times a power of ten, the nearest one at or above. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = step / power;
  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

/** Without the dust of binary fractions: 0.30000000000000004 → 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}
