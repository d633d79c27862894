/** A result as `searchbw --save` writes it, of a model of a line. */
import { gridTask, modelResult, runOnModel } from '../../model/run.ts';

/** @param finishedAt ISO 8601 */
export async function savedResult(finishedAt: string): Promise<string> {
  const result = modelResult([
    await runOnModel({
      ...gridTask(1, 1, 1, 2, 1),
      grid: { lowerBitPerSec: 1.3e6, upperBitPerSec: 1.8e6, stepBitPerSec: 100_000 },
      pings: 20,
      otherBitPerSec: 210_000,
    }),
  ]);
  return JSON.stringify({ ...result, finishedAt });
}
