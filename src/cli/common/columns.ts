/** Terminals of 80 columns are what people have on a gateway's console, and what one is taken for that does not say. */
export const USUAL_COLUMNS = 80;

/** Columns that standard output has; undefined: it is no terminal, and what reads it wants whole lines. */
export const outputColumns = (): number | undefined =>
  process.stdout.isTTY ? process.stdout.columns || USUAL_COLUMNS : undefined;
