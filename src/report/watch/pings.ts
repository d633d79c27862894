/** Pings to the next hop, one a second: what the answers of the last 10 s took. Pure. */

const SPAN_MS = 10_000;
/** As long as two more should have come meanwhile. */
const NOW_MS = 3000;

export interface PingAnswer {
  /** Of the same clock as `atMs` below. */
  atMs: number;
  roundTripMs: number;
}

export interface PingFigures {
  /** Null: none was found (yet). */
  host: string | null;
  /** Of the last answer; null: there was none for 3 s. */
  nowMs: number | null;
  /** Of the last 10 s; null: there was no answer. */
  p50Ms: number | null;
  mostMs: number | null;
  /** How many came in the last 10 s. */
  answers: number;
  /** Why no ping is sent; null: they are, or the host is still being looked for. */
  reason: string | null;
}

/** Those that `pingFigures` looks at, at this time or later. */
export const recentAnswers = (answers: readonly PingAnswer[], atMs: number): PingAnswer[] =>
  answers.filter((each) => atMs - each.atMs < SPAN_MS);

export function pingFigures(
  answers: readonly PingAnswer[],
  atMs: number,
  { host, reason }: Pick<PingFigures, 'host' | 'reason'>,
): PingFigures {
  const recent = recentAnswers(answers, atMs);
  const last = recent.at(-1);
  const sorted = recent.map(({ roundTripMs }) => roundTripMs).toSorted((one, other) => one - other);
  return {
    host,
    nowMs: last === undefined || atMs - last.atMs >= NOW_MS ? null : last.roundTripMs,
    p50Ms: sorted[Math.ceil(sorted.length / 2) - 1] ?? null,
    mostMs: sorted.at(-1) ?? null,
    answers: sorted.length,
    reason,
  };
}
