/** Taking queues away, as far as it can be done. */
import { tcStep } from '../../plan/steps.ts';
import { tearDownLines, tearDownPlace, type TcView } from '../../tc/batch.ts';
import { readView } from '../device/device.ts';
import { findLink } from '../link/link.ts';
import { Parts } from '../exec/parts.ts';
import type { Runner } from '../exec/run.ts';
import { runStep } from '../exec/runStep.ts';

/**
 * Takes away the queues of `view`, each by itself where all at once fails. What could not be taken away is told.
 * @returns whether they are gone
 */
export async function tearDown(device: string, view: TcView, parts: Parts, run: Runner): Promise<boolean> {
  const remove = (lines: readonly string[]): Promise<void> =>
    runStep(tcStep(lines), run, { doing: 'taking away' });
  const lines = tearDownLines(device, view);
  if (lines.length === 0 || (await new Parts().do('', () => remove(lines)))) return true;
  // It may have gone away since we looked.
  if ((await findLink(device)) === undefined) return true;
  const left = await new Parts().get('', () => readView(device, run), view);
  let gone = true;
  for (const place of ['root', 'ingress'] as const) {
    if (left[place]?.kind !== view[place]?.kind || left[place]?.handle !== view[place]?.handle) continue;
    const line = tearDownPlace(device, place, view);
    if (line.length === 0) continue;
    if (!(await parts.do(`take away the queue at ${place}`, () => remove(line)))) gone = false;
  }
  return gone;
}
