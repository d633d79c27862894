/** `inetgw watch [DEV]`: a live screen once a second; `--once`: one screen as text, or as JSON. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EXIT, exitCodeOfSignal, notInForce, UserError, usageError } from '../../../core/errors.ts';
import { figuresOf, type Figures, type WatchReading } from '../../../report/watch/figures.ts';
import { AnswerSpan } from '../../../report/watch/answerSpan.ts';
import {
  HOST_SORTS,
  screen,
  SORTS,
  type HostSort,
  type ScreenOptions,
  type Sort,
} from '../../../report/watch/screen.ts';
import { FLOW_SORTS, type FlowSort } from '../../../report/watch/flowLines.ts';
import { noFlows, type FlowsFigures } from '../../../report/flows/flows.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { checkDeviceName } from '../../../system/link/link.ts';
import { knownDevices } from '../../../system/record/paused.ts';
import type { GlobalOptions } from '../words/program.ts';
import { HopPings } from './hopPings.ts';
import { HostNamer } from './hostNamer.ts';
import { FlowReader } from './flowReader.ts';
import { WatchReader, type FullReading } from './reader.ts';
import { enterTerminal, type Terminal } from './terminal.ts';

const EVERY_MS = 1000;
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

export async function watchCommand(named: string | undefined, options: GlobalOptions): Promise<number> {
  if (named !== undefined) checkDeviceName(named);
  if (options.json === true && options.once !== true)
    throw usageError('watch has no end: JSON is for --once', 'type: inetgw watch --once --json');
  await requireNetAdmin('reading the counters');
  const reader = new WatchReader(named ?? (await onlyDevice()));
  const names = await HostNamer.open(options);
  if (options.once === true) return showOnce(reader, names, options);
  if (!process.stdout.isTTY || process.env['TERM'] === 'dumb')
    throw usageError('watch needs a terminal that has a cursor', 'one screen as text: inetgw watch --once');
  return new Watch(reader, names, options).run();
}

/** The device that is set up or paused, where there is one of them. */
async function onlyDevice(): Promise<string> {
  const [device, ...others] = await knownDevices();
  if (device === undefined) throw notInForce('no device is set up', 'set one up with: inetgw DEV UP DOWN');
  if (others.length > 0)
    throw usageError(
      `several devices are set up: ${[device, ...others].join(', ')}`,
      `take one of them: inetgw watch ${device}`,
    );
  return device;
}

/** Flows are known when the time is over; for names of theirs that are looked up there is so much more. */
const NAMES_LOOKS = 4;
/** As much as the five pings take that prove a next hop on a slow line. */
const PING_LOOKS = 12;
const LOOK_EVERY_MS = 250;

async function readOnce(
  reader: WatchReader,
  names: HostNamer,
  options: GlobalOptions,
): Promise<{ figures: Figures; flows: FlowsFigures }> {
  const flowReader = new FlowReader();
  let pings: HopPings | undefined;
  try {
    const before = await reader.read();
    pings = options.ping === false ? undefined : new HopPings(reader.device);
    await flowReader.read(before, true);
    // Names that are looked up come meanwhile.
    await names.name(figuresOf(undefined, before));
    await sleep(EVERY_MS);
    const now = await reader.read();
    let flows = await names.nameFlows(await flowReader.read(now, true));
    for (let look = 0; names.resolves && look < NAMES_LOOKS; look++) {
      await sleep(LOOK_EVERY_MS);
      flows = await names.nameFlows(flows);
    }
    for (let look = 0; pings?.isLooking === true && look < PING_LOOKS; look++) await sleep(LOOK_EVERY_MS);
    const figures = figuresOf(before, { ...now, ping: pings?.read() });
    return { figures: await names.name(figures), flows };
  } finally {
    pings?.close();
    names.close();
  }
}

