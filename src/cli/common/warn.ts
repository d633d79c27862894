import { messageLine } from '../../core/messageLine.ts';

/** Standard error for everything that is not the result. */
export function warn(message: string): void {
  process.stderr.write(messageLine('inetgw', message));
}
