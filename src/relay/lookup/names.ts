/**
 * Looks names up so that none holds up another. One look-up per name is under way at a time, shared by all who wait,
 * and each is a process of its own: getaddrinfo in Node's thread pool runs two at once, so that two silent names kept
 * every other one waiting (nodejs/node#62599), and Node does not end before those threads do.
 *
 * /etc/hosts is read first, whatever nsswitch.conf says of the order; everything else is asked of getent(1), which
 * goes by nsswitch.conf with all its modules (dns with search domains, mdns, resolve, myhostname ...).
 */
import { lookup as lookupInPool } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { isIP, type LookupFunction } from 'node:net';
import { UserError } from '../../core/errors.ts';
import { ProgramError, run, type Runner } from '../../system/exec/run.ts';

export interface Address {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Asks the system for the addresses of a name; none if it is unknown. */
export type Ask = (name: string, signal: AbortSignal) => Promise<readonly Address[]>;

/** An answer, also "unknown", is used again so long, in ms: a flood of clients is not a flood of look-ups. */
const REUSE_MS = 1000;
/** So many look-ups at a time; of them so many for names that were slow the last time, so that others find room. */
const AT_ONCE = 64;
const SLOW_AT_ONCE = 48;
const SLOW_MS = 1000;
/** glibc's resolver gives up by itself after 5 s, twice, for each server and search domain. */
const GIVE_UP_MS = 120_000;

interface LookUp {
  readonly answer: Promise<readonly Address[]>;
  /** When the answer came, by performance.now(). */
  answeredMs: number | undefined;
}

export class Names {
  readonly #ask: Ask;
  readonly #hosts: HostsFile;
  readonly #lookUps = new Map<string, LookUp>();
  readonly #slow = new Set<string>();
  readonly #waiting: { name: string; start: () => void }[] = [];
  readonly #ending = new AbortController();
  #running = 0;
  #slowRunning = 0;

  constructor(ask: Ask = askGetent(run), hostsPath = '/etc/hosts') {
    this.#ask = ask;
    this.#hosts = new HostsFile(hostsPath);
    setMaxListeners(0, this.#ending.signal);
  }

  /** The addresses of a name, or of an address itself. Rejects with the code ENOTFOUND where there are none. */
  async addresses(name: string): Promise<readonly Address[]> {
    const family = isIP(name);
    if (family === 4 || family === 6) return [{ address: name, family }];
    const found = (await this.#hosts.addresses(name)) ?? (await this.#lookUp(name));
    if (found.length === 0) throw notFound(name);
    return found;
  }

  /** For `net.connect` and `server.listen`: goes by the family that is asked for. */
  readonly lookup: LookupFunction = (name, { family, all }, callback) => {
    const wanted = family === 4 || family === 'IPv4' ? 4 : family === 6 || family === 'IPv6' ? 6 : undefined;
    this.addresses(name).then(
      (every) => {
        const fitting = every.filter((each) => wanted === undefined || each.family === wanted);
        const [first] = fitting;
        if (first === undefined) callback(notFound(name), '', 0);
        else if (all === true) callback(null, [...fitting]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error as NodeJS.ErrnoException, '', 0);
      },
    );
  };

  /** Ends what is under way; who waits hears that the name is unknown. */
  close(): void {
    this.#ending.abort();
    for (const { start } of this.#waiting.splice(0)) start();
  }

  #lookUp(name: string): Promise<readonly Address[]> {
    const former = this.#lookUps.get(name);
    const nowMs = performance.now();
    if (former !== undefined && (former.answeredMs === undefined || nowMs - former.answeredMs < REUSE_MS))
      return former.answer;
    const lookUp: LookUp = { answer: this.#start(name), answeredMs: undefined };
    this.#lookUps.set(name, lookUp);
    const answered = (): void => {
      lookUp.answeredMs = performance.now();
      const forget = setTimeout(() => {
        if (this.#lookUps.get(name) === lookUp) this.#lookUps.delete(name);
      }, REUSE_MS);
      forget.unref();
    };
    lookUp.answer.then(answered, answered);
    return lookUp.answer;
  }

  async #start(name: string): Promise<readonly Address[]> {
    if (!this.#room(name)) {
      await new Promise<void>((start) => {
        this.#waiting.push({ name, start });
      });
    }
    if (this.#ending.signal.aborted) return [];
    const slow = this.#slow.has(name);
    this.#running++;
    if (slow) this.#slowRunning++;
    const fromMs = performance.now();
    try {
      return await this.#ask(name, this.#ending.signal);
    } finally {
      this.#running--;
      if (slow) this.#slowRunning--;
      if (performance.now() - fromMs > SLOW_MS) this.#slow.add(name);
      else this.#slow.delete(name);
      const next = this.#waiting.findIndex((each) => this.#room(each.name));
      if (next >= 0) this.#waiting.splice(next, 1)[0]?.start();
    }
  }

  #room(name: string): boolean {
    return this.#running < AT_ONCE && (!this.#slow.has(name) || this.#slowRunning < SLOW_AT_ONCE);
  }
}

/** The file of hosts(5), read again when it has changed. */
class HostsFile {
  readonly #path: string;
  #read = '';
  #hosts: ReadonlyMap<string, readonly Address[]> = new Map();

  constructor(path: string) {
    this.#path = path;
  }

  async addresses(name: string): Promise<readonly Address[] | undefined> {
    const state = await stat(this.#path).catch(() => undefined);
    const version = state === undefined ? '' : `${state.mtimeMs} ${state.size} ${state.ino}`;
    if (version !== this.#read) {
      this.#hosts = parseHosts(await readFile(this.#path, 'utf8').catch(() => ''));
      this.#read = version;
    }
    return this.#hosts.get(name.toLowerCase());
  }
}

/** The addresses of each name in a hosts file, in its order. */
export function parseHosts(text: string): ReadonlyMap<string, readonly Address[]> {
  const hosts = new Map<string, Address[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const family = isIP(address);
    if (family !== 4 && family !== 6) continue;
    for (const name of new Set(names.map((each) => each.toLowerCase()))) {
      const of = hosts.get(name) ?? [];
      hosts.set(name, [...of, { address, family }]);
    }
  }
  return hosts;
}

/** The answer of `getent ahosts`: an address per line and kind of socket. */
export function parseGetent(text: string): readonly Address[] {
  const found = new Map<string, Address>();
  for (const line of text.split('\n')) {
    const [address = ''] = line.split(/\s+/);
    const family = isIP(address);
    if (family === 4 || family === 6) found.set(address, { address, family });
  }
  return [...found.values()];
}

/** getent's exit code for a name that is not known. */
const GETENT_UNKNOWN = 2;

/** Asks getent(1), run by `runner`. */
export const askGetent =
  (runner: Runner): Ask =>
  async (name, signal) => {
    try {
      const argv = ['getent', 'ahosts', '--', name] as const;
      const answer = await runner(argv, { timeoutMs: GIVE_UP_MS, signal, okCodes: [GETENT_UNKNOWN] });
      return parseGetent(answer.stdout);
    } catch (error) {
      // Too late, or no longer wanted; a code of its own means a getent that does not know `ahosts`.
      if (error instanceof ProgramError && !(error.result.code > 0)) return [];
      if (!(error instanceof ProgramError || error instanceof UserError)) throw error;
      // A system without a getent(1) that can: as Node does it.
      const every = await lookupInPool(name, { all: true }).catch(() => []);
      return every.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
    }
  };

function notFound(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`the name ${name} is unknown`), { code: 'ENOTFOUND', hostname: name });
}
