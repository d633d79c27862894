/** What a Host or Origin header names. Pure. */

/** The host without its port and brackets, in small letters; '' where there is none. */
export function hostOf(header: string | undefined): string {
  return (header ?? '')
    .replace(/:\d*$/, '')
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}
