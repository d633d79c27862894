/**
 * The few statistics a measurement needs. Own code: the well-kept libraries bring hundreds of functions and
 * none that knows that successive pings are not independent, which is the one thing that matters here.
 */

export interface Summary {
  count: number;
  min: number;
  avg: number;
  median: number;
  p95: number;
  max: number;
}

/** Min, average, median, 95th percentile and maximum; nothing for no values. */
export function summarize(values: readonly number[]): Summary | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return {
    count: sorted.length,
    min: quantile(sorted, 0),
    avg: mean(sorted),
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max: quantile(sorted, 1),
  };
}

/** The arithmetic mean; 0 for no values. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) return 0;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Linear interpolation between the closest ranks (type 7 of Hyndman and Fan), `share` from 0 to 1. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** Sample standard deviation; 0 for fewer than two values. */
function standardDeviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** Lag-1 autocorrelation in time order, kept within 0…0.9: negative ones never make us surer than white noise. */
function autocorrelation(values: readonly number[]): number {
  const centre = mean(values);
  let products = 0;
  let squares = 0;
  let previous: number | undefined;
  for (const value of values) {
    const deviation = value - centre;
    squares += deviation ** 2;
    if (previous !== undefined) products += deviation * previous;
    previous = deviation;
  }
  if (squares === 0) return 0;
  return Math.min(0.9, Math.max(0, products / squares));
}

/**
 * Standard error of the mean of values in time order. Pings that follow each other meet the same queue, so n of
 * them count as n·(1−r)/(1+r) independent ones (r: lag-1 autocorrelation; AR(1) approximation).
 */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return Number.POSITIVE_INFINITY;
  const r = autocorrelation(values);
  const independent = Math.max(2, (values.length * (1 - r)) / (1 + r));
  return standardDeviation(values) / Math.sqrt(independent);
}

/**
 * Least-squares line through points in any order: by how much y rises over the whole stretch of x, and how
 * many standard errors that is (both 0 with fewer than four points or without spread in x).
 */
export function trend(points: readonly { x: number; y: number }[]): { rise: number; sigmas: number } {
  if (points.length < 4) return { rise: 0, sigmas: 0 };
  const centreX = mean(points.map((point) => point.x));
  const centreY = mean(points.map((point) => point.y));
  let xx = 0;
  let xy = 0;
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { x, y } of points) {
    xx += (x - centreX) ** 2;
    xy += (x - centreX) * (y - centreY);
    first = Math.min(first, x);
    last = Math.max(last, x);
  }
  if (xx === 0) return { rise: 0, sigmas: 0 };
  const slope = xy / xx;
  const residual = points.reduce((sum, { x, y }) => sum + (y - centreY - slope * (x - centreX)) ** 2, 0);
  const error = Math.sqrt(residual / (points.length - 2) / xx);
  const rise = slope * (last - first);
  return { rise, sigmas: error === 0 ? Math.sign(slope) * Number.MAX_VALUE : slope / error };
}

/** Which side of a limit the mean lies on, or that this is still open. */
export type Side = 'below' | 'above' | 'open';

/**
 * A sequential test of the mean against a limit: decided as soon as the mean is further than `z` standard
 * errors from it. The error is never taken as smaller than 2 % of the limit, so that a few equal answers
 * close to the limit do not decide by accident.
 */
export function sideOfLimit(values: readonly number[], limit: number, z: number): Side {
  if (values.length < 2) return 'open';
  const error = Math.max(standardError(values), limit * 0.02);
  const distance = mean(values) - limit;
  if (Math.abs(distance) <= z * error) return 'open';
  return distance < 0 ? 'below' : 'above';
}
