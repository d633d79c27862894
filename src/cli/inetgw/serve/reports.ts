/** Results that searchbw has saved in a folder, for the page. They are read again when they have changed. */
import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { configError, UserError } from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { reportPage } from '../../../search/result/html.ts';
import { PAGE_STYLE } from '../../../search/result/pageStyle.ts';
import { parseResult } from '../../../search/result/resultFile.ts';
import { readTextFile, whyUnreadable } from '../../../system/exec/textFile.ts';
import type { ReportSnapshot, ReportsLine } from '../../../web/feed/reports.ts';

/** What `searchbw --save` and `--report` write. */
const NAME = /^[^.].*\.(?:json|html)$/;
/** An hour of pings is a megabyte. */
const FILE_LIMIT_BYTES = 4 * 1024 * 1024;
/** They are held in the memory of whoever listens. */
const MOST_REPORTS = 20;
const LOOK_EVERY_MS = 5000;

const STYLE_HASH = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`;

interface Known {
  /** Changes with the file. */
  state: string;
  /** Undefined: it is no result. */
  report: ReportSnapshot | undefined;
}

export class Reports {
  readonly #folder: string;
  readonly #tell: (text: string) => void;
  #known = new Map<string, Known>();
  #lookedMs = -Infinity;
  #complaint = '';

  private constructor(folder: string, tell: (text: string) => void) {
    this.#folder = folder;
    this.#tell = tell;
  }

  /** @throws UserError where the folder cannot be read */
  static async open(folder: string, tell: (text: string) => void): Promise<Reports> {
    await readdir(folder).catch((error: unknown) => {
      throw configError(`cannot read ${folder}: ${whyUnreadable(error)}`);
    });
    return new Reports(folder, tell);
  }

  /** All of them; undefined: nothing has changed since they were last read, or it is too early to look. */
  async read(): Promise<ReportsLine | undefined> {
    if (performance.now() - this.#lookedMs < LOOK_EVERY_MS) return undefined;
    this.#lookedMs = performance.now();
    const names = await this.#names();
    const before = this.#known;
    const known = new Map<string, Known>();
    for (const name of names ?? []) {
      const each = await this.#look(name, before.get(name));
      if (each !== undefined) known.set(name, each);
    }
    this.#known = known;
    const isSame =
      before.size === known.size && [...known].every(([name, each]) => before.get(name) === each);
    return isSame && names !== undefined ? undefined : this.#line();
  }

  #line(): ReportsLine {
    const reports = [...this.#known.values()].flatMap(({ report }) => (report === undefined ? [] : [report]));
    // A result may be there as JSON and as a page.
    const once = new Map(reports.map((each) => [`${each.device} ${each.finishedAtMs}`, each]));
    return {
      kind: 'reports',
      styleHash: STYLE_HASH,
      reports: [...once.values()]
        .toSorted((one, other) => other.finishedAtMs - one.finishedAtMs)
        .slice(0, MOST_REPORTS),
    };
  }

  async #names(): Promise<string[] | undefined> {
    try {
      const names = (await readdir(this.#folder)).filter((name) => NAME.test(name));
      this.#complaint = '';
      return names.toSorted();
    } catch (error) {
      const why = `cannot read ${this.#folder}: ${whyUnreadable(error)}`;
      if (why !== this.#complaint) this.#tell(why);
      this.#complaint = why;
      return undefined;
    }
  }

  /** Undefined: it is gone. */
  async #look(name: string, before: Known | undefined): Promise<Known | undefined> {
    const path = join(this.#folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const state = `${found.ino} ${found.mtimeMs} ${found.size}`;
    if (before?.state === state) return before;
    try {
      return { state, report: await reportIn(path, name) };
    } catch (error) {
      const why = error instanceof UserError ? error.message : `cannot read ${path}: ${whyUnreadable(error)}`;
      this.#tell(`report left out: ${printableLine(why)}`);
      return { state, report: undefined };
    }
  }
}

async function reportIn(path: string, name: string): Promise<ReportSnapshot> {
  const text = await readTextFile(path, { limitBytes: FILE_LIMIT_BYTES, regularOnly: true });
  const result = parseResult(text, path);
  return {
    name,
    device: result.line.device,
    finishedAtMs: Date.parse(result.finishedAt) || 0,
    directions: result.directions.map(({ direction, recommendedBitPerSec }) => ({
      direction,
      recommendedBitPerSec,
    })),
    page: reportPage(result),
  };
}
