/** What is answered of reports: the list of them, and the page of one. Pure. */
import { decoded, jsonAnswer, type Answer } from './answers.ts';
import { policyOf } from './policy.ts';

export interface Report {
  /** Of its file. */
  name: string;
  device: string;
  /** Unix time in ms. */
  finishedAtMs: number;
  directions: readonly ReportDirection[];
  /** HTML, made anew of the result: whatever came from outside is escaped in it, and nothing in it runs. */
  page: string;
}

export interface ReportDirection {
  direction: 'down' | 'up';
  /** Raw; null: none could be recommended. */
  recommendedBitPerSec: number | null;
}

/** The structure of `/api/v1/reports`. */
export interface ReportsJson {
  /** The newest first. `path` leads to its page, from where the page of inetgw is. */
  reports: (Omit<Report, 'page'> & { path: string })[];
}

const FOLDER = '/reports/';

export const reportsJson = (reports: readonly Report[]): ReportsJson => ({
  reports: reports.map(({ name, device, finishedAtMs, directions }) => ({
    ...{ name, device, finishedAtMs, directions },
    path: `${FOLDER.slice(1)}${encodeURIComponent(name)}`,
  })),
});

/**
 * Undefined: the path is none of theirs.
 * @param path as it was asked for
 * @param reports the newest first
 * @param styleSource of the style in each page, as a policy takes it: `'sha256-…'`
 */
export function reportsAnswer(
  path: string,
  reports: readonly Report[],
  styleSource: string,
): Answer | undefined {
  if (path === '/api/v1/reports') return jsonAnswer(200, reportsJson(reports));
  const wanted = path.startsWith(FOLDER) ? decoded(path.slice(FOLDER.length)) : undefined;
  const found = reports.find(({ name }) => name === wanted);
  if (found === undefined) return undefined;
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: found.page,
    headers: { 'content-security-policy': policyOf([`style-src ${styleSource}`]) },
  };
}
