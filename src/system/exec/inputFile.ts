/**
 * Text for a program's standard input, as a file without a name. Node's own pipe is a pair of sockets, and a program
 * that opens /dev/stdin anew, as nft up to 0.9.8 does, cannot open one (ENXIO).
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';

/** `__O_TMPFILE` in include/uapi/asm-generic/fcntl.h; the kernel wants O_DIRECTORY with it. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** In memory first; the first that may be written to is taken. */
const FOLDERS = ['/run', '/run/inetgw', '/dev/shm', '/tmp', '/var/tmp'];

/**
 * A descriptor from whose beginning the text can be read, and which can be opened anew. Undefined where no folder can
 * hold such a file: then a pair of sockets has to do. The file is gone with its last descriptor.
 */
export function openInput(text: string): number | undefined {
  const bytes = Buffer.from(text);
  for (const folder of FOLDERS) {
    let fd: number | undefined;
    try {
      fd = openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600);
      // By position: what reads begins at the beginning.
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
      return fd;
    } catch {
      // Not there, read-only, full, or of a file system without such files.
      if (fd !== undefined) closeSync(fd);
    }
  }
  return undefined;
}
