/**
 * One Prometheus, as templates/prometheus sets it up, that scrapes many gateways:
 * `npx tsx scripts/bench/prometheusFleet.ts [GATEWAYS MINUTES]`, 200 and 30 unless said otherwise.
 *
 * Each gateway is a process of its own, the one of `inetgw serve --listen` that answers scrapes, with an hour of history. What it is
 * told of its line every 15 s, as an idle service reads it, and for each scrape, comes from here: as many kernels do not fit on one
 * machine.
 */
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { figuresOf, type WatchReading } from '../../src/report/watch/figures.ts';
import { Histories } from '../../src/web/feed/histories.ts';
import type { BackLine, Snapshot } from '../../src/web/feed/snapshot.ts';
import { debianProgram } from '../../test/cli/helpers/debianProgram.ts';
import { servePage, type ServedPage } from '../../test/cli/helpers/servedPage.ts';
import { freePort } from '../../test/freePort.ts';
import { someStatistics } from '../../test/unit/report/someStatistics.ts';
import { DASHBOARD_QUERIES } from '../dashboard.ts';
import { cpuSec, printTable, residentBytes, sleep } from './iprelay-lib.ts';

const [count = 200, minutes = 30] = process.argv.slice(2).map(Number);
const SITES = 10;
/** Their counters grow by what `someStatistics` has in so long. */
const COUNTED_EVERY_MS = 5000;
const READ_EVERY_MS = 15_000;
/** As templates/prometheus/prometheus.yml has it. */
const SCRAPED_EVERY_SEC = 30;
const TEMPLATES = fileURLToPath(new URL('../../templates/prometheus', import.meta.url));

/** The reading number `n` of a line: its counters are so many times those of the first. */
function reading(n: number): WatchReading {
  const statistics = someStatistics({ up: '10M', down: '50M', times: n });
  return { device: 'ppp0', atMs: n * COUNTED_EVERY_MS, conditions: [], isWhole: true, statistics };
}

function snapshot(n: number, atMs: number): Snapshot {
  const now = reading(n);
  const { statistics, conditions, isWhole } = now;
  const figures = figuresOf(reading(n - 1), now);
  const device = { device: 'ppp0', figures, reading: { phase: 'active', conditions, statistics, isWhole } };
  return { kind: 'snapshot', atMs, devices: [device] } as Snapshot;
}

const startedMs = performance.now();
/** Of the gateway of this number, by the time since the start: counters grow however often they are read. */
function snapshotNow(index: number): Snapshot {
  const n = 2 + Math.floor((performance.now() - startedMs) / COUNTED_EVERY_MS);
  return snapshot(n + (index % 7), Date.now());
}

/** Each gateway is told in turn, so that 200 of them are no bunch every 15 s. Ends with the signal. */
async function tellAll(gateways: readonly ServedPage[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const beganMs = performance.now();
    for (const [index, gateway] of gateways.entries()) {
      gateway.tell(snapshotNow(index));
      const dueMs = beganMs + ((index + 1) / gateways.length) * READ_EVERY_MS;
      const waitMs = dueMs - performance.now();
      if (waitMs > 1) await sleep(waitMs);
    }
  }
}

/** One after the other: each is a process that starts. */
async function startGateways(): Promise<ServedPage[]> {
  const hour = new Histories();
  for (let ago = 3600; ago > 0; ago -= 15) hour.add(snapshot(2 + (ago % 60), Date.now() - ago * 1000));
  const gateways: ServedPage[] = [];
  for (let index = 0; index < count; index++) {
    const heard = ({ kind }: BackLine): Snapshot | undefined =>
      kind === 'wanted' ? snapshotNow(index) : undefined;
    gateways.push(await servePage({ histories: hour.all() }, heard));
  }
  return gateways;
}

/** The example of the package, with these gateways in its `gateways.yml`. */
async function configure(folder: string, gateways: readonly ServedPage[]): Promise<void> {
  await cp(TEMPLATES, folder, { recursive: true });
  const groups = Array.from({ length: SITES }, (_, site) => ({
    targets: gateways.filter((__, index) => index % SITES === site).map(({ url }) => new URL(url).host),
    labels: { site: `site${site}` },
  }));
  // JSON is YAML.
  await writeFile(
    join(folder, 'gateways.yml'),
    JSON.stringify(groups.filter(({ targets }) => targets.length > 0)),
  );
}

interface Answer {
  data: { result: { value: [number, string] }[] };
}

