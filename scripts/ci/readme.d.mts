export interface ReadmeCommand {
  command: string;
  /** Of its first character, from 1. */
  line: number;
  /** Why CI does not run it; undefined if it does. */
  notRun: string | undefined;
}
export function readmeCommands(markdown: string): ReadmeCommand[];
