/**
 * What is due to each who shares a limit, by another way than the relays': the level is searched at which all is given out. Who
 * wants less than level times weight has what it wants; what nobody wants is divided by weight.
 */
export function maxMin(
  limit: number,
  those: readonly { readonly want: number; readonly weight: number }[],
): number[] {
  const at = (level: number): number[] => those.map(({ want, weight }) => Math.min(want, level * weight));
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
  let [low, high] = [0, limit];
  for (let step = 0; step < 200; step++) {
    const middle = (low + high) / 2;
    if (sum(at(middle)) > limit) high = middle;
    else low = middle;
  }
  const due = at(low);
  const rest = Math.max(0, limit - sum(due));
  const weights = sum(those.map(({ weight }) => weight));
  // The search ends within a rounding of the limit: that is no rest.
  return due.map((each, n) => each + (rest < limit * 1e-9 ? 0 : (rest * (those[n]?.weight ?? 0)) / weights));
}
