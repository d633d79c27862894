/**
 * A guest with Debian's kernel under QEMU's emulation. Its clock counts executed instructions (`-icount`) and
 * jumps over idle time; it runs only while a request is being answered. So what is measured inside does not
 * depend on how busy the host is, and a guest that waits costs nothing.
 *
 * How it stops: the agent writes its answer and then touches the guest's panic port, and QEMU halts the
 * processor at that very instruction. The next request is put into the port first and then lets it go on.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { failure, missing } from '../../src/core/errors.ts';
import { bundleAgent } from './agentBundle.ts';
import { ARCHITECTURES, hostArchitecture, type Architecture } from './architecture.ts';
import { buildInitramfs, CHECKOUT_TAG, ROOT_TAG } from './initramfs.ts';
import { findKernel, type Kernel } from './kernel.ts';
import { rtcMs, Watch, type RtcTime } from './limits.ts';
import { LineReader } from './lines.ts';
import { checkoutRoot } from './paths.ts';
import { filesToPreload } from './preload.ts';
import { makeRunFolder } from './runFolder.ts';
import type { Answer, Command, ExecResult, Operation, Operations } from './protocol.ts';

/** What a guest runs: a system's files and its kernel. */
export interface GuestSystem {
  /** The folder on the host that is the guest's root. `/`: the guest runs the host's own programs. */
  rootFolder: string;
  architecture: Architecture;
  kernel: Kernel;
  /** In the guest. The path of the host's node leads to it too. */
  nodeFile: string;
}

export interface GuestOptions {
  /** This machine's programs with its distribution's kernel by default. */
  system?: GuestSystem;
  /** One instruction takes 2^shift virtual nanoseconds: 1 is a 500 MIPS processor, 0 a 1000 MIPS one. */
  shift?: number;
  /**
   * `instructions`: it goes by what was executed, and jumps over idle time (the default). `real`: it does not jump; while it is busy it
   * may still go slower than this machine's.
   */
  clock?: 'instructions' | 'real';
  memoryMiB?: number;
  /** The guest's time for one request unless it says otherwise; default 24 h (a program's own: `timeoutMs`). */
  requestLimitMs?: number;
  /** A guest that stands still for so many looks at it, one a second, is ended; default 300. */
  standstills?: number;
  /** Real time for the boot or one request, however busy the host is; default 1 h. */
  realLimitMs?: number;
  /** The guest is ended after this real time, whatever it does; default 24 h. */
  lifeLimitMs?: number;
}

/** The guest died, hung, or did not come up; the message ends with the tail of its console. */
export class GuestError extends Error {
  override readonly name = 'GuestError';
}

/** An agent that answered, but with an error. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
}

type Limits = Required<Omit<GuestOptions, 'system'>>;

interface Waiting {
  answer: string | undefined;
  paused: boolean;
  watch: Watch;
  resolve: (line: string) => void;
  reject: (error: Error) => void;
}

const HOUR_MS = 3_600_000;

/** Real time between two looks at the guest's clock. */
const LOOK_MS = 1000;

/** How QEMU is asked what the guest's clock shows, and how many instructions were executed (`icount`). */
const ASK_CLOCK = { execute: 'qom-get', arguments: { path: '/machine', property: 'rtc-time' }, id: 'clock' };
const ASK_INSTRUCTIONS = { execute: 'query-replay', id: 'instructions' };

interface QmpMessage {
  event?: string;
  id?: string;
  return?: RtcTime & { icount: number };
  error?: { desc: string };
}

export class Guest {
  /** Real time from the start of QEMU to the agent's first word. */
  bootMs = 0;
  readonly #process: ChildProcess;
  readonly #agent: Socket;
  readonly #qmp: Socket;
  readonly #folder: string;
  readonly #options: Limits;
  #waiting: Waiting | undefined;
  #clockMs: number | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #ended: GuestError | undefined;
  readonly #exit: Promise<void>;
  readonly #onProcessExit = (): void => {
    this.#process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  };

