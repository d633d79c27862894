/** Reports of searchbw, as the privileged process hands them to the one that listens. Pure. */

export interface ReportSnapshot {
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

export interface ReportsLine {
  kind: 'reports';
  /** Of the style in each page, as a policy takes it: `'sha256-…'`. */
  styleHash: string;
  /** The newest first. */
  reports: readonly ReportSnapshot[];
}
