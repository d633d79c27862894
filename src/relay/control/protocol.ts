/** What goes over the control socket: a JSON object per line, answered in order by a JSON object per line. */
import type { Reply } from '../prompt/execute.ts';
import type { RelayStats } from '../statistics/stats.ts';

export type Request =
  { do: 'execute'; line: string } | { do: 'complete'; line: string } | { do: 'stats' } | { do: 'reload' };

/** What came of reading the configuration again; without errors it was done. */
export interface Reloaded {
  readonly errors: readonly { readonly message: string; readonly hint?: string; readonly exitCode: number }[];
}

/** The answer that belongs to each request. */
export interface Answers {
  execute: Reply;
  complete: [string[], string];
  stats: RelayStats;
  reload: Reloaded;
}

/** The error of a request that is not known. */
export const NOT_A_REQUEST = 'not a request';

export type Response = { result: Answers[keyof Answers] } | { error: string };

/** Longer lines are not commands. */
export const MAX_REQUEST_BYTES = 65_536;

/** An answer, or undefined if the text is not one: then it is no relay that answers. */
export function parseResponse(text: string): Response | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return 'result' in value || ('error' in value && typeof value.error === 'string')
      ? (value as Response)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A request, or undefined if the text is not one. */
export function parseRequest(text: string): Request | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('do' in value)) return undefined;
  if (value.do === 'stats' || value.do === 'reload') return { do: value.do };
  const line = 'line' in value ? value.line : undefined;
  if (typeof line !== 'string' || line.length > MAX_REQUEST_BYTES) return undefined;
  return value.do === 'execute' || value.do === 'complete' ? { do: value.do, line } : undefined;
}