async function showOnce(reader: WatchReader, names: HostNamer, options: GlobalOptions): Promise<number> {
  const { figures, flows } = await readOnce(reader, names, options);
  const columns = process.stdout.isTTY ? process.stdout.columns : Number(process.env['COLUMNS']);
  const text =
    options.json === true
      ? JSON.stringify({ ...figures, flows }, null, 2)
      : screen(figures, {
          columns: columns > 0 ? columns : 80,
          colour: hasColour(options),
          ...{ sort: 'u', hostSort: 'T', help: false, keys: false },
          flows: { figures: flows, sort: 'T', alone: false },
        }).join('\n');
  process.stdout.write(`${text}\n`);
  return figures.isWhole ? EXIT.ok : EXIT.notInForce;
}

function hasColour({ color }: GlobalOptions): boolean {
  const refused = (process.env['NO_COLOR'] ?? '') !== '' || process.env['TERM'] === 'dumb';
  return color !== false && !refused && process.stdout.isTTY;
}

/** From entering the terminal to leaving it. */
class Watch {
  readonly #reader: WatchReader;
  readonly #names: HostNamer;
  readonly #colour: boolean;
  #figures: Figures | undefined;
  #sort: Sort = 'u';
  #hostSort: HostSort = 'T';
  readonly #flowReader = new FlowReader();
  /** Undefined: hosts are shown in their place, and they are not looked at. */
  #flows: FlowsFigures | undefined;
  #flowSort: FlowSort = 'T';
  readonly #answers = new AnswerSpan();
  /** Undefined: none is sent. */
  #pings: HopPings | undefined;
  readonly #sendsPings: boolean;
  #help = false;
  #exitCode: number | undefined;
  /** Ends the wait for the next second. */
  #waiting = new AbortController();
  #terminal: Terminal | undefined;

  constructor(reader: WatchReader, names: HostNamer, options: GlobalOptions) {
    this.#reader = reader;
    this.#sendsPings = options.ping !== false;
    this.#names = names;
    this.#colour = hasColour(options);
  }

  async run(): Promise<number> {
    // What cannot be read at all is said on the terminal as it was.
    let before: WatchReading = await this.#reader.read();
    const listeners = this.#listen();
    this.#enter();
    try {
      this.#answers.take(before);
      if (this.#sendsPings) this.#pings = new HopPings(this.#reader.device);
      this.#figures = await this.#names.name(figuresOf(undefined, before));
      while (this.#exitCode === undefined) {
        this.#draw();
        await sleep(EVERY_MS, undefined, { signal: this.#waiting.signal }).catch(() => undefined);
        if (this.#waiting.signal.aborted) break;
        const now = await this.#read();
        if (now === undefined) continue;
        const seen = { ...now, ping: this.#pings?.read() };
        this.#figures = await this.#names.name(figuresOf(before, seen, this.#answers.take(now)));
        await this.#lookAtFlows(now);
        before = now;
      }
      return this.#exitCode ?? EXIT.ok;
    } finally {
      this.#terminal?.leave();
      this.#names.close();
      this.#pings?.close();
      for (const [signal, listener] of listeners) process.off(signal, listener);
    }
  }

  /** That of somebody who has gone back to the hosts meanwhile is not shown. */
  async #lookAtFlows(reading: FullReading): Promise<void> {
    if (this.#flows === undefined) return;
    const flows = await this.#names.nameFlows(await this.#flowReader.read(reading));
    if (this.#showsFlows()) this.#flows = flows;
  }

  #showsFlows(): boolean {
    return this.#flows !== undefined;
  }

  #switchFlows(): void {
    this.#flows = this.#showsFlows() ? undefined : noFlows('being looked at');
    this.#flowReader.forget();
  }

  /** Also after a SIGSTOP, what was answered meanwhile is not taken for an answer of now. */
  #renewPings(): void {
    if (this.#pings === undefined) return;
    this.#pings.close();
    this.#pings = new HopPings(this.#reader.device);
  }

  #switchPings(): void {
    this.#pings?.close();
    this.#pings = this.#pings === undefined ? new HopPings(this.#reader.device) : undefined;
    if (this.#figures !== undefined) this.#figures = { ...this.#figures, ping: this.#pings?.read() ?? null };
  }

  #listen(): [NodeJS.Signals, () => void][] {
    const listeners: [NodeJS.Signals, () => void][] = [
      ...SIGNALS.map((signal): [NodeJS.Signals, () => void] => [
        signal,
        () => {
          this.#end(exitCodeOfSignal(signal));
        },
      ]),
      [
        'SIGTSTP',
        () => {
          this.#terminal?.leave();
          this.#pings?.close();
          process.kill(process.pid, 'SIGSTOP');
        },
      ],
      [
        'SIGCONT',
        () => {
          // Also after a SIGSTOP of somebody's: a shell sets the terminal as it likes it meanwhile.
          this.#terminal?.leave();
          this.#enter();
          this.#renewPings();
          this.#draw();
        },
      ],
    ];
    for (const [signal, listener] of listeners) process.on(signal, listener);
    return listeners;
  }

  #enter(): void {
    this.#terminal = enterTerminal(process.stdin.isTTY ? process.stdin : undefined, process.stdout, {
      onKey: (key) => {
        this.#key(key);
      },
      onResize: () => {
        this.#draw();
      },
      onGone: () => {
        this.#end(exitCodeOfSignal('SIGHUP'));
      },
    });
  }

