/** What is answered of reports: the list of them, and the page of one. Pure. */
import type { ReportSnapshot, ReportsLine } from '../feed/reports.ts';
import { jsonAnswer, type Answer } from './answers.ts';
import { policyOf } from './policy.ts';

/** The structure of `/api/v1/reports`. */
export interface ReportsJson {
  /** The newest first. `path` leads to its page, from where the page of inetgw is. */
  reports: (Omit<ReportSnapshot, 'page'> & { path: string })[];
}

const pagePath = (name: string): string => `reports/${encodeURIComponent(name)}`;

export const reportsJson = (line: ReportsLine | undefined): ReportsJson => ({
  reports: (line?.reports ?? []).map(({ name, device, finishedAtMs, directions }) => ({
    ...{ name, device, finishedAtMs, directions },
    path: pagePath(name),
  })),
});

/** Undefined: the path is none of theirs. */
export function reportsAnswer(path: string, line: ReportsLine | undefined): Answer | undefined {
  if (path === '/api/v1/reports') return jsonAnswer(200, reportsJson(line));
  const found = line?.reports.find(({ name }) => path === `/${pagePath(name)}`);
  if (line === undefined || found === undefined) return undefined;
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: found.page,
    headers: { 'content-security-policy': policyOf([`style-src ${line.styleHash}`]) },
  };
}
