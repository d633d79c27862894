/** The policy that comes with each answer. Pure. */

/** Nothing but what is named: no frame around it, no form, no other base. @param sources directives, as `script-src 'self'` */
export const policyOf = (sources: readonly string[]): string =>
  ["default-src 'none'", ...sources, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"].join(
    '; ',
  );
