/** `/metrics` as the process that listens answers it. */
import { expect, it } from 'vitest';
import { withNames } from '../../../../src/report/watch/hosts.ts';
import { answerTo } from '../../../../src/web/answers/answers.ts';
import { Histories } from '../../../../src/web/feed/histories.ts';
import type { Snapshot } from '../../../../src/web/feed/snapshot.ts';
import { someSnapshot } from '../someSnapshot.ts';

const text = (snapshot: Snapshot): string => answerTo('/metrics', snapshot, new Histories())?.body ?? '';
const snapshot = someSnapshot(1_795_743_852_972);

it('has series of hosts only where they were asked for', () => {
  expect(text(snapshot)).toContain('inetgw_in_force{device="ppp0"} 1\n');
  expect(text(snapshot)).not.toContain('inetgw_host');
  expect(text({ ...snapshot, perHost: 1 })).toContain('inetgw_hosts{device="ppp0"} 2\n');
});

it('has the names that the page shows', () => {
  const names = new Map([['192.168.1.20', 'laptop']]);
  const devices = snapshot.devices.map(({ figures, ...rest }) =>
    figures === undefined ? rest : { ...rest, figures: withNames(figures, names) },
  );
  expect(text({ ...snapshot, devices, perHost: 1 })).toContain(',address="192.168.1.20",name="laptop"} 1\n');
});
