/** The privileged side: starts the process that listens, feeds it, starts it again, hands on changes, and keeps the history. */
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { hostname } from 'node:os';
import { PAGE_SERVER } from '../../core/installedFiles.ts';
import { failure, UserError } from '../../core/errors.ts';
import { fullNameAsker } from '../../service/metricsServer.ts';
import { startFed, type FedProcess, type Given } from '../../service/fedProcess.ts';
import { run } from '../../system/exec/run.ts';
import { makeRunDir, removeEmptyRunDir } from '../../system/record/runDir.ts';
import type { Histories } from '../feed/histories.ts';
import { addressText, type ListenAddress } from '../feed/listen.ts';
import {
  parseBackLine,
  type ChangedLine,
  type ChangeLine,
  type DecisionLine,
  type Snapshot,
  type Start,
} from '../feed/snapshot.ts';
import type { ReportFileLine, ReportFilesLine } from '../feed/reports.ts';
import { bindProblem, bindToHandOver } from '../server/bind.ts';
import { changesUser, NOBODY } from '../server/privilege.ts';
import { historyFile, readHistories, writeHistories } from './historyFile.ts';

export interface ListenerOptions {
  listen: ListenAddress;
  socketGroup: string | undefined;
  token: string | undefined;
  /** Makes a change that is asked for, or refuses it; undefined: none may be. */
  change: ((line: ChangeLine) => Promise<ChangedLine>) | undefined;
  /** Files of reports are fed. */
  reports: boolean;
  /** Nothing is said but what goes wrong. */
  quiet: boolean;
  tell: (text: string) => void;
  env: NodeJS.ProcessEnv;
}

