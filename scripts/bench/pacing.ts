/**
 * Window pacing on the lab's ADSL line under many loads: answer time and user data. The first table of
 * docs/pacing.md. `npx tsx scripts/bench/pacing.ts`; needs a build, takes minutes. Virtual time.
 */
import { table } from '../../src/report/statistics/table.ts';
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk } from '../../test/lab/inetgw.ts';
import { setUpLine, type LineOptions } from '../../test/lab/line.ts';
import { summarise, type FlowGroup, type MeasureOptions } from '../../test/lab/measure.ts';
import { downloads, measure, uploads } from '../../test/lab/traffic.ts';

const BBR = { congestion: 'bbr' } as const;
const MANY = [downloads(16), uploads(8)];

interface Row {
  load: string;
  flows: FlowGroup[];
  line?: Partial<LineOptions>;
  measured?: Pick<Partial<MeasureOptions>, 'warmUpMs' | 'pings'>;
}

const AFTER_A_MINUTE = { warmUpMs: 60_000, pings: 40 };
const AFTER_TWO_MINUTES = { warmUpMs: 120_000, pings: 40 };
const FROM_30_S = { warmUpMs: 30_000 };

const ROWS: Row[] = [
  ...twice({ load: '4 downloads', flows: [downloads(4)] }),
  ...twice({ load: '4 + 2', flows: [downloads(4), uploads(2)] }),
  ...twice({ load: '16 + 8', flows: MANY }),
  ...twice({ load: '16 + 8', flows: MANY }),
  ...twice({ load: '16 + 8 from the 30th second on', flows: MANY, measured: FROM_30_S }),
  { load: '50 downloads, after a minute', flows: [downloads(50)], measured: AFTER_A_MINUTE },
  { load: '100 downloads, after two minutes', flows: [downloads(100)], measured: AFTER_TWO_MINUTES },
  { load: '1 download, 200 ms path', flows: [downloads(1, { server: 'far' })] },
  {
    load: '4 over 20 ms beside 4 over 200 ms',
    line: { pathMs: 20 },
    flows: [downloads(4, { label: 'near' }), downloads(4, { label: 'far', server: 'far' })],
  },
  { load: '4 BBR', flows: [downloads(4, BBR)] },
  { load: '4 + 2 BBR', flows: [downloads(4, BBR), uploads(2, BBR)] },
  { load: '16 BBR + 8', flows: [downloads(16, BBR), uploads(8)] },
];

function twice(row: Row): Row[] {
  return [row, row];
}

const rows: string[][] = [];
const guest = await Guest.boot();
try {
  for (const { load, flows, line, measured } of ROWS) {
    await setUpLine(guest, { farPathMs: 200, ...line });
    await inetgwOk(guest, 'ppp0', '215', '1715');
    const { ping, groups } = await measure(guest, { pings: 80, ...measured, flows });
    const groupsKbit = groups.map(({ bitPerSec }) => (bitPerSec / 1000).toFixed(0));
    rows.push([load, summarise(ping.timesMs).mean.toFixed(0), groupsKbit.join(' / ')]);
  }
} finally {
  await guest.close();
}
console.log(table(['load', 'ping avg ms', 'kbit/s'], rows));
