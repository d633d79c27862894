/** Reports of searchbw that are shown, made of the files that the privileged process has read: this one may do nothing. */
import { createHash } from 'node:crypto';
import { UserError } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import { reportPage } from '../../search/result/html.ts';
import { PAGE_STYLE } from '../../search/result/pageStyle.ts';
import { parseResult } from '../../search/result/resultFile.ts';
import type { Answer } from '../answers/answers.ts';
import { reportsAnswer, reportsJson, type Report } from '../answers/reports.ts';
import type { ReportFileLine, ReportFilesLine } from '../feed/reports.ts';

/** Their pages are held in memory. */
const MOST_REPORTS = 20;
const STYLE_SOURCE = `'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`;

export class ShownReports {
  readonly #tell: (text: string) => void;
  readonly #known = new Map<string, Report>();
  /** The newest first. */
  #shown: readonly Report[] = [];

  /** @param tell told of what is no result */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** True: others are shown than before. */
  take({ name, text }: ReportFileLine): boolean {
    this.#known.delete(name);
    try {
      this.#known.set(name, reportIn(name, text));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#tell(`report left out: ${printableLine(error.message)}`);
    }
    return this.#choose();
  }

  /** As `take`. */
  keep({ names }: ReportFilesLine): boolean {
    for (const name of this.#known.keys()) if (!names.includes(name)) this.#known.delete(name);
    return this.#choose();
  }

  /** Undefined: the path is none of theirs. */
  answerTo(path: string): Answer | undefined {
    return reportsAnswer(path, this.#shown, STYLE_SOURCE);
  }

  #choose(): boolean {
    // A result may be there as JSON and as a page.
    const once = new Map(
      [...this.#known.values()].map((each) => [`${each.device} ${each.finishedAtMs}`, each]),
    );
    const before = JSON.stringify(reportsJson(this.#shown));
    this.#shown = [...once.values()]
      .toSorted((one, other) => other.finishedAtMs - one.finishedAtMs)
      .slice(0, MOST_REPORTS);
    return JSON.stringify(reportsJson(this.#shown)) !== before;
  }
}

function reportIn(name: string, text: string): Report {
  const result = parseResult(text, name);
  return {
    name,
    device: result.line.device,
    finishedAtMs: Date.parse(result.finishedAt),
    directions: result.directions.map(({ direction, recommendedBitPerSec }) => ({
      direction,
      recommendedBitPerSec,
    })),
    page: reportPage(result),
  };
}
