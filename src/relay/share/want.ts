/**
 * How much a relay wants of a limit, from what it has sent: all of it while something waits for the limit, else a little more
 * than of late, so that it can grow until something waits. Pure: times and counters are handed in.
 */
const HEADROOM = 1.25;
/** Of late: so long, in ms. Longer than a segment takes at the limits where that counts. */
const WINDOW_MS = 1000;

export class Want {
  #samples: { readonly atMs: number; readonly totalBytes: number }[] = [];

  /** Bytes per second; `waits` if something has waited for the limit since the last call. */
  at(nowMs: number, totalBytes: number, waits: boolean, limitBytesPerSec: number): number {
    this.#samples.push({ atMs: nowMs, totalBytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[1]?.atMs ?? nowMs) >= WINDOW_MS)
      this.#samples.shift();
    if (limitBytesPerSec === 0) return 0;
    if (waits) return limitBytesPerSec;
    const [oldest] = this.#samples;
    const elapsedMs = nowMs - (oldest?.atMs ?? nowMs);
    if (elapsedMs <= 0) return 0;
    const rate = ((totalBytes - (oldest?.totalBytes ?? 0)) * 1000) / elapsedMs;
    return Math.min(limitBytesPerSec, rate * HEADROOM);
  }
}