class Asked {
  readonly #url: string;
  constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  async ready(): Promise<boolean> {
    return fetch(`${this.#url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** What a query for one number gives; NaN where it gives none. */
  async number(query: string): Promise<number> {
    const response = await fetch(`${this.#url}/api/v1/query?${new URLSearchParams({ query }).toString()}`);
    return Number(((await response.json()) as Answer).data.result[0]?.value[1]);
  }

  /** How long it takes to draw what a panel shows of the last `overSec`, in ms. */
  async drawMs(expr: string, overSec: number): Promise<number> {
    const query = expr
      .replaceAll('$__rate_interval', `${4 * SCRAPED_EVERY_SEC}s`)
      .replaceAll(/\$(?:site|instance|device)/g, '.*');
    const end = Math.floor(Date.now() / 1000);
    const words = { query, start: String(end - overSec), end: String(end), step: String(SCRAPED_EVERY_SEC) };
    const fromMs = performance.now();
    await (await fetch(`${this.#url}/api/v1/query_range?${new URLSearchParams(words).toString()}`)).text();
    return performance.now() - fromMs;
  }

  /** A figure of Prometheus about itself, the greatest where there are several. */
  async own(name: string): Promise<number> {
    const text = await (await fetch(`${this.#url}/metrics`)).text();
    const found = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (.*)$`, 'gm'));
    return Math.max(...[...found].map(([, value]) => Number(value)));
  }
}

/** Proportional set size, in bytes: pages that processes share count in parts. */
const shareBytes = (pid: number): number =>
  1024 * Number(/^Pss: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
const milliseconds = (ms: number): string => `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;

async function rows(asked: Asked, pid: number, gateways: readonly ServedPage[]): Promise<string[][]> {
  const overSec = minutes * 60;
  const over = `[${overSec}s]`;
  const cpuBefore = cpuSec(pid);
  const ofGateways = (figure: (pid: number) => number): number =>
    gateways.reduce((sum, each) => sum + figure(each.pid), 0);
  const gatewaysBefore = ofGateways(cpuSec);
  const residents: number[] = [];
  for (let second = 0; second < overSec; second += 5) {
    await sleep(5000);
    residents.push(residentBytes(pid));
  }
  const cpu = (cpuSec(pid) - cpuBefore) / overSec;
  const gatewayCpu = (ofGateways(cpuSec) - gatewaysBefore) / overSec / count;
  const halfway = residents.slice(0, Math.ceil(residents.length / 2));
  const scrape = (quantile: number): Promise<number> =>
    asked.number(
      `1000 * quantile(${quantile}, quantile_over_time(${quantile}, scrape_duration_seconds${over}))`,
    );
  const draws: number[] = [];
  for (const expr of DASHBOARD_QUERIES) draws.push(await asked.drawMs(expr, Math.min(3600, overSec)));
  return [
    ['gateways answered, of those asked', `${await asked.number('count(up == 1)')} of ${count}`],
    [
      'scrapes that failed',
      String(await asked.number(`sum(count_over_time(up${over}) - sum_over_time(up${over}))`)),
    ],
    ['samples of a scrape', String(await asked.number('max(scrape_samples_scraped)'))],
    ['series', String(await asked.own('prometheus_tsdb_head_series'))],
    ['scrape, median', milliseconds(await scrape(0.5))],
    ['scrape, 95 % of 95 %', milliseconds(await scrape(0.95))],
    ['scrape, slowest', milliseconds(await scrape(1))],
    [
      'rules, slowest group',
      milliseconds(1000 * (await asked.own('prometheus_rule_group_last_duration_seconds'))),
    ],
    ['a panel of the dashboard, slowest', milliseconds(Math.max(...draws))],
    ['all panels one after the other', milliseconds(draws.reduce((sum, each) => sum + each, 0))],
    ['memory of Prometheus, most in the first half', megabytes(Math.max(...halfway))],
    ['memory of Prometheus, most', megabytes(Math.max(...residents))],
    ['processor of Prometheus, of one core', `${(100 * cpu).toFixed(1)} %`],
    ['memory of a gateway that answers', megabytes(ofGateways(shareBytes) / count)],
    ['processor of a gateway that answers, of one core', `${(100 * gatewayCpu).toFixed(2)} %`],
  ];
}

const { file, env } = await debianProgram('/usr/bin/prometheus', ['prometheus', 'promtool']);
const folder = await mkdtemp(join(tmpdir(), 'inetgw-prometheus-fleet-'));
const ending = new AbortController();
const gateways = await startGateways();
const told = tellAll(gateways, ending.signal);
await configure(folder, gateways);
const port = await freePort();
await mkdir(join(folder, 'data'));
const words = [
  `--config.file=${join(folder, 'prometheus.yml')}`,
  `--storage.tsdb.path=${join(folder, 'data')}`,
  `--web.listen-address=127.0.0.1:${port}`,
  '--log.level=error',
];
// Also ends by itself, should nobody be left to end it.
const prometheus = execa(file, words, {
  env,
  reject: false,
  timeout: (minutes + 15) * 60_000,
  stdio: 'ignore',
});
try {
  const asked = new Asked(port);
  while (!(await asked.ready())) await sleep(200);
  // Each is scraped for the first time within one interval.
  await sleep(SCRAPED_EVERY_SEC * 1000);
  const { stdout: version } = await execa(file, ['--version'], { env });
  console.log(
    `${version.split('\n')[0] ?? ''}; ${count} gateways, every ${SCRAPED_EVERY_SEC} s, ${minutes} minutes`,
  );
  printTable(['what', 'measured'], await rows(asked, prometheus.pid ?? 0, gateways));
} finally {
  prometheus.kill();
  await prometheus;
  ending.abort();
  await told;
  await Promise.all(gateways.map((each) => each.end()));
  await rm(folder, { recursive: true });
}
