/**
 * The plots of docs/how-it-works.md, measured on the virtual line: `npm run plots`, about five minutes. Writes the
 * figures beside each plot as JSON, so that a plot can be drawn again, or another way, without measuring.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { linearScale } from '../src/report/plot/scale.ts';
import type { Chart, ChartSeries } from '../src/report/plot/svg.ts';
import { EGRESS_CLASSES, EGRESS_CLASS_NAMES } from '../src/plan/queues/egressClasses.ts';
import { parseQdiscStatistics } from '../src/tc/statistics.ts';
import { Guest } from '../test/lab/guest.ts';
import { inetgwOk } from '../test/lab/inetgw.ts';
import { GATEWAY, SERVER, setUpLine } from '../test/lab/line.ts';
import { downloads, measure, uploads } from '../test/lab/traffic.ts';
import { sendUdp } from '../test/lab/udp.ts';
import { standaloneSvg } from './standaloneSvg.ts';

const folder = new URL('../docs/how-it-works/', import.meta.url);

interface Series {
  name: string;
  points: [x: number, y: number][];
}

/** Answers from the first second of 4 downloads and 2 uploads. */
async function answers(guest: Guest): Promise<Series[]> {
  const result: Series[] = [];
  for (const [name, words] of [
    ['without inetgw', undefined],
    ['inetgw ppp0 215 1600 --pacing off', ['215', '1600', '--pacing', 'off']],
  ] as const) {
    await setUpLine(guest);
    if (words !== undefined) await inetgwOk(guest, 'ppp0', ...words);
    const { ping } = await measure(guest, {
      flows: [downloads(4), uploads(2)],
      warmUpMs: 0,
      pings: 150,
      pingIntervalMs: 200,
    });
    result.push({ name, points: ping.timesMs.map((ms, n) => [n / 5, ms]) });
  }
  return result;
}

/** An upload of each class: bulk alone, then normal beside it, then interactive beside both. */
async function classes(guest: Guest): Promise<Series[]> {
  await setUpLine(guest);
  await inetgwOk(guest, 'ppp0', '215', '1600', '--pacing', 'off');
  const seconds = 36;
  const starts = [
    { name: 'bulk', dscp: 'cs1', atSec: 0 },
    { name: 'normal', dscp: 'cs0', atSec: 12 },
    { name: 'interactive', dscp: 'ef', atSec: 24 },
  ];
  const jobs: number[] = [];
  for (const [n] of starts.entries()) {
    const argv = ['iperf3', '-s', '-1', '-p', String(7000 + n)] as [string, ...string[]];
    jobs.push((await guest.request('spawn', { argv, ns: 'isp' })).job);
  }
  const sample = 'cat /proc/uptime; tc -s -j qdisc show dev ppp0; echo; sleep 1';
  const clients = starts.map(
    ({ dscp, atSec }, n) =>
      `(sleep ${atSec}; exec iperf3 -c ${SERVER.ipv4} -p ${7000 + n} -t ${seconds - atSec} --dscp ${dscp}) >/dev/null &`,
  );
  // Everything has been run once before anything counts: reading a file from the host makes the clock jump.
  const trial = ['iperf3', '-s', '-1', '-p', '6999'] as [string, ...string[]];
  jobs.push((await guest.request('spawn', { argv: trial, ns: 'isp' })).job);
  const once = `${sample}; iperf3 -c ${SERVER.ipv4} -p 6999 -t 1 --dscp cs1 >/dev/null; sleep 5; date`;
  await guest.exec(['sh', '-c', once], { ns: 'gw', spinMs: 60_000 });
  const script = `${clients.join('\n')}\nfor n in $(seq ${seconds + 1}); do ${sample}; done`;
  const { stdout } = await guest.exec(['sh', '-c', script], { ns: 'gw', spinMs: 60_000 });
  for (const job of jobs) await guest.request('stop', { job });
  const samples = stdout
    .trim()
    .split(/\n(?=\d+\.\d+ )/)
    .map((text) => {
      const [uptime = '', ...json] = text.split('\n');
      return { atSec: Number(uptime.split(' ')[0]), qdiscs: parseQdiscStatistics(json.join('').trim()) };
    });
  return EGRESS_CLASS_NAMES.map((name) => ({
    name,
    points: samples.slice(1).map((now, n): [number, number] => {
      const before = samples[n] ?? now;
      const bytes = (of: typeof now): number => of.qdiscs.get(EGRESS_CLASSES[name].id)?.bytes ?? 0;
      const kbit = ((bytes(now) - bytes(before)) * 8) / 1000 / (now.atSec - before.atSec);
      return [now.atSec - (samples[0]?.atSec ?? 0), kbit];
    }),
  }));
}

