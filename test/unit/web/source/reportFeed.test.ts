/** Which files of the folder of reports are fed, and what is shown of them; real files, and the process that listens in memory. */
import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ReportsJson } from '../../../../src/web/answers/reports.ts';
import { ShownReports } from '../../../../src/web/server/reports.ts';
import { ReportFeed, type ReportReader } from '../../../../src/web/source/reportFeed.ts';
import { overviewResult } from '../../../model/run.ts';

let result: Awaited<ReturnType<typeof overviewResult>>;
beforeAll(async () => {
  result = await overviewResult();
});
const saved = (finishedAt: string): string => JSON.stringify({ ...result, finishedAt });
const hour = (n: number): string => new Date(Date.UTC(2026, 10, 28, n)).toISOString();

let folder: string;
let feed: ReportFeed;
let told: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-reports-'));
  told = [];
  feed = await ReportFeed.open(folder, (text) => told.push(text.replaceAll(folder, 'DIR')));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A process that listens. */
class Reader implements ReportReader {
  generation = 1;
  /** Lines that are lost before the first one arrives. */
  losing = 0;
  readonly fed: string[] = [];
  #shown = new ShownReports((text) => told.push(text));

  feed: ReportReader['feed'] = (line) => {
    this.losing -= 1;
    if (this.losing >= 0) return Promise.resolve(false);
    this.fed.push(line.kind === 'reportFile' ? line.name : 'all');
    if (line.kind === 'reportFile') this.#shown.take(line);
    else this.#shown.keep(line);
    return Promise.resolve(true);
  };

  startAgain(): void {
    this.generation += 1;
    this.fed.length = 0;
    this.#shown = new ShownReports((text) => told.push(text));
  }

  names(): string[] {
    const { body = '' } = this.#shown.answerTo('/api/v1/reports') ?? {};
    return (JSON.parse(body) as ReportsJson).reports.map(({ name }) => name);
  }

  status = (path: string): number | undefined => this.#shown.answerTo(path)?.status;
}

it('what has changed is fed again and nothing else, what is gone is no longer shown', async () => {
  const reader = new Reader();
  await writeFile(join(folder, 'a.json'), saved(hour(1)));
  await writeFile(join(folder, 'b 100%.json'), saved(hour(2)));
  await feed.look(reader);
  expect(reader.names()).toEqual(['b 100%.json', 'a.json']);
  expect([reader.status('/reports/b%20100%25.json'), reader.status('/reports/b 100%.json')]).toEqual([
    200,
    undefined,
  ]);
  // What a browser and a client need not write in hexadecimal.
  expect([reader.status('/reports/%61.json'), reader.status('/reports/c.json')]).toEqual([200, undefined]);
  reader.fed.length = 0;
  await feed.look(reader);
  expect(reader.fed).toEqual([]);
  await writeFile(join(folder, 'a.json'), saved(hour(3)));
  await rename(join(folder, 'b 100%.json'), join(folder, 'b.txt'));
  await feed.look(reader);
  expect(reader.fed).toEqual(['a.json', 'all']);
  expect(reader.names()).toEqual(['a.json']);
});

it('whatever is lost is fed again, and all of it to a process that was started again', async () => {
  const reader = new Reader();
  await writeFile(join(folder, 'a.json'), saved(hour(1)));
  reader.losing = 1;
  await feed.look(reader);
  expect(reader.fed).toEqual([]);
  await feed.look(reader);
  expect(reader.names()).toEqual(['a.json']);
  await rm(join(folder, 'a.json'));
  reader.losing = 1;
  await feed.look(reader);
  await feed.look(reader);
  expect(reader.names()).toEqual([]);
  await writeFile(join(folder, 'b.json'), saved(hour(2)));
  await feed.look(reader);
  reader.startAgain();
  await feed.look(reader);
  expect([reader.fed, reader.names()]).toEqual([['b.json', 'all'], ['b.json']]);
});

it('the 20 newest results are shown, of the 40 files that were written last', async () => {
  for (let n = 0; n < 45; n++) {
    const file = join(folder, `${String(n)}.json`);
    await writeFile(file, saved(hour(n)));
    await utimes(file, n, n);
  }
  // The same result once more, as a page may be.
  await writeFile(join(folder, 'again.json'), saved(hour(44)));
  const reader = new Reader();
  await feed.look(reader);
  expect(reader.fed.filter((name) => name !== 'all')).toHaveLength(40);
  expect(reader.names()).toHaveLength(20);
  expect(reader.names()[1]).toBe('43.json');
  expect(reader.names().at(-1)).toBe('25.json');
});

it('links, folders and what is too large are left out, each is told once, and read when that has changed', async () => {
  const reader = new Reader();
  await writeFile(join(folder, 'large.json'), '');
  await truncate(join(folder, 'large.json'), 4 * 1024 * 1024 + 1);
  await symlink('/etc/passwd', join(folder, 'link.json'));
  await symlink('/nowhere', join(folder, 'nowhere.html'));
  await mkdir(join(folder, 'folder.json'));
  await writeFile(join(folder, 'when.json'), saved('yesterday'));
  await feed.look(reader);
  await feed.look(reader);
  expect(told.toSorted()).toEqual([
    'report left out: cannot read DIR/folder.json: it is not a regular file',
    'report left out: cannot read DIR/large.json: it is larger than 4096 KiB',
    'report left out: cannot read DIR/link.json: it is a symbolic link',
    'report left out: cannot read DIR/nowhere.html: it is a symbolic link',
    'report left out: when.json is damaged: finishedAt: it is no time',
  ]);
  await rm(join(folder, 'link.json'));
  await writeFile(join(folder, 'link.json'), saved(hour(1)));
  await feed.look(reader);
  expect(reader.names()).toEqual(['link.json']);
});

it('a folder that is gone is told once, shows nothing, and is read when it is back', async () => {
  const reader = new Reader();
  await writeFile(join(folder, 'a.json'), saved(hour(1)));
  await feed.look(reader);
  await rename(folder, `${folder}-away`);
  await feed.look(reader);
  await feed.look(reader);
  expect(reader.names()).toEqual([]);
  expect(told).toEqual(['cannot read DIR: there is no such file']);
  await rename(`${folder}-away`, folder);
  await feed.look(reader);
  expect(reader.names()).toEqual(['a.json']);
});
