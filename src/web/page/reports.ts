/** Results of searchbw: when, what was recommended, and the way to the whole report. */
import { formatRate } from '../../core/units.ts';
import type { ReportsJson } from '../answers/reports.ts';
import { byId, element } from './dom.ts';

let reports: ReportsJson['reports'] = [];
let chosen = '';
let shown = '';

/** When the stream of events begins, and when it tells that there are others. */
export async function readReports(): Promise<void> {
  const answer = await fetch('api/v1/reports').catch(() => undefined);
  if (answer?.ok !== true) return;
  ({ reports } = (await answer.json()) as ReportsJson);
  showReports(chosen);
}

/** Those of the device; of all where none is chosen. */
export function showReports(device: string): void {
  chosen = device;
  const wanted = reports.filter((each) => device === '' || each.device === device);
  byId('reports-card').hidden = wanted.length === 0;
  const key = JSON.stringify(wanted);
  if (key === shown) return;
  shown = key;
  byId('reports').replaceChildren(
    ...wanted.map(({ path, finishedAtMs, device: of, directions }) => {
      const at = new Date(finishedAtMs);
      const when = at.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
      const found = directions.map(
        ({ direction, recommendedBitPerSec: rate }) =>
          `${direction} ${rate === null ? 'no rate recommended' : formatRate(rate)}`,
      );
      return element(
        'li',
        {},
        element('a', { href: path }, device === '' ? `${of}, ${when}` : when),
        `: ${found.join(', ')}`,
      );
    }),
  );
}
