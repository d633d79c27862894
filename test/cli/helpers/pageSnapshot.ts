/** A followed line of 5/19.6 Mbit/s, as the page is told of it: its load changes smoothly with a number. */
import type { FoundCondition } from '../../../src/conditions/condition.ts';
import type { HostNames } from '../../../src/core/hostNames.ts';
import type { Figures, LineFigures } from '../../../src/report/watch/figures.ts';
import { withNames } from '../../../src/report/watch/hosts.ts';
import type { Snapshot } from '../../../src/web/feed/snapshot.ts';
import { someSnapshot } from '../../unit/web/someSnapshot.ts';

export interface PageLine {
  device?: string;
  conditions?: readonly FoundCondition[];
  names?: HostNames;
}

const DOWN_SET = 19.6e6;
const UP_SET = 5e6;
const SINCE = '2026-11-27T11:58:30.000Z';

/** @param n 0: 16.1 Mbit/s of 17 in force; others: as smooth a course as a picture needs */
export function pageSnapshot(atMs: number, n: number, { names, ...line }: PageLine = {}): Snapshot {
  const following = {
    limits: {
      down: { leastBitPerSec: 3e6, mostBitPerSec: DOWN_SET },
      up: { leastBitPerSec: UP_SET, mostBitPerSec: UP_SET },
    },
    pid: 7,
    down: { bitPerSec: n > 100 ? DOWN_SET : 17e6, phase: 'probe', since: SINCE },
    up: { bitPerSec: UP_SET, phase: 'steady', since: SINCE },
  } as const;
  const made = someSnapshot(atMs, { up: '5000', down: '19600', ...line, following });
  const wave = Math.sin(n / 47) * Math.cos(n / 13);
  const down = n === 0 ? 16.1e6 : 14e6 + 2.4e6 * wave;
  return {
    ...made,
    devices: made.devices.map((each) => ({
      ...each,
      ...(each.figures === undefined
        ? {}
        : {
            figures: withNames(
              withRates(each.figures, down, n === 0 ? 1.25e6 : 1.2e6 + 6e5 * wave, 14 + 3 * wave),
              names,
            ),
          }),
    })),
  };
}

function withRates(figures: Figures, down: number, up: number, rttMs: number): Figures {
  const { line } = figures;
  if (line === null) return figures;
  const rates: Partial<LineFigures> = {
    up: { ...line.up, nowBitPerSec: up },
    down: { ...line.down, nowBitPerSec: down },
    classes: line.classes.map((row, at) => ({ ...row, nowBitPerSec: at === 0 ? up : 0, droppedPerSec: 0 })),
    ...(line.pacing === null ? {} : { pacing: { ...line.pacing, rttMs } }),
  };
  return { ...figures, line: { ...line, ...rates } };
}
