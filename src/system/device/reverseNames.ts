/** Names of hosts by reverse look-up, in the background: who asks is told what is known by now, and never waits. */
import { Resolver } from 'node:dns/promises';
import { errorCode } from '../../core/errors.ts';
import { hostNameText, type HostNames } from '../../core/hostNames.ts';

/** @returns undefined: the address has no name. Rejects where nobody knows, and when it is told to end. */
type AskName = (address: string, signal: AbortSignal) => Promise<string | undefined>;

const MOST_AT_ONCE = 8;
/** Names and their absence, of so many addresses. */
const MOST_KNOWN = 1024;
const LIMIT_MS = 3000;
const NAME_HOLDS_MS = 600_000;
/** A host that has just come gets its name a little later. */
const NO_NAME_HOLDS_MS = 60_000;

interface Known {
  name: string | undefined;
  /** From then on it is asked again. */
  untilMs: number;
}

export class ReverseNames {
  readonly #ask: AskName;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, Known>();
  readonly #pending = new Set<string>();
  readonly #ending = new AbortController();

  constructor(ask: AskName = askDns, nowMs = (): number => performance.now()) {
    this.#ask = ask;
    this.#nowMs = nowMs;
  }

  /** What is known of these by now. Those of which it is not known are asked for, a few at once. */
  read(addresses: readonly string[]): HostNames {
    const names = new Map<string, string>();
    for (const address of addresses.slice(0, MOST_KNOWN)) {
      const known = this.#known.get(address);
      if (known?.name !== undefined) names.set(address, known.name);
      if (known === undefined || known.untilMs <= this.#nowMs()) this.#begin(address);
    }
    return names;
  }

  /** Ends what is being asked, which would hold up the end of the process. */
  close(): void {
    this.#ending.abort();
  }

  #begin(address: string): void {
    if (this.#pending.size >= MOST_AT_ONCE || this.#pending.has(address) || this.#ending.signal.aborted)
      return;
    this.#pending.add(address);
    void this.#lookUp(address).then(() => this.#pending.delete(address));
  }

  async #lookUp(address: string): Promise<void> {
    const signal = AbortSignal.any([this.#ending.signal, AbortSignal.timeout(LIMIT_MS)]);
    // While nobody answers, a name of before holds.
    const before = this.#known.get(address)?.name;
    const name = await this.#ask(address, signal).then(
      (found) => ({ found, holdsMs: found === undefined ? NO_NAME_HOLDS_MS : NAME_HOLDS_MS }),
      () => ({ found: before, holdsMs: NO_NAME_HOLDS_MS }),
    );
    this.#known.delete(address);
    this.#known.set(address, {
      name: name.found === undefined ? undefined : hostNameText(name.found),
      untilMs: this.#nowMs() + name.holdsMs,
    });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** /etc/hosts, then the servers of /etc/resolv.conf as they are now: a link that comes up may bring others. */
async function askDns(address: string, signal: AbortSignal): Promise<string | undefined> {
  const resolver = new Resolver({ timeout: LIMIT_MS / 2, tries: 2 });
  const end = (): void => {
    resolver.cancel();
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const [name = ''] = await resolver.reverse(address);
    return name === '' ? undefined : name;
  } catch (error) {
    if (['ENOTFOUND', 'ENODATA'].includes(errorCode(error) ?? '')) return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
