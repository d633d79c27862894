/** How the three commands tell something on standard error. Pure. */
import { printable } from './printable.ts';

/**
 * One message. What it quotes may come from anywhere (a name, a file, what a program said): nothing in it
 * steers the terminal, and its further lines are set in, so that none can pass for a message of its own.
 */
export function messageLine(command: string, message: string): string {
  return `${command}: ${printable(message.trimEnd()).replaceAll('\n', '\n    ')}\n`;
}