  /** A look that fails is said on the screen; the next one may succeed. */
  async #read(): Promise<FullReading | undefined> {
    try {
      return await this.#reader.read();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const condition = {
        id: 'unread',
        severity: 'broken',
        text: error.message,
        remedy: 'it is tried again',
      } as const;
      if (this.#figures !== undefined)
        this.#figures = { ...this.#figures, isWhole: false, line: null, ping: null, conditions: [condition] };
      return undefined;
    }
  }

  #end(code: number): void {
    this.#exitCode ??= code;
    this.#waiting.abort();
  }

  #key(key: string): void {
    if (key === 'q' || key === '^c' || key === '^d') {
      this.#end(EXIT.ok);
      return;
    }
    // To the whole group, as the terminal does where keys are not read one by one: a shell waits for all of it.
    if (key === '^z') {
      process.kill(0, 'SIGTSTP');
      return;
    }
    if (key === '?' || key === 'h') this.#help = !this.#help;
    else if (key === 'escape') this.#help = false;
    else if (key === 'f') this.#switchFlows();
    else if (key === 'p') this.#switchPings();
    else if (this.#showsFlows()) {
      if (!isFlowSort(key)) return;
      this.#flowSort = key;
    } else if (key === 's') this.#sort = nextSort(this.#sort);
    else if (isSort(key)) this.#sort = key;
    else if (isHostSort(key)) this.#hostSort = key;
    else return;
    this.#draw();
  }

  #draw(): void {
    if (this.#figures === undefined || this.#terminal === undefined) return;
    const options: ScreenOptions = {
      ...this.#terminal.size(),
      ...{ colour: this.#colour, sort: this.#sort, hostSort: this.#hostSort },
      ...{ help: this.#help, keys: process.stdin.isTTY },
      flows:
        this.#flows === undefined ? undefined : { figures: this.#flows, sort: this.#flowSort, alone: true },
    };
    this.#terminal.show(screen(this.#figures, options));
  }
}

const ALL_SORTS = Object.keys(SORTS) as Sort[];
const isSort = (key: string): key is Sort => Object.hasOwn(SORTS, key);
const isHostSort = (key: string): key is HostSort => Object.hasOwn(HOST_SORTS, key);
const isFlowSort = (key: string): key is FlowSort => Object.hasOwn(FLOW_SORTS, key);
const nextSort = (sort: Sort): Sort => ALL_SORTS[(ALL_SORTS.indexOf(sort) + 1) % ALL_SORTS.length] ?? 'u';
