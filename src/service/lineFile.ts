/**
 * Lines to a file, a pipe or a terminal that may take none: a full disk, a reader that has stopped. Nobody waits for
 * it: what it does not take is lost, counted, and told when it takes lines again. (pino's own destination keeps all lines in
 * memory meanwhile and does not end; Node writes to pipes and terminals synchronously, so that the relay would stand still.)
 */
import { close, constants, openSync, statSync, unlinkSync, write } from 'node:fs';
import { errorCode } from '../core/errors.ts';

/** What may wait to be written. */
export const WAITING_BYTES = 1_048_576;
/** When it is tried again after the file took nothing, in ms. */
const RETRY_MS = 50;
/** How long the end may wait for the last lines, in ms. */
export const LAST_MS = 500;

export interface Lost {
  readonly lines: number;
  /** The code of the last error, EAGAIN where it was only too slow. */
  readonly why: string;
}

export class LineFile {
  readonly #path: string;
  readonly #onLost: (lost: Lost) => void;
  #fd: number;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #busy = false;
  #lost = 0;
  #why = 'EAGAIN';
  #closing = false;
  #retry: NodeJS.Timeout | undefined;
  #done: (() => void) | undefined;
  /** True if there was no such file before. */
  readonly #made: boolean;
  #writtenBytes = 0;

  /** Opens the file; throws as `openSync`. `onLost` is told of lines that were lost, once the file takes lines again. */
  constructor(path: string, onLost: (lost: Lost) => void) {
    this.#path = path;
    this.#onLost = onLost;
    ({ fd: this.#fd, made: this.#made } = openForLines(path));
  }

  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#closing) return;
    if (this.#waitingBytes + bytes.length > WAITING_BYTES) {
      this.#lost++;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#next();
  }

  /** Opens the file of that name anew; the old one stays if that fails. */
  reopen(): void {
    if (this.#closing) return;
    try {
      const former = this.#fd;
      this.#fd = openForLines(this.#path).fd;
      // A write that is under way still goes to the old one.
      setTimeout(() => {
        close(former);
      }, LAST_MS).unref();
    } catch (error) {
      this.#lost++;
      this.#why = errorCode(error) ?? String(error);
    }
  }

  /** Resolves when the last lines are written, or after half a second. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#waiting.length > 0 || this.#busy) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LAST_MS);
        this.#done = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    clearTimeout(this.#retry);
    this.#waiting = [];
    close(this.#fd);
  }

  /** Closes it, and takes the file away if it was made here and nobody else has written to it. */
  async discard(): Promise<void> {
    await this.close();
    if (!this.#made) return;
    try {
      if (statSync(this.#path).size === this.#writtenBytes) unlinkSync(this.#path);
    } catch {
      // Somebody else has taken it away.
    }
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#done?.();
      return;
    }
    if (this.#busy || this.#retry !== undefined) return;
    this.#busy = true;
    write(this.#fd, first, (error, written) => {
      this.#busy = false;
      if (error === null) this.#writtenBytes += written;
      if (error !== null && error.code === 'EAGAIN') {
        this.#retryLater();
        return;
      }
      if (error !== null || written === first.length) {
        this.#waiting.shift();
        this.#waitingBytes -= first.length;
      } else {
        this.#waiting[0] = first.subarray(written);
        this.#waitingBytes -= written;
      }
      if (error !== null) {
        this.#lost++;
        this.#why = errorCode(error) ?? String(error);
      } else this.#tellLost();
      this.#next();
    });
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#next();
    }, RETRY_MS);
    this.#retry.unref();
  }

  #tellLost(): void {
    if (this.#lost === 0) return;
    const lost = { lines: this.#lost, why: this.#why };
    this.#lost = 0;
    this.#why = 'EAGAIN';
    this.#onLost(lost);
  }
}

/** Without waiting for a reader of a pipe, and without making a terminal ours. */
function openForLines(path: string): { fd: number; made: boolean } {
  const { O_WRONLY, O_APPEND, O_CREAT, O_EXCL, O_NONBLOCK, O_NOCTTY } = constants;
  const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;
  try {
    return { fd: openSync(path, flags | O_EXCL, 0o640), made: true };
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return { fd: openSync(path, flags, 0o640), made: false };
  }
}
