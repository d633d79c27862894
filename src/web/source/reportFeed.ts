/** Files of the folder of `--reports`, for the process that listens. What is in them is looked at by that one alone. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { configError } from '../../core/errors.ts';
import { readTextFile, whyUnreadable } from '../../system/exec/textFile.ts';
import type { Listener } from './listener.ts';

/** Where they go. */
export type ReportReader = Pick<Listener, 'feed' | 'generation'>;

/** What `searchbw --save` and `--report` write. */
const NAME = /^[^.].*\.(?:json|html)$/;
/** An hour of pings is a megabyte. */
const FILE_LIMIT_BYTES = 4 * 1024 * 1024;
/** Those that were written last; each result may be there as JSON and as a page. Whoever listens holds them in memory. */
const MOST_FILES = 40;
const MOST_BYTES = 4 * FILE_LIMIT_BYTES;
const LOOK_EVERY_MS = 5000;

interface FoundFile {
  name: string;
  mtimeMs: number;
  /** Changes with the file. */
  state: string;
  sizeBytes: number;
  /** Why it is not read; undefined: it is. */
  reason: string | undefined;
}

export class ReportFeed {
  readonly #folder: string;
  readonly #tell: (text: string) => void;
  /** What the process that listens has, by name: its state. */
  readonly #sent = new Map<string, string>();
  #sentNames = '';
  #sentTo = -1;
  readonly #complaints = new Map<string, string>();

  private constructor(folder: string, tell: (text: string) => void) {
    this.#folder = folder;
    this.#tell = tell;
  }

  /** @throws UserError where the folder cannot be read */
  static async open(folder: string, tell: (text: string) => void): Promise<ReportFeed> {
    await readdir(folder).catch((error: unknown) => {
      throw configError(`cannot read ${folder}: ${whyUnreadable(error)}`);
    });
    return new ReportFeed(folder, tell);
  }

  /** Until it is told to end. */
  async run(reader: ReportReader, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look(reader);
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Feeds what the reader has not. Each file waits until the one before was taken: nothing else that is fed stands behind
   * more than one.
   */
  async look(reader: ReportReader): Promise<void> {
    const { generation } = reader;
    if (generation !== this.#sentTo) {
      this.#sent.clear();
      this.#sentNames = '';
      this.#sentTo = generation;
    }
    const found = await this.#files();
    for (const file of found) {
      const { name, state } = file;
      if (this.#sent.get(name) === state) continue;
      const text = await this.#textOf(file);
      if (text === undefined) {
        this.#sent.delete(name);
        continue;
      }
      if (!(await reader.feed({ kind: 'reportFile', name, text }))) return;
      if (reader.generation !== generation) return;
      this.#sent.set(name, state);
    }
    const there = new Set(found.map(({ name }) => name));
    for (const name of this.#sent.keys()) if (!there.has(name)) this.#sent.delete(name);
    const names = [...this.#sent.keys()];
    const key = JSON.stringify(names);
    if (key !== this.#sentNames && (await reader.feed({ kind: 'reportFiles', names }))) this.#sentNames = key;
  }

  /** Those that were written last, the last one first. */
  async #files(): Promise<FoundFile[]> {
    let names: string[];
    try {
      names = (await readdir(this.#folder)).filter((name) => NAME.test(name));
      this.#complaints.delete('');
    } catch (error) {
      this.#complain('', `cannot read ${this.#folder}: ${whyUnreadable(error)}`);
      return [];
    }
    const found: FoundFile[] = [];
    for (const name of names) {
      // Gone meanwhile.
      const file = await lstat(join(this.#folder, name)).catch(() => undefined);
      if (file === undefined) continue;
      const reason = file.isSymbolicLink()
        ? 'it is a symbolic link'
        : !file.isFile()
          ? 'it is not a regular file'
          : file.size > FILE_LIMIT_BYTES
            ? `it is larger than ${FILE_LIMIT_BYTES / 1024} KiB`
            : undefined;
      // The time of change tells also that others may read it now.
      const state = `${file.ino} ${file.ctimeMs} ${file.size}`;
      found.push({ name, mtimeMs: file.mtimeMs, state, sizeBytes: file.size, reason });
    }
    for (const name of this.#complaints.keys())
      if (name !== '' && !names.includes(name)) this.#complaints.delete(name);
    const last = found.toSorted((one, other) => other.mtimeMs - one.mtimeMs).slice(0, MOST_FILES);
    let bytes = 0;
    return last.filter(({ reason, sizeBytes }) => {
      if (reason === undefined) bytes += sizeBytes;
      return bytes <= MOST_BYTES;
    });
  }

  /** Undefined: it is left out. */
  async #textOf({ name, reason }: FoundFile): Promise<string | undefined> {
    const path = join(this.#folder, name);
    let why = reason;
    if (why === undefined)
      try {
        const options = { limitBytes: FILE_LIMIT_BYTES, regularOnly: true, linkless: true };
        const text = await readTextFile(path, options);
        this.#complaints.delete(name);
        return text;
      } catch (error) {
        why = whyUnreadable(error);
      }
    this.#complain(name, `report left out: cannot read ${path}: ${why}`);
    return undefined;
  }

  /** Once, for as long as it stays so. */
  #complain(name: string, text: string): void {
    if (this.#complaints.get(name) !== text) this.#tell(text);
    this.#complaints.set(name, text);
  }
}
