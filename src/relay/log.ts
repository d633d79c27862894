/** What the relay says while it runs, independent of where it goes. */
export interface Log {
  debug: (fields: object, message: string) => void;
  info: (fields: object, message: string) => void;
  warn: (fields: object, message: string) => void;
  error: (fields: object, message: string) => void;
  /** The variable `debug`: 0 warnings, 1 connections, 2 details. */
  setDebug: (level: number) => void;
}

const nothing = (): void => undefined;

/** Says nothing: the prompt has the screen for itself unless a log was asked for. */
export const SILENT: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setDebug: nothing,
};
