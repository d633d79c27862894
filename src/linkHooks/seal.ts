/**
 * A line in a file of ours that tells whether somebody has edited it: the checksum of all other lines. Not
 * against forgery; only so that what an administrator has changed is never overwritten or deleted.
 */
import { createHash } from 'node:crypto';

/** What the line begins with. */
export const SEAL_MARK = '# inetgw-hook sha256:';

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Puts the seal in after the first line if that is a `#!`, else before it. */
export function seal(text: string): string {
  const line = `${SEAL_MARK}${checksum(text)}\n`;
  if (!text.startsWith('#!')) return `${line}${text}`;
  const end = text.indexOf('\n') + 1;
  return `${text.slice(0, end)}${line}${text.slice(end)}`;
}

/** True if the text is as `seal` made it, from whatever text. */
export function isUnedited(text: string): boolean {
  const match = new RegExp(`^${SEAL_MARK}([0-9a-f]{64})\\n`, 'm').exec(text);
  if (match === null) return false;
  return checksum(text.slice(0, match.index) + text.slice(match.index + match[0].length)) === match[1];
}