  private constructor(process_: ChildProcess, folder: string, options: Limits) {
    this.#process = process_;
    this.#folder = folder;
    this.#options = options;
    this.#agent = socketOf(process_, 3);
    this.#qmp = socketOf(process_, 4);
    this.#listen();
    let said = '';
    process_.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4000);
    });
    this.#exit = new Promise((resolve) => {
      const ended = (why: string): void => {
        this.#ended ??= new GuestError(`the guest ended: ${why}${said === '' ? '' : `\n${said.trim()}`}`);
        process.off('exit', this.#onProcessExit);
        resolve();
      };
      process_.once('error', (error) => {
        ended(error.message);
      });
      process_.once('exit', (code, signal) => {
        ended(signal ?? `exit code ${code ?? '?'}`);
      });
    });
    void this.#exit.then(() => {
      this.#waiting?.reject(this.#ended ?? new GuestError('the guest ended'));
    });
    process.on('exit', this.#onProcessExit);
    setTimeout(() => {
      void this.#fail(`the guest lived longer than ${options.lifeLimitMs / 1000} s`);
    }, options.lifeLimitMs).unref();
  }

  /** Boots a guest. Fetches the kernel first if it is not in the cache. */
  static async boot({ system, ...options }: GuestOptions = {}): Promise<Guest> {
    const full: Limits = {
      shift: 1,
      clock: 'instructions',
      memoryMiB: 1024,
      requestLimitMs: 24 * HOUR_MS,
      standstills: 300,
      realLimitMs: HOUR_MS,
      lifeLimitMs: 24 * HOUR_MS,
      ...options,
    };
    const runs = system ?? (await thisMachine());
    const agentFile = await bundleAgent();
    const folder = await makeRunFolder();
    const initramfsFile = join(folder, 'initramfs');
    const preload = [agentFile, ...(await filesToPreload(runs))];
    const initramfs = {
      ...{ ...runs, agentFile, preload },
      ...{ checkoutFolder: checkoutRoot, hostNodeFile: process.execPath },
    };
    await writeFile(initramfsFile, await buildInitramfs(initramfs));
    const startedAt = performance.now();
    const argv = qemuArguments(full, runs, initramfsFile, join(folder, 'console'));
    const { qemu } = ARCHITECTURES[runs.architecture];
    // pdeathsig: QEMU dies with this process, even when that is killed without a chance to clean up.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', qemu.program, ...argv], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    });
    const guest = new Guest(child, folder, full);
    guest.#command({ execute: 'qmp_capabilities' });
    await guest.#await(full.requestLimitMs, 'boot', () => undefined);
    await rm(initramfsFile);
    guest.bootMs = performance.now() - startedAt;
    return guest;
  }

  /** Real process id of QEMU, for tests that check that it is gone. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /** One request to the agent. `limitMs` is the guest's time: one that needs longer is killed and reported. */
  async request<Name extends Operation>(
    op: Name,
    ask: Operations[Name]['ask'],
    limitMs: number = this.#options.requestLimitMs,
  ): Promise<Operations[Name]['answer']> {
    const send = (): Promise<string> =>
      this.#await(limitMs, op, () => {
        this.#agent.write(`${JSON.stringify({ op, ask })}\n`);
        this.#command({ execute: 'cont' });
      });
    const line = this.#queue.then(send);
    this.#queue = line.catch(() => undefined);
    const answer = JSON.parse(await line) as Answer;
    if (!answer.ok) throw new RequestError(`the lab's agent could not '${op}': ${answer.error}`);
    return answer.value as Operations[Name]['answer'];
  }

  /** Runs a program to its end, whatever its exit code. */
  exec(argv: Command['argv'], options: Omit<Command, 'argv'> = {}): Promise<ExecResult> {
    return this.request('exec', { argv, ...options });
  }

  /** Runs a program that must succeed; gives what it printed. */
  async run(argv: Command['argv'], options: Omit<Command, 'argv'> = {}): Promise<string> {
    const result = await this.exec(argv, options);
    if (result.code !== 0) {
      const said = (result.stderr || result.stdout).trim();
      throw new RequestError(`in the guest, '${argv.join(' ')}' ended with ${result.code}: ${said}`);
    }
    return result.stdout;
  }

  /** What the kernel and the agent printed on the serial console so far. */
  async console(): Promise<string> {
    return readFile(join(this.#folder, 'console'), 'utf8').catch(() => '');
  }

  /** Ends the guest and removes its files. Safe to call twice. */
  async close(): Promise<void> {
    this.#ended ??= new GuestError('the guest was closed');
    // Between requests nothing of the guest keeps this process alive; its end must be waited for all the same.
    this.#process.ref();
    this.#process.kill('SIGKILL');
    await this.#exit;
    this.#agent.destroy();
    this.#qmp.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #listen(): void {
    const answers = new LineReader((line) => {
      if (this.#waiting !== undefined) this.#waiting.answer = line;
      this.#settle();
    });
    const events = new LineReader((line) => {
      const message = JSON.parse(line) as QmpMessage;
      if (message.event === 'GUEST_PANICKED' && this.#waiting !== undefined) this.#waiting.paused = true;
      this.#takeLook(message);
      this.#settle();
    });
    for (const [socket, reader] of [
      [this.#agent, answers],
      [this.#qmp, events],
    ] as const) {
      socket.setEncoding('utf8');
      socket.on('data', (text: Buffer | string) => {
        reader.push(text.toString());
      });
      // The process's own end says more than a broken pipe.
      socket.on('error', () => undefined);
    }
    this.#hold(false);
  }

  #settle(): void {
    const waiting = this.#waiting;
    if (waiting?.answer !== undefined && waiting.paused) waiting.resolve(waiting.answer);
  }

  #command(command: Readonly<Record<string, unknown>>): void {
    this.#qmp.write(`${JSON.stringify(command)}\n`);
  }

  #askForLook(): void {
    this.#command(ASK_CLOCK);
    this.#command(ASK_INSTRUCTIONS);
  }

  /** QEMU answers in the order it is asked. */
  #takeLook({ id, return: value }: QmpMessage): void {
    if (value === undefined) return;
    if (id === ASK_CLOCK.id) this.#clockMs = rtcMs(value);
    if (id !== ASK_INSTRUCTIONS.id) return;
    const { icount: instructions } = value;
    // A machine without that clock chip: its clock shows at least what the instructions took.
    const clockMs = this.#clockMs ?? (instructions * 2 ** this.#options.shift) / 1e6;
    this.#waiting?.watch.look({ clockMs, instructions });
  }

  async #await(limitMs: number, what: string, start: () => void): Promise<string> {
    if (this.#ended !== undefined) throw await this.#withConsole(this.#ended.message);
    this.#hold(true);
    const { standstills, realLimitMs } = this.#options;
    const watch = new Watch({ guestMs: limitMs, standstills, realMs: realLimitMs }, performance.now());
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<string>((resolve, reject) => {
        this.#waiting = { answer: undefined, paused: false, watch, resolve, reject };
        this.#askForLook();
        timer = setInterval(() => {
          const limit = watch.exceeded(performance.now());
          if (limit === undefined) this.#askForLook();
          else reject(new GuestError(`the guest did not answer '${what}' ${limit}`));
        }, LOOK_MS);
        start();
      });
    } catch (error) {
      throw await this.#fail(error instanceof Error ? error.message : String(error));
    } finally {
      clearInterval(timer);
      this.#waiting = undefined;
      this.#hold(false);
    }
  }

  /** A guest without a request must not keep the process running. */
  #hold(on: boolean): void {
    const handles = [this.#process, this.#agent, this.#qmp, this.#process.stderr as Socket | null];
    for (const handle of handles) {
      if (on) handle?.ref();
      else handle?.unref();
    }
  }

  async #fail(message: string): Promise<GuestError> {
    const error = await this.#withConsole(message);
    this.#ended = error;
    await this.close();
    return error;
  }

  async #withConsole(message: string): Promise<GuestError> {
    const tail = (await this.console()).replaceAll('\r', '').split('\n').slice(-80).join('\n').trim();
    return new GuestError(tail === '' ? message : `${message}\n--- the guest's console ---\n${tail}`);
  }
}

