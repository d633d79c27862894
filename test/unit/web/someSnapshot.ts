/** What the process that listens is told of a line, as the privileged one makes it. */
import type { FoundCondition } from '../../../src/conditions/condition.ts';
import { figuresOf, type WatchReading } from '../../../src/report/watch/figures.ts';
import type { FollowingStatistics } from '../../../src/report/statistics/following.ts';
import type { Snapshot } from '../../../src/web/feed/snapshot.ts';
import { someStatistics, type Line } from '../report/someStatistics.ts';

export interface SnapshotLine extends Omit<Line, 'times'> {
  following?: FollowingStatistics;
  conditions?: readonly FoundCondition[];
}

export function someSnapshot(atMs: number, { following, ...line }: SnapshotLine = {}): Snapshot {
  const conditions = line.conditions ?? [];
  const device = line.device ?? 'ppp0';
  const reading = (times: number): WatchReading => ({
    ...{ device, atMs: times * 1000, conditions, isWhole: true },
    statistics: {
      ...someStatistics({ ...line, times }),
      ...(following === undefined ? {} : { following }),
    },
  });
  const now = reading(2);
  const figures = figuresOf(reading(1), now);
  const { statistics, isWhole } = now;
  return {
    kind: 'snapshot',
    atMs,
    devices: [{ device, figures, reading: { phase: 'active', conditions, statistics, isWhole } }],
  };
}
