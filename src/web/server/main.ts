/**
 * The process that listens, started by `inetgw serve --listen` (source/listener.ts): it is told all that it shows on its
 * standard input, reads its own files, listens, gives up every privilege, and only then answers anybody. It ends with its input.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PAGE_FILES } from '../../core/installedFiles.ts';
import { GIVEN_DESCRIPTOR } from '../../service/fedProcess.ts';
import { Histories } from '../feed/histories.ts';
import { messageLine } from '../../core/messageLine.ts';
import type { BackLine, FeedLine, Start } from '../feed/snapshot.ts';
import { bind, bindProblem, listenTo } from './bind.ts';
import { dropPrivilege } from './privilege.ts';
import type { ShownReports } from './reports.ts';
import { PageServer, type PageFile } from './server.ts';

const PAGE: readonly (readonly [path: string, name: string, type: string])[] = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml'],
];

interface Running {
  page: PageServer;
  /** Undefined: none are shown. */
  reports: ShownReports | undefined;
}

function tell(line: BackLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function pageFiles(): Map<string, PageFile> {
  return new Map(
    PAGE.map(([path, name, type]) => [path, { type, text: readFileSync(new URL(name, PAGE_FILES), 'utf8') }]),
  );
}

/** Undefined: it could not, and has said so. */
async function start({
  listen,
  socketGroup,
  token,
  changes,
  names,
  histories,
  reports,
  quiet,
  isHandedOver,
}: Start): Promise<Running | undefined> {
  let files: Map<string, PageFile>;
  try {
    files = pageFiles();
  } catch (error) {
    fail(`the page cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  const shown = reports === true ? await shownReports(quiet === true) : undefined;
  const page = new PageServer(
    { names, token, changes: changes === true },
    files,
    new Histories(histories),
    shown,
    tell,
  );
  try {
    if (isHandedOver === true) await listenTo(page.server, GIVEN_DESCRIPTOR);
    else await bind(page.server, listen, socketGroup);
  } catch (error) {
    fail(bindProblem(error, listen, socketGroup));
    return undefined;
  }
  try {
    dropPrivilege();
  } catch (error) {
    fail(
      `the process that listens cannot give up its privilege: ${error instanceof Error ? error.message : String(error)}`,
      'it needs CAP_SETUID and CAP_SETGID to become nobody: docs/monitoring.md',
    );
    return undefined;
  }
  tell({ kind: 'listening' });
  return { page, reports: shown };
}

/** Loaded before everything is given up: it may not be able to read its own files then. And only where they are asked for. */
async function shownReports(quiet: boolean): Promise<ShownReports> {
  const made = await import('./reports.ts');
  return new made.ShownReports((text) => {
    if (!quiet) process.stderr.write(messageLine('inetgw', text));
  });
}

function fail(message: string, hint?: string): void {
  tell({ kind: 'failed', message, ...(hint === undefined ? {} : { hint }) });
  process.exitCode = 1;
  input.close();
}

function hear({ page, reports }: Running, told: Exclude<FeedLine, Start>): void {
  if (told.kind === 'snapshot') page.show(told);
  else if (told.kind === 'decision') page.decide(told);
  else if (told.kind === 'changed') page.changed(told);
  else if (told.kind === 'reportFile' ? reports?.take(told) : reports?.keep(told)) page.reportsChanged();
}

let running: Promise<Running | undefined> = Promise.resolve(undefined);
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const told = JSON.parse(line) as FeedLine;
  if (told.kind === 'start') {
    running = start(told);
    return;
  }
  // What comes while it is starting is heard when it has, in the order in which it came.
  void running.then((ready) => {
    if (ready !== undefined) hear(ready, told);
  });
});
input.on('close', () => {
  process.exit();
});
// What ends the whole group, as Ctrl-C does, is for the process that started it, whose end is the end of the input.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.stdout.on('error', () => process.exit());
