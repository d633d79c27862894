/** A real Prometheus on loopback, which has been told of metrics as they were read at some times. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { debianProgram } from './cli/helpers/debianProgram.ts';
import { freePort } from './freePort.ts';

export interface Reading {
  /** Unix time in s. */
  atSec: number;
  /** As `inetgw metrics` prints it. */
  text: string;
}

export interface Series {
  metric: Record<string, string>;
  value: number;
}

export interface Prometheus {
  /** The series that a query gives at a time, in s. */
  query: (expr: string, atSec: number) => Promise<Series[]>;
  stop: () => Promise<void>;
}

/** @param labels what a scrape would add, `instance="gw"` */
export async function startPrometheus(readings: readonly Reading[], labels: string): Promise<Prometheus> {
  const prometheus = await debianProgram('/usr/bin/prometheus', ['prometheus', 'promtool']);
  const promtool = await debianProgram('/usr/bin/promtool', ['prometheus', 'promtool']);
  const folder = await mkdtemp(join(tmpdir(), 'inetgw-prometheus-'));
  const data = join(folder, 'data');
  await mkdir(data);
  await writeFile(join(folder, 'all.om'), openMetrics(readings, labels));
  await writeFile(join(folder, 'prometheus.yml'), '');
  await execa(promtool.file, ['tsdb', 'create-blocks-from', 'openmetrics', join(folder, 'all.om'), data], {
    env: promtool.env,
  });
  const port = await freePort();
  const server = execa(
    prometheus.file,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { env: prometheus.env, reject: false, all: true },
  );
  let ended: string | undefined;
  void server.then(({ all }) => (ended = all));
  const url = `http://127.0.0.1:${port}`;
  while (!(await isReady(url))) {
    if (ended !== undefined) throw new Error(`prometheus ended: ${ended}`);
    await sleep(100);
  }
  return {
    query: async (expr, atSec) => {
      const parameters = new URLSearchParams({ query: expr, time: String(atSec) });
      const response = await fetch(`${url}/api/v1/query?${parameters.toString()}`);
      const answer = (await response.json()) as Answer;
      if (answer.status !== 'success') throw new Error(`${expr}: ${answer.error ?? 'refused'}`);
      return (answer.data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    stop: async () => {
      server.kill();
      await server;
      await rm(folder, { recursive: true });
    },
  };
}

interface Answer {
  status: string;
  error?: string;
  data?: { result: { metric: Record<string, string>; value: [number, string] }[] };
}

async function isReady(url: string): Promise<boolean> {
  return fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** All readings as one text of OpenMetrics, which has times: family by family, and in it series by series. */
function openMetrics(readings: readonly Reading[], labels: string): string {
  const families = new Map<string, { head: string; series: Map<string, string[]> }>();
  for (const { atSec, text } of readings) {
    for (const part of text.split(/^(?=# HELP )/m)) {
      const [help = '', type = '', ...samples] = part.trimEnd().split('\n');
      const [, , name = ''] = help.split(' ');
      // There, the name of a counter's family is without its ending.
      const head = [help, type].map((line) => line.replace(name, name.replace(/_total$/, ''))).join('\n');
      const family = families.get(name) ?? { head, series: new Map<string, string[]>() };
      families.set(name, family);
      for (const sample of samples) {
        const at = sample.lastIndexOf(' ');
        const key = sample.slice(0, at).replace(/\{/, `{${labels},`);
        family.series.set(key, [...(family.series.get(key) ?? []), `${key}${sample.slice(at)} ${atSec}`]);
      }
    }
  }
  const all = [...families.values()].flatMap(({ head, series }) => [head, ...[...series.values()].flat()]);
  return `${all.join('\n')}\n# EOF\n`;
}
