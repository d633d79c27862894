/** Reading a file that somebody has named: it could be a device that never ends, or larger than the memory. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

/** Far more than anybody writes by hand. */
export const CONFIG_LIMIT_BYTES = 1024 * 1024;

const CHUNK_BYTES = 64 * 1024;

/** The file is larger than it may be. */
class TooLargeError extends Error {
  readonly code = 'EFBIG';
  constructor(limitBytes: number) {
    super(`it is larger than ${limitBytes / 1024} KiB`);
  }
}

/** What is read must be a file: a pipe would keep whoever serves others waiting. */
class NotAFileError extends Error {
  readonly code = 'EINVAL';
  constructor() {
    super('it is not a regular file');
  }
}

export interface TextFileOptions {
  limitBytes: number;
  /** Refuse pipes and devices; otherwise `<(command)` of the shell works. */
  regularOnly?: boolean;
  /** Refuse a symbolic link: whoever may write into a folder does not choose what else is read. */
  linkless?: boolean;
}

/** The text of a file of at most so many bytes. Throws an `Error` with a `code`, as `readFile` does. */
export async function readTextFile(
  path: string,
  { limitBytes, regularOnly = false, linkless = false }: TextFileOptions,
): Promise<string> {
  // Opening a pipe that nobody writes to would wait for ever.
  const flags =
    constants.O_RDONLY | (regularOnly ? constants.O_NONBLOCK : 0) | (linkless ? constants.O_NOFOLLOW : 0);
  const file = await open(path, flags);
  try {
    if (regularOnly && !(await file.stat()).isFile()) throw new NotAFileError();
    return (await readUpTo(file, limitBytes)).toString('utf8');
  } finally {
    await file.close();
  }
}

async function readUpTo(file: FileHandle, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return Buffer.concat(chunks);
    length += bytesRead;
    if (length > limitBytes) throw new TooLargeError(limitBytes);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

/** What the kernel's codes mean for who named the file. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
};

/** Why a file could not be read, in a few words; the kernel's code where there are none. */
export function whyUnreadable(error: unknown): string {
  if (error instanceof TooLargeError || error instanceof NotAFileError) return error.message;
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return String(error);
  return REASONS[error.code] ?? error.code;
}
