/** A measuring run from checked settings to the exit code: the last checks, the ports, the signals, the output. */
import { EXIT, exitCodeOfSignal, failure, usageError, type UserError } from '../core/errors.ts';
import { deviceNameProblem } from '../core/deviceNames.ts';
import { findLink, noSuchDevice } from '../system/link/link.ts';
import { counted, formatDuration } from '../core/units.ts';
import { VERSION } from '../core/version.ts';
import { estimate, expectedRates, LONG_RUN_MS, type SearchSettings } from './arguments/arguments.ts';
import type { RawOptions } from './arguments/rawOptions.ts';
import { ask, askDuringRun } from './run/ask.ts';
import { systemClock } from '../line/clock.ts';
import { messageLine } from '../core/messageLine.ts';
import { requireNetAdmin } from '../system/exec/privilege.ts';
import { readAddresses, receivedBytes } from '../line/device.ts';
import { endable, Interrupted, OutputClosed } from './run/ending.ts';
import {
  csvHeader,
  csvLine,
  formatCommands,
  formatHeader,
  formatLine,
  formatPacingHeader,
  formatSubject,
} from './result/lines.ts';
import type { LineControl } from '../line/control/line.ts';
import { openLine } from '../line/control/openLine.ts';
import { proxyNotice, startLoad } from '../line/load/load.ts';
import type { Direction } from '../line/samples/measurement.ts';
import { fileErrors, renderEnd, screenFor, writeFiles } from './result/output.ts';
import { pingOnce, resolveHost } from '../line/ping/ping.ts';
import { makePinger } from '../line/ping/pinger.ts';
import { findPingHost, wellKnownAddresses, type FoundHost } from '../line/ping/pingHost.ts';
import { Progress } from './run/progress.ts';
import {
  commandSuffixes,
  makeResult,
  toResultLine,
  type ResultHead,
  type SearchResult,
} from './result/result.ts';
import { runSession, type SessionEvent, type SessionPorts } from './run/session.ts';

/** What is wrong with the arguments as far as only the system can tell: device, files, names. */
export async function outsideErrors(device: string, options: RawOptions): Promise<UserError[]> {
  const errors = await fileErrors({ reportFile: options.report ?? null, saveFile: options.save ?? null });
  // Loopback has no line, but the file system knows it; what is no device name was complained about already.
  if (deviceNameProblem(device) !== undefined || (await findLink(device)) !== undefined) return errors;
  return [await noSuchDevice(device), ...errors];
}

/** Measures, shows and writes everything; resolves to the exit code. Throws a `UserError`. */
export async function measureAndShow(
  settings: SearchSettings,
  open: typeof openLine = openLine,
): Promise<number> {
  const interactive = process.stdin.isTTY && process.stderr.isTTY;
  let line: LineControl | undefined;
  try {
    // What stands in for the line may do without privileges.
    const mayMeasure = (): Promise<void> =>
      open === openLine ? requireNetAdmin('measuring with a shaper') : Promise.resolve();
    await endable((signal) => confirmLength(settings, interactive, signal, mayMeasure));
    requireLoads(settings, interactive);
    const address = settings.pingHost === null ? null : await resolveHost(settings.pingHost);
    const towards = settings.towards === null ? undefined : [await resolveHost(settings.towards)];
    line = await open({
      device: settings.device,
      ...settings.framing,
      expected: expectedRates(settings.tasks),
    });
    const result = await measureOn(line, settings, address, towards);
    return result.directions.every(({ recommendedBitPerSec }) => recommendedBitPerSec !== null)
      ? EXIT.ok
      : EXIT.failed;
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.ok;
    if (!(error instanceof Interrupted)) throw error;
    const restored =
      line === undefined
        ? ''
        : line.hadShaper()
          ? ', the earlier shaper is back in force'
          : ', the device is as it was before';
    process.stderr.write(`searchbw: ${error.message}${restored}\n`);
    return exitCodeOfSignal(error.signal);
  }
}

async function measureOn(
  line: LineControl,
  settings: SearchSettings,
  address: string | null,
  towards: readonly string[] | undefined,
): Promise<SearchResult> {
  const progress = new Progress(process.stderr, settings.output.quiet, estimate(settings).durationMs);
  try {
    return await endable(async (signal) => {
      const pingHost = await choosePingHost(settings, address, towards, signal, progress);
      return measureAll(settings, line, pingHost, signal, progress);
    });
  } finally {
    progress.clear();
  }
}

async function confirmLength(
  settings: SearchSettings,
  interactive: boolean,
  signal: AbortSignal,
  mayMeasure: () => Promise<void>,
): Promise<void> {
  const { lines, durationMs } = estimate(settings);
  const many = lines === null ? '' : `${counted(lines, 'line')}, `;
  const plan = `${many}about ${formatDuration(Math.ceil(durationMs / 1000) * 1000)}`;
  const isFine = durationMs <= LONG_RUN_MS || settings.yes;
  // Nobody needs to know how long it takes who may not start it.
  if (isFine || interactive) await mayMeasure();
  if (!settings.output.quiet) process.stderr.write(`${plan}\n`);
  if (isFine) return;
  if (!interactive) throw usageError(`that is a long run (${plan})`, 'start it with --yes if it is meant');
  if (!/^y(es)?$/i.test((await ask('Start? [y/N] ', signal)) ?? '')) throw failure('not started');
}

/** Two directions need two loads: either our own, or somebody who changes them over. */
function requireLoads({ tasks, load }: SearchSettings, interactive: boolean): void {
  if (tasks.length < 2 || interactive) return;
  if (load.downloadUrls.length > 0 && load.uploadUrls.length > 0) return;
  throw usageError(
    'AUTO measures both directions and needs a load for each',
    'give --load URL and --load-up URL, or start it on a terminal and change the load over when asked',
  );
}

