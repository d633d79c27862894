/** Measured points on disk: one JSON line each, written at once, so that a run can be ended and taken up again. */
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { errorCode } from '../../../src/core/errors.ts';
import { keyOf, type Point } from './points.ts';

/** Where results are kept unless another file is named. */
export const RESULTS_FILE = fileURLToPath(new URL('../../../docs/benchmarks/line.jsonl', import.meta.url));

const spread = z.object({ mean: z.number(), p50: z.number(), p95: z.number(), p99: z.number() });
const figures = z.object({
  /** Answer time of pings, ms, and the share of them that was lost. */
  pingMs: spread,
  pingLost: z.number(),
  /** User data that reached the receivers, short transfers included, bit/s. */
  downBitPerSec: z.number(),
  upBitPerSec: z.number(),
  /** One-way delay of a call's packets, ms, and the share lost. */
  voipUpMs: spread,
  voipDownMs: spread,
  voipLost: z.number(),
  /** Key strokes, ms. */
  echoMs: spread,
  /** Median time of a short transfer, ms; one that did not end counts as long as it had taken. */
  pageMs: z.number(),
  pages: z.number(),
  /** Share of the time in which the emulated processor had nothing to do. */
  idle: z.number(),
});
export type Figures = z.infer<typeof figures>;

const record = z.object({
  line: z.string(),
  load: z.string(),
  shaper: z.string(),
  share: z.number(),
  figures,
});
export type Measured = Point & { figures: Figures };

/** Everything measured so far, by `keyOf`; the last one of a point counts. */
export async function readResults(file: string): Promise<Map<string, Measured>> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    // Nothing measured yet; a file that cannot be read must not be measured anew for hours.
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  const lines = text.split('\n').filter((line) => line !== '');
  const all = lines.map((line) => record.parse(JSON.parse(line)) as Measured);
  return new Map(all.map((measured) => [keyOf(measured), measured]));
}

export async function appendResult(file: string, measured: Measured): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${JSON.stringify(measured)}\n`);
}
