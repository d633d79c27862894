/** Files of the folder of reports, as the privileged process hands them to the one that listens, which alone looks into them. Pure. */

/** One is there, or has changed. */
export interface ReportFileLine {
  kind: 'reportFile';
  name: string;
  text: string;
}

/** All that are there; of others nothing is kept. */
export interface ReportFilesLine {
  kind: 'reportFiles';
  names: readonly string[];
}