async function choosePingHost(
  settings: SearchSettings,
  address: string | null,
  towards: readonly string[] | undefined,
  signal: AbortSignal,
  progress: Progress,
): Promise<FoundHost> {
  const { device } = settings;
  if (address !== null) {
    progress.show(`trying ${address}`);
    // Three tries: on a full line one may be lost.
    for (let attempt = 0; attempt < 3; attempt++) {
      const reply = await pingOnce(address, { device, signal });
      if (reply.kind === 'answer') return { address, how: 'given' };
    }
    throw failure(`the ping host ${address} does not answer`, 'choose another one, or leave --ping-host out');
  }
  progress.show('looking for a host to ping');
  const { peer, families } = await readAddresses(device);
  return findPingHost(pingOnce, {
    device,
    peer,
    towards: towards ?? wellKnownAddresses(families),
    signal,
    onStep: (text) => {
      progress.show(text);
    },
  });
}

async function measureAll(
  settings: SearchSettings,
  line: LineControl,
  pingHost: FoundHost,
  signal: AbortSignal,
  progress: Progress,
): Promise<SearchResult> {
  const { limits, pingIntervalMs, output, load } = settings;
  const screen = screenFor(process.stdout, process.env, output.color);
  const head = { line: line.describe(), pingHost, limits };
  const write = (text: string): void => {
    progress.clear();
    process.stdout.write(text);
  };
  const warn = (text: string): void => {
    progress.clear();
    process.stderr.write(messageLine('searchbw', `warning: ${text}`));
  };
  if (output.format === 'text') write(formatSubject(head));
  if (output.format === 'csv') write(csvHeader());
  const onEvent = eventsTo(output, screen, write, warn, progress);
  const proxies = proxyNotice([...load.downloadUrls, ...load.uploadUrls]);
  if (proxies !== undefined) warn(proxies);
  const startedAt = new Date().toISOString();
  const found = await runSession(settings, {
    ...portsOf(settings, pingHost, signal, progress),
    line,
    onEvent,
  });
  progress.clear();
  const full: ResultHead = {
    ...head,
    startedAt,
    finishedAt: new Date().toISOString(),
    tool: { name: 'searchbw', version: VERSION, node: process.versions.node },
    pingIntervalMs,
    load: { ...load, downloadUrls: [...load.downloadUrls], uploadUrls: [...load.uploadUrls] },
  };
  const suffixes = commandSuffixes(settings.typed, (rates) => line.framingOptions(rates));
  const result = makeResult(full, found, suffixes);
  if (output.format === 'json') write(`${JSON.stringify(result, undefined, 2)}\n`);
  if (output.format === 'text') {
    for (const direction of result.directions) write(renderEnd(direction, result, output, screen));
    write(formatCommands(result));
  } else warnOnStandardError(result);
  await writeFiles(result, output);
  return result;
}

/** What a session asks of the machine and of the person at it, the line itself apart. */
function portsOf(
  settings: SearchSettings,
  pingHost: FoundHost,
  signal: AbortSignal,
  progress: Progress,
): Omit<SessionPorts, 'line' | 'onEvent'> {
  const { device, load } = settings;
  return {
    pinger: makePinger(pingHost.address, { device }, systemClock, pingOnce),
    clock: systemClock,
    signal,
    device,
    readDevices: receivedBytes,
    startLoad: (direction) => startLoad(direction, load, device),
    beforeNext: async (direction) => {
      progress.clear();
      await changeOver(direction, settings, signal);
    },
    renewLoad: async () => {
      progress.clear();
      return askToBeginAnew(signal);
    },
  };
}

/** Tells of each event as it comes, in the form that was asked for. */
function eventsTo(
  output: SearchSettings['output'],
  screen: ReturnType<typeof screenFor>,
  write: (text: string) => void,
  warn: (text: string) => void,
  progress: Progress,
): (event: SessionEvent) => void {
  return (event) => {
    if (event.kind === 'line' && output.format === 'csv')
      write(csvLine(event.direction, toResultLine(event.line), { paced: event.paced === true }));
    if (output.format === 'text') {
      if (event.kind === 'direction') write(formatHeader(event.task.direction));
      if (event.kind === 'line') write(formatLine(toResultLine(event.line), screen.paint));
      if (event.kind === 'pacing') write(formatPacingHeader(screen.paint));
      if (event.kind === 'reasoning') write(`  ${screen.paint.faint(event.sentence)}\n`);
    }
    if (event.kind === 'load-trouble') warn(event.text);
    progress.event(event);
  };
}

/** Where standard output is for programs, a person still has to see what speaks against the result. */
function warnOnStandardError(result: SearchResult): void {
  for (const { warnings } of result.directions) {
    for (const { text } of warnings) process.stderr.write(`searchbw: warning: ${text}\n`);
  }
}

/** Pacing has no hold on what began before it; false where nobody is there, or nobody wants to. */
async function askToBeginAnew(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const question =
    'To see it with window pacing, end the downloads, start them anew and press Enter (n: leave it): ';
  return !/^n(o)?$/i.test(await askDuringRun(question, signal));
}

async function changeOver(
  direction: Direction,
  { load }: SearchSettings,
  signal: AbortSignal,
): Promise<void> {
  const urls = direction === 'down' ? load.downloadUrls : load.uploadUrls;
  if (urls.length > 0) return;
  const [end, start] = direction === 'down' ? ['uploads', 'downloads'] : ['downloads', 'uploads'];
  await askDuringRun(`Now end the ${end}, start large ${start}, and press Enter: `, signal);
}
