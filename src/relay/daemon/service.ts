/** A running relay from start to end: log, listeners, control socket, signals, prompt. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, exitCodeOfSignal, type UserError } from '../../core/errors.ts';
import { descriptorLimit } from '../../service/portHolder.ts';
import { VERSION } from '../../core/version.ts';
import { AccessList } from '../clients/access.ts';
import { complete } from '../prompt/complete.ts';
import { execute } from '../prompt/execute.ts';
import { type Log, SILENT } from '../log.ts';
import { LoopError } from '../forwarding/loop.ts';
import { loadSchedules } from '../prompt/options.ts';
import type { Executor, PromptStreams } from '../prompt/prompt.ts';
import { Relay } from '../forwarding/relay.ts';
import { collectStats } from '../statistics/stats.ts';
import type { Sharing } from '../share/sharedLimit.ts';
import type { OpenLog } from './logOutput.ts';
import { readAgain } from './readAgain.ts';
import { unknownHostWarning } from '../lookup/resolve.ts';
import { DEFAULT_SHARE_NAME, type Engine } from '../settings/engine.ts';
import { type ForwarderSettings, type Settings, timesOf } from './settings.ts';

/** As the original: a bind that fails is tried again every 5 s, 20 times. */
const BIND_RETRY_MS = 5000;
const BIND_RETRIES = 20;

export interface ServiceCallbacks {
  /** All forwarders listen; warnings for standard error, what was chosen for standard output. Called once. */
  ready: (warnings: readonly string[], chosen: readonly string[]) => void;
  streams: PromptStreams;
}

/** Everything that has to be undone at the end, in reverse order. */
type Undo = () => Promise<void> | void;

