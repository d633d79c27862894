/** What is answered of reports: the list of them, and the page of one. Pure. */
import type { ReportSnapshot, ReportsLine } from '../feed/reports.ts';
import type { Answer } from './answers.ts';

/** The structure of `/api/v1/reports`. */
export interface ReportsJson {
  /** The newest first. `path` leads to its page, from where the page of inetgw is. */
  reports: (Omit<ReportSnapshot, 'page'> & { path: string })[];
}

const FOLDER = 'reports/';

export const reportsJson = (line: ReportsLine | undefined): ReportsJson => ({
  reports: (line?.reports ?? []).map(({ name, device, finishedAtMs, directions }) => ({
    ...{ name, device, finishedAtMs, directions },
    path: FOLDER + encodeURIComponent(name),
  })),
});

/** Undefined: there is none at this path. */
export function reportAnswer(path: string, line: ReportsLine | undefined): Answer | undefined {
  const found = line?.reports.find(({ name }) => path === `/${FOLDER}${encodeURIComponent(name)}`);
  if (line === undefined || found === undefined) return undefined;
  const policy = [
    ...["default-src 'none'", `style-src ${line.styleHash}`],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join('; ');
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body: found.page,
    headers: { 'content-security-policy': policy },
  };
}
