/** Reads a stored result back, and says exactly what is wrong with a file that is none. */
import { printable } from '../../core/printable.ts';
import * as z from 'zod';
import { failure } from '../../core/errors.ts';
import { RESULT_FORMAT, RESULT_VERSION, type SearchResult } from './result.ts';

const number = z.number();
/** Shown on terminals and in pages: what would steer one of them is escaped on the way in. */
const text = z.string().transform(printable);
const time = z.iso.datetime({ offset: true, error: 'it is no time' });
const summary = z.object({
  count: number,
  min: number,
  avg: number,
  median: number,
  p95: number,
  max: number,
});
const direction = z.enum(['down', 'up']);

const figures = z.object({
  durationMs: number,
  sent: number,
  lost: number,
  lossShare: number,
  rtt: summary.nullable(),
  rttErrorMs: number.nullable(),
  rttRise: z.object({ riseMs: number, sigmas: number }),
  downBitPerSec: number,
  upBitPerSec: number,
  rawBitPerSec: number,
  otherRawBitPerSec: number,
  otherDataBitPerSec: number,
  slowestWindowBitPerSec: number,
  medianWindowBitPerSec: number,
  // Not in the files of the first versions.
  rateErrorShare: number.default(0),
});

const line = z.object({
  rateBitPerSec: number.positive().nullable(),
  attempt: number.int().positive(),
  verdict: z.enum(['good', 'slow', 'lossy', 'above-line', 'invalid']),
  verdictText: text,
  remarks: z.array(text),
  atMs: number,
  settleMs: number,
  settled: z.boolean(),
  fastestMs: number.nullable(),
  figures,
  samples: z.array(z.object({ atMs: number, rttMs: number.nullable() })),
  windows: z.array(
    z.object({ durationMs: number, rxBytes: number, txBytes: number, rxPackets: number, txPackets: number }),
  ),
});

const pacingFigures = z.object({ rateBitPerSec: number, averageMs: number, dataBitPerSec: number });

const pacing = z.object({
  use: z.enum(['auto', 'off']),
  lines: z.array(line),
  paced: pacingFigures.nullable(),
  unpaced: pacingFigures.nullable(),
  text,
});

const schema: z.ZodType<SearchResult> = z.object({
  format: z.literal(RESULT_FORMAT),
  formatVersion: z.literal(RESULT_VERSION),
  startedAt: time,
  finishedAt: time,
  tool: z.object({ name: z.literal('searchbw'), version: text, node: text }),
  line: z.object({
    device: text,
    kind: text,
    framing: text,
    mtuBytes: number,
    kernel: text,
    versions: z.record(text, text),
  }),
  pingHost: z.object({
    address: text,
    how: z.enum(['given', 'peer', 'router']),
    hops: number.exactOptional(),
  }),
  limits: z.object({ maxRttMs: number.positive(), maxLossShare: number }),
  pingIntervalMs: number,
  load: z.object({ downloadUrls: z.array(text), uploadUrls: z.array(text), streams: number }),
  directions: z.array(
    z.object({
      direction,
      mode: z.enum(['grid', 'auto']),
      grid: z
        .object({ lowerBitPerSec: number, upperBitPerSec: number, stepBitPerSec: number, pings: number })
        .nullable(),
      otherBitPerSec: number.nullable(),
      lines: z.array(line),
      reasoning: z.array(text),
      recommendedBitPerSec: number.nullable(),
      // Not in the files of the first versions.
      pacing: pacing.nullable().default(null),
      warnings: z.array(z.object({ kind: text, text })),
      nextCommand: text.nullable(),
    }),
  ),
  inetgwCommand: text.nullable(),
});

/** As many complaints as help; a file of another kind would fill the screen. */
const MOST_COMPLAINTS = 3;

/** The result inside a page made with --report. */
function embedded(content: string): string | undefined {
  if (!content.startsWith('<!DOCTYPE html>')) return undefined;
  return /<script type="application\/json" id="result">(.*?)<\/script>/s.exec(content)?.[1];
}

/** Parses a result file, or the result inside a report page. Throws a `UserError` that names the file and what is wrong in it. */
export function parseResult(content: string, fileName: string): SearchResult {
  let data: unknown;
  try {
    data = JSON.parse(embedded(content) ?? content);
  } catch (error) {
    throw failure(`${fileName} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const kind = z.object({ format: z.literal(RESULT_FORMAT), formatVersion: number }).safeParse(data);
  if (!kind.success) {
    throw failure(`${fileName} is not a result of searchbw`, 'save one with: searchbw … --save FILE');
  }
  if (kind.data.formatVersion !== RESULT_VERSION) {
    throw failure(
      `${fileName} has format version ${kind.data.formatVersion}, this searchbw reads version ${RESULT_VERSION}`,
      'show it with the searchbw that has written it, or measure anew',
    );
  }
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const { issues } = result.error;
  const shown = issues
    .slice(0, MOST_COMPLAINTS)
    .map(({ path, message }) => `${path.map(String).join('.')}: ${message}`);
  const more = issues.length > MOST_COMPLAINTS ? ` (and ${issues.length - MOST_COMPLAINTS} more)` : '';
  throw failure(`${fileName} is damaged: ${shown.join('; ')}${more}`);
}