async function thisMachine(): Promise<GuestSystem> {
  const architecture = hostArchitecture();
  return { rootFolder: '/', architecture, kernel: await findKernel(), nodeFile: process.execPath };
}

function socketOf(child: ChildProcess, index: number): Socket {
  const stream: unknown = child.stdio[index];
  if (stream instanceof Socket) return stream;
  throw missing('QEMU could not be started', 'apt-get install qemu-system-x86');
}

function qemuArguments(
  options: Limits,
  { architecture, kernel, rootFolder }: GuestSystem,
  initramfsFile: string,
  consoleFile: string,
): string[] {
  if ([kernel.imageFile, initramfsFile, consoleFile, rootFolder].some((path) => /[,:]/.test(path))) {
    throw failure('the lab cannot work below a folder with a comma or a colon in its name');
  }
  const { qemu, kernelArguments, panicDevice } = ARCHITECTURES[architecture];
  const share = (path: string, tag: string): string[] => [
    '-virtfs',
    `local,path=${path},security_model=none,multidevs=remap,readonly=on,mount_tag=${tag}`,
  ];
  return [
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot', ...qemu.machineArguments],
    ...[
      '-accel',
      'tcg',
      '-icount',
      `shift=${options.shift},sleep=${options.clock === 'real' ? 'on' : 'off'}`,
      '-rtc',
      'clock=vm',
    ],
    ...['-smp', '1', '-m', String(options.memoryMiB)],
    ...['-kernel', kernel.imageFile, '-initrd', initramfsFile],
    ...['-append', `${kernelArguments} quiet panic=-1 random.trust_cpu=on audit=0`],
    ...['-chardev', `file,id=console,path=${consoleFile}`, '-serial', 'chardev:console'],
    ...share(rootFolder, ROOT_TAG),
    ...(rootFolder === '/' ? [] : share(checkoutRoot, CHECKOUT_TAG)),
    // Without ioeventfd a write is handled at its instruction, not at some later real time.
    ...['-device', 'virtio-serial-pci,ioeventfd=off'],
    ...['-chardev', 'socket,id=agent,fd=3', '-device', 'virtserialport,chardev=agent,name=agent'],
    ...['-chardev', 'socket,id=qmp,fd=4', '-mon', 'chardev=qmp,mode=control'],
    ...['-device', panicDevice, '-action', 'panic=pause'],
  ];
}