/** What passes of packets of one size that come in at 90 to 115 % of what is set. */
async function stages(guest: Guest): Promise<Series[]> {
  await setUpLine(guest);
  const downKbit = 1000;
  const result: Series[] = [];
  for (const ipBytes of [1200, 528]) {
    const points: [number, number][] = [];
    for (const load of [90, 94, 97, 98, 99, 100, 101, 103, 106, 110, 115]) {
      await inetgwOk(guest, 'ppp0', 'clear');
      await inetgwOk(guest, 'ppp0', '215', String(downKbit), '--pacing', 'off');
      const cells = Math.ceil((ipBytes + 40) / 48);
      const [stream] = await sendUdp(guest, [
        {
          fromNs: 'isp',
          toNs: 'gw',
          toAddress: GATEWAY.ipv4,
          port: 7000,
          payloadBytes: ipBytes - 28,
          packetsPerSec: (downKbit * 10 * load) / (cells * 53 * 8),
          durationMs: 10_000,
        },
      ]);
      points.push([load, (load * (stream?.received ?? 0)) / (stream?.sent ?? 1)]);
    }
    result.push({ name: `packets of ${ipBytes} bytes`, points });
  }
  return result;
}

const COLOURS = { s0: '#b3261e', s1: '#1f5fbf', s2: '#2e7d32' };

async function draw(
  name: string,
  series: readonly Series[],
  spec: Pick<Chart, 'title' | 'description' | 'x' | 'y' | 'xLabel' | 'yLabel'> & Partial<Chart>,
): Promise<void> {
  const lines = series.map((each, n): ChartSeries => ({
    name: each.name,
    className: `s${n}`,
    kind: 'curve',
    points: each.points.map(([x, y]) => ({ x, y })),
  }));
  const whole = {
    id: name,
    width: 720,
    height: 340,
    formatX: String,
    formatY: String,
    ...spec,
    series: lines,
  };
  const svg = standaloneSvg(whole, {
    colours: COLOURS,
    legendAt: (index) => ({ x: 250 + index * 170, y: 7 }),
    dotRadiusPx: 2.2,
  });
  await writeFile(new URL(`${name}.svg`, folder), svg);
}

async function measured(name: string, run: (() => Promise<Series[]>) | undefined): Promise<Series[]> {
  const file = new URL(`${name}.json`, folder);
  if (run === undefined) return JSON.parse(await readFile(file, 'utf8')) as Series[];
  const series = (await run()).map(({ name: text, points }) => ({
    name: text,
    points: points.map(([x, y]): [number, number] => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]),
  }));
  await writeFile(
    file,
    await format(JSON.stringify(series), { filepath: fileURLToPath(file), printWidth: 110 }),
  );
  return series;
}

await mkdir(folder, { recursive: true });
const drawOnly = process.argv.includes('--draw');
const only = process.argv.slice(2).filter((word) => !word.startsWith('-'));
const guest = drawOnly ? undefined : await Guest.boot();
const of = (name: string, run: (guest: Guest) => Promise<Series[]>): Promise<Series[]> =>
  measured(
    name,
    guest === undefined || (only.length > 0 && !only.includes(name)) ? undefined : () => run(guest),
  );
try {
  await draw('answers', await of('answers', answers), {
    title: 'Answer times on a line that is being filled',
    description: 'Without inetgw they rise to two seconds; with it they stay around 80 ms.',
    x: linearScale(0, 30, 6),
    y: linearScale(0, 2500, 5),
    xLabel: 'seconds since 4 downloads and 2 uploads have begun',
    yLabel: 'answer time in ms',
  });
  await draw('classes', await of('classes', classes), {
    title: 'What each class gets of a full uplink',
    description: 'Bulk has it alone, then gives way to normal, then both give way to interactive.',
    x: linearScale(0, 36, 6),
    y: linearScale(0, 250, 5),
    xLabel: 'seconds; a bulk upload from 0, a normal one from 12, an interactive one from 24',
    yLabel: 'kbit/s on the line',
    horizontal: { y: 215, label: '215 kbit/s: all of it' },
  });
  await draw('stages', await of('stages', stages), {
    title: 'What the stages let pass',
    description: 'Large packets have 99 % of the downlink, small ones 100 %.',
    x: linearScale(90, 115, 5),
    y: linearScale(90, 104, 7),
    xLabel: 'what comes in, in per cent of DOWN',
    yLabel: 'what passes, in per cent of DOWN',
    horizontal: { y: 99, label: '99 %' },
  });
} finally {
  await guest?.close();
}
