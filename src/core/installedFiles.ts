/** Where the files that are installed beside the commands are, seen from here: in dist/lib/, or in a checkout two folders down. */

/** Beside dist/ in the packages, beside src/ in a checkout. */
export const TEMPLATES = new URL('../../templates/', import.meta.url);

/** The program of window pacing: beside the built commands, and in the repository. */
export const PACING_OBJECTS: readonly URL[] = ['../bpf/pacing.o', '../../bpf/pacing.o'].map(
  (place) => new URL(place, import.meta.url),
);
