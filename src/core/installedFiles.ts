/** Where the files that are installed beside the commands are, seen from here: in dist/lib/, or in a checkout two folders down. */

/** Beside dist/ in the packages, beside src/ in a checkout. */
export const TEMPLATES = new URL('../../templates/', import.meta.url);

/** The program of window pacing: beside the built commands, and in the repository. */
export const PACING_OBJECTS: readonly URL[] = ['../bpf/pacing.o', '../../bpf/pacing.o'].map(
  (place) => new URL(place, import.meta.url),
);

/** The command itself, for a process that starts it: only where it was built. */
export const INETGW_COMMAND = new URL('../bin/inetgw.js', import.meta.url);

/** The process that serves the page, and what it serves: only beside the built commands. */
export const PAGE_SERVER = new URL('./start-page-server.js', import.meta.url);
export const PAGE_FILES = new URL('../page/', import.meta.url);