/** Runs until it is ended by a signal or at the prompt; resolves to the exit code. */
export async function runService(settings: Settings, callbacks: ServiceCallbacks): Promise<number> {
  const undo: Undo[] = [];
  try {
    return await serve(settings, callbacks, undo);
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function serve(settings: Settings, callbacks: ServiceCallbacks, undo: Undo[]): Promise<number> {
  let started = false;
  let apiPort: number | undefined;
  const ready = (warnings: readonly string[]): void => {
    started = true;
    const chosen = settings.api?.port === 0 ? [`the API listens on port ${String(apiPort)}`] : [];
    callbacks.ready(warnings, [...chosen, ...chosenPorts(relay)]);
  };
  const log = await startLog(settings);
  undo.push(() => (started ? log?.close() : log?.discard()));
  const relay = await makeRelay(settings, log ?? SILENT);
  let drainMs = 0;
  let stopSignals = (): void => undefined;
  // A prompt with nothing to read again ends with its terminal.
  const hangups =
    settings.mode !== 'prompt' || settings.configFile !== undefined || log !== undefined
      ? watchHangups()
      : undefined;
  // Undone after the relay has drained: until then a signal must not kill the process.
  undo.push(() => {
    stopSignals();
    hangups?.stop();
  });
  // Undone after the relay has drained: what still passes is within its share.
  undo.push(() => relay.shared?.close());
  undo.push(() => relay.close(drainMs));
  await setUp(relay, settings);
  const executor = localExecutor(relay);
  const hangup = onHangup(relay, settings, log);
  // Before the control socket is there: who finds it may send signals.
  const signals = watchSignals();
  stopSignals = signals.stop;
  await becomeReachable(relay, settings, { executor, hangup, undo });
  if (settings.api !== undefined) apiPort = await startApi(relay, settings, undo);
  hangups?.each(() => void hangup());
  const asked = unknownHosts(relay, settings);
  if (settings.mode === 'prompt') {
    ready([]);
    return runPromptMode(executor, callbacks.streams, signals, asked);
  }
  await relay.listeners.settled();
  const warnings = await asked;
  for (const warning of warnings) relay.log.warn({}, warning);
  relay.log.info({ version: VERSION, pid: process.pid, forwarders: relay.forwarders.size }, 'started');
  await notify(['READY=1'], relay);
  ready(warnings);
  const signal = await signals.first;
  drainMs = relay.variables.drain_time * 1000;
  relay.log.info({ signal }, 'ending');
  await notify(['STOPPING=1'], relay);
  void signals.second.then((again) => process.exit(exitCodeOfSignal(again)));
  // SIGTERM is how a service is meant to end; Ctrl-C on one in the foreground is an interruption.
  return signal === 'SIGTERM' ? EXIT.ok : exitCodeOfSignal(signal);
}

/** A relay that nobody can connect to yet, with the sockets that systemd has opened for it. */
async function makeRelay(settings: Settings, log: Log): Promise<Relay> {
  const { env } = process;
  const activated =
    env['LISTEN_FDS'] === undefined ? undefined : await (await import('./systemd.ts')).activatedServers(env);
  const relay = new Relay({
    log,
    access: new AccessList(settings.allow),
    descriptorLimit: descriptorLimit(),
    activated: (port) => {
      const servers = activated?.get(port) ?? [];
      activated?.delete(port);
      return servers;
    },
  });
  relay.configFile = settings.configFile;
  return relay;
}

/** Variables, the shared limit, groups, and forwarders that listen from then on. */
async function setUp(relay: Relay, settings: Settings): Promise<void> {
  for (const parsed of settings.variables) relay.setVariable(parsed);
  relay.setTimes(timesOf(settings, settings));
  if (settings.engine !== undefined) await startSharing(relay, settings.engine, settings);
  for (const { name, limits, times } of settings.groups) relay.setGroup(name, limits, times);
  for (const forwarder of settings.forwarders) await startForwarder(relay, forwarder, settings.bindRetry);
  for (const number of settings.forwardersOfFile) relay.fromFile.add(number);
  for (const { name } of settings.groups) relay.groupsFromFile.add(name);
}

/** Reads log and file again; says what is wrong with the file. */
type Hangup = () => Promise<readonly UserError[]>;

function onHangup(relay: Relay, settings: Settings, log: OpenLog | undefined): Hangup {
  // One after the other: two that read the file at the same time would mix what they set.
  let work: Promise<readonly UserError[]> = Promise.resolve([]);
  return () => {
    work = work.then(() => {
      // For logrotate.
      log?.reopen();
      return readAgain(relay, settings);
    });
    return work;
  };
}

/** By its control socket, its pid file and its metrics, as far as they are wanted. */
async function becomeReachable(
  relay: Relay,
  { mode, name, pidFile, metrics }: Settings,
  { executor, hangup, undo }: { executor: Executor; hangup: Hangup; undo: Undo[] },
): Promise<void> {
  if (mode !== 'prompt') {
    const { openControlSocket } = await import('../control/server.ts');
    const control = await openControlSocket(name, executor, hangup);
    undo.push(control.close);
  }
  if (pidFile !== undefined) {
    const { removePidFile, writePidFile } = await import('../../service/pidFile.ts');
    await writePidFile(pidFile);
    undo.push(() => removePidFile(pidFile));
  }
  if (metrics !== undefined) {
    const { serveMetrics } = await import('../../service/metricsServer.ts');
    const { metricsOf } = await import('../statistics/metrics.ts');
    undo.push(await serveMetrics(metrics, () => metricsOf(relay)));
  }
}

/** A warning for each server that no name service knows. */
async function unknownHosts(relay: Relay, { forwarders }: Settings): Promise<string[]> {
  const hosts = [...new Set(forwarders.map(({ spec }) => spec.remoteHost))];
  const all = await Promise.all(hosts.map((host) => unknownHostWarning(host, relay.names)));
  return all.flatMap((each) => each ?? []);
}

/** Local port 0 is whichever is free: who asked for it has to hear which. */
function chosenPorts({ forwarders }: Relay): string[] {
  return [...forwarders.values()]
    .filter(({ asked }) => asked.localPort === 0)
    .map(({ number, spec }) => `forwarder ${number} listens on port ${spec.localPort}`);
}

/** From now on the limit is shared. */
async function startSharing(relay: Relay, engine: Engine, { shareName, name }: Settings): Promise<void> {
  const { SharedLimit } = await import('../share/sharedLimit.ts');
  const settings = { engine, name: shareName ?? DEFAULT_SHARE_NAME };
  relay.shared = new SharedLimit(settings, name, sharing(relay), relay.log);
  await relay.shared.start();
}

const sharing = (relay: Relay): Sharing => ({
  limit: (direction) => relay.limit(direction),
  totalBytes: (direction) => relay.meters[direction].totalBytes,
  takeWaits: (direction) => relay.pump.schedulers[direction].takeRootWaits(),
  weight: () => relay.variables.share_weight,
  atLeastRelays: () => relay.variables.share_relays,
  apply: (share) => {
    relay.applyShare(share);
  },
});

/** The HTTP API with the proxies of the file; gives its port. */
async function startApi(relay: Relay, settings: Settings, undo: Undo[]): Promise<number> {
  const { startApi: start } = await import('../api/start.ts');
  const { port, close } = await start(relay, settings);
  undo.push(close);
  return port;
}

async function startLog(settings: Settings): Promise<OpenLog | undefined> {
  if (settings.log === 'none') return undefined;
  const { openLog } = await import('./logOutput.ts');
  return openLog(settings.log, settings.logFormat, settings.name);
}

async function notify(states: readonly string[], relay: Relay): Promise<void> {
  if (process.env['NOTIFY_SOCKET'] === undefined) return;
  const { notifySystemd } = await import('../../system/exec/notify.ts');
  await notifySystemd(states, process.env).catch((error: unknown) => {
    relay.log.warn({ err: error }, 'systemd could not be told');
  });
}

async function startForwarder(relay: Relay, settings: ForwarderSettings, retry: boolean): Promise<void> {
  const { number, spec, options } = settings;
  const schedules = await loadSchedules(options);
  for (let attempt = 1; ; attempt++) {
    try {
      await relay.setForwarder(number, spec, options, schedules);
      return;
    } catch (error) {
      if (!retry || attempt >= BIND_RETRIES || error instanceof LoopError) throw error;
      relay.log.warn({ forwarder: number, err: error }, 'cannot listen yet');
      await sleep(BIND_RETRY_MS);
    }
  }
}

function localExecutor(relay: Relay): Executor {
  return {
    execute: (line) => execute(relay, line),
    complete: (line) =>
      Promise.resolve(
        complete(line, {
          forwarders: [...relay.forwarders.keys()],
          connections: [...relay.connections.values()].map((connection) => connection.name),
        }),
      ),
    stats: () => Promise.resolve(collectStats(relay, VERSION)),
  };
}

async function runPromptMode(
  executor: Executor,
  streams: PromptStreams,
  signals: Signals,
  asked: Promise<readonly string[]>,
): Promise<number> {
  const { runPrompt } = await import('../prompt/prompt.ts');
  const abort = new AbortController();
  let signal: EndSignal | undefined;
  void signals.first.then((received) => {
    signal = received;
    abort.abort();
  });
  void asked.then((warnings) => {
    for (const warning of warnings) process.stderr.write(`iprelay: ${warning}\n`);
  });
  const leave = await runPrompt(executor, streams, abort.signal);
  if (signal !== undefined) return exitCodeOfSignal(signal);
  return leave === 'interrupt' ? exitCodeOfSignal('SIGINT') : EXIT.ok;
}

type EndSignal = 'SIGINT' | 'SIGTERM';

interface Signals {
  readonly first: Promise<EndSignal>;
  readonly second: Promise<EndSignal>;
  /** Signals do again what they do to any process. */
  stop: () => void;
}

function watchSignals(): Signals {
  const waiting: ((signal: EndSignal) => void)[] = [];
  const next = (): Promise<EndSignal> =>
    new Promise((resolve) => {
      waiting.push(resolve);
    });
  const end = (signal: NodeJS.Signals): void => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') waiting.shift()?.(signal);
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  return {
    first: next(),
    second: next(),
    stop: () => {
      process.off('SIGINT', end).off('SIGTERM', end);
    },
  };
}

interface Hangups {
  /** Done on each SIGHUP from now on, and at once if one has come already. */
  each: (action: () => void) => void;
  /** SIGHUP ends the process again. */
  stop: () => void;
}

/** From now on SIGHUP ends nothing, whether there is something to do on it or not. */
function watchHangups(): Hangups {
  let come = false;
  let action = (): void => {
    come = true;
  };
  const listener = (): void => {
    action();
  };
  process.on('SIGHUP', listener);
  return {
    each: (wanted) => {
      action = wanted;
      if (come) action();
    },
    stop: () => {
      process.off('SIGHUP', listener);
    },
  };
}