const AGAIN_AFTER_MS = 1000;
/** A crash loses so much at most. */
const WRITE_EVERY_MS = 300_000;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #names: readonly string[];
  readonly #file: string | undefined;
  readonly #histories: Histories;
  #process: FedProcess | undefined;
  #generation = 0;
  #again: NodeJS.Timeout | undefined;
  #writtenMs = performance.now();
  #complaint = '';
  #isWatched = false;
  #onWatched: () => void = () => undefined;
  #closed = false;

  private constructor(
    options: ListenerOptions,
    names: readonly string[],
    file: string | undefined,
    histories: Histories,
  ) {
    this.#options = options;
    this.#names = names;
    this.#file = file;
    this.#histories = histories;
  }

  /** Resolves when it listens. @throws UserError where it cannot */
  static async start(options: ListenerOptions): Promise<Listener> {
    const [fullName, file] = await Promise.all([
      fullNameAsker(new AbortController().signal)(),
      historyFile(options.env),
    ]);
    const names = [hostname().toLowerCase(), ...(fullName === undefined ? [] : [fullName])];
    if (options.listen.kind === 'unix') await makeRunDir();
    const listener = new Listener(options, names, file, await readHistories(file));
    await listener.#start();
    options.tell(`listens on ${addressText(options.listen)}`);
    return listener;
  }

  /** Whether somebody looks. */
  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Called when somebody begins to look, wants a reading of now, and when something was changed. */
  set onWatched(begins: () => void) {
    this.#onWatched = begins;
  }

  async show(snapshot: Snapshot): Promise<void> {
    this.#histories.add(snapshot);
    this.#process?.write(JSON.stringify(snapshot));
    if (performance.now() - this.#writtenMs < WRITE_EVERY_MS) return;
    await this.#write();
  }

  /** How many processes have listened: another one knows nothing of what was fed to the one before. */
  get generation(): number {
    return this.#generation;
  }

  /** Resolves when it is on its way and nothing more of it waits. False: it was lost. */
  async feed(line: ReportFileLine | ReportFilesLine): Promise<boolean> {
    const fed = this.#process;
    return new Promise((resolve) => {
      const isOnItsWay = fed?.write(JSON.stringify(line), () => {
        resolve(fed === this.#process);
      });
      if (isOnItsWay !== true) resolve(false);
    });
  }

  decide(decision: Omit<DecisionLine, 'kind'>): void {
    const line: DecisionLine = { kind: 'decision', ...decision };
    this.#histories.decide(line);
    this.#process?.write(JSON.stringify(line));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#again);
    await this.#process?.end();
    await this.#removeSocket();
    await this.#write();
  }

  /** The process that listens is nobody by now, and may not. */
  async #removeSocket(): Promise<void> {
    const { listen } = this.#options;
    if (listen.kind !== 'unix') return;
    await rm(listen.path, { force: true }).catch(() => undefined);
    await removeEmptyRunDir();
  }

  /** History is no reason to end: what cannot be written is told once. */
  async #write(): Promise<void> {
    this.#writtenMs = performance.now();
    try {
      await writeHistories(this.#file, this.#histories);
      this.#complaint = '';
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      if (error.message !== this.#complaint) this.#options.tell(`history is not kept: ${error.message}`);
      this.#complaint = error.message;
    }
  }

  /** Resolves when it listens; it is started again whenever it ends after that. */
  async #start(): Promise<void> {
    const given = changesUser() ? undefined : await this.#bound();
    // It has ended meanwhile, and nobody would end the process.
    if (this.#closed) {
      given?.server.close();
      await this.#removeSocket();
      return;
    }
    const { listen, socketGroup, token, change, reports, quiet } = this.#options;
    const start: Start = {
      kind: 'start',
      listen,
      ...(socketGroup === undefined ? {} : { socketGroup }),
      ...(token === undefined ? {} : { token }),
      ...(change === undefined ? {} : { changes: true }),
      names: this.#names,
      histories: this.#histories.all(),
      ...(reports ? { reports } : {}),
      ...(given === undefined ? {} : { isHandedOver: true }),
      ...(quiet ? { quiet } : {}),
    };
    return new Promise((resolve, reject) => {
      let listens = false;
      let failed: UserError | undefined;
      const onLine = (line: string): void => {
        const told = parseBackLine(line);
        if (told?.kind === 'listening') {
          listens = true;
          this.#generation += 1;
          resolve();
        } else if (told?.kind === 'failed') failed = failure(told.message, told.hint);
        else if (told?.kind === 'wanted') this.#onWatched();
        else if (told?.kind === 'change') void this.#change(told);
        else if (told !== undefined) this.#watched(told.is);
      };
      const script = fileURLToPath(PAGE_SERVER);
      const onEnd = (how: string): void => {
        this.#process = undefined;
        this.#watched(false);
        const why = `the process that listens ended ${how}`;
        const hint = `as user ${NOBODY} it has to be able to run ${process.execPath} and to read ${script}`;
        if (listens) this.#startAgain(why);
        else reject(failed ?? failure(why, given === undefined ? undefined : hint));
      };
      const started = startFed(script, onLine, onEnd, given);
      this.#process = started;
      started.write(JSON.stringify(start));
    });
  }

  /** For a process that is nobody from the start. */
  async #bound(): Promise<Given> {
    const { listen, socketGroup } = this.#options;
    const server = await bindToHandOver(listen).catch((error: unknown) => {
      throw failure(bindProblem(error, listen, socketGroup));
    });
    if (listen.kind === 'unix' && socketGroup !== undefined)
      await run(['chgrp', '--', socketGroup, listen.path]).catch(async (error: unknown) => {
        server.close();
        await this.#removeSocket();
        throw failure(
          `cannot give ${listen.path} to the group ${socketGroup}: ${error instanceof Error ? error.message : String(error)}`,
          'with this Node it takes CAP_CHOWN: docs/monitoring.md',
        );
      });
    return { id: NOBODY, server };
  }

  /** A bug in it ends the command as any other does. */
  async #change(line: ChangeLine): Promise<void> {
    const { change } = this.#options;
    if (change === undefined) return;
    const asked = this.#process;
    const changed = await change(line);
    asked?.write(JSON.stringify(changed));
    // What came of it is to be seen.
    if (changed.status === 200) this.#onWatched();
  }

  #watched(is: boolean): void {
    this.#isWatched = is;
    if (is) this.#onWatched();
  }

  #startAgain(why: string): void {
    if (this.#closed) return;
    this.#options.tell(`${why}; it is started again`);
    this.#again = setTimeout(() => {
      this.#start().catch((error: unknown) => {
        this.#startAgain(error instanceof Error ? error.message : String(error));
      });
    }, AGAIN_AFTER_MS);
  }
}
