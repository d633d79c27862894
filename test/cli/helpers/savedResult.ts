/** A result as `searchbw --save` writes it, of a model of a line. */
import { overviewResult } from '../../model/run.ts';

/** @param finishedAt ISO 8601 */
export async function savedResult(finishedAt: string): Promise<string> {
  return JSON.stringify({ ...(await overviewResult()), finishedAt });
}
