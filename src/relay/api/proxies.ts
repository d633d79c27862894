/** Forwarders under the names and in the words of toxiproxy's clients: created, switched off and on, given toxics. */
import { UserError } from '../../core/errors.ts';
import { DEFAULT_OPTIONS } from '../forwarding/forwarder.ts';
import type { Relay } from '../forwarding/relay.ts';
import { formatEndpoint, formatServer, parseSpec, plainAddress, type ProxySpec } from '../settings/spec.ts';
import { changeToxic, readToxic, type Toxic } from '../faults/toxics.ts';

/** What goes wrong, with the HTTP status that toxiproxy gives for it. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface ProxyJson {
  readonly name: string;
  readonly listen: string;
  readonly upstream: string;
  readonly enabled: boolean;
  readonly toxics: readonly Toxic[];
}

type Input = Readonly<Record<string, unknown>>;

interface Proxy {
  readonly number: number;
  listen: string;
  upstream: string;
  enabled: boolean;
  toxics: readonly Toxic[];
}

/** Forwarders that are set here count from this number on. */
const FIRST_NUMBER = 1000;

export class Proxies {
  readonly #relay: Relay;
  readonly #proxies = new Map<string, Proxy>();

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  /** All of them, also the forwarders of command line, file and prompt, by their numbers. */
  all(): ReadonlyMap<string, ProxyJson> {
    for (const { number, spec } of this.#relay.forwarders.values()) {
      const known = [...this.#proxies.values()].some((proxy) => proxy.number === number);
      const name = String(number);
      if (known || this.#proxies.has(name)) continue;
      const listen = this.#listenOf(number);
      this.#proxies.set(name, { number, listen, upstream: formatServer(spec), enabled: true, toxics: [] });
    }
    for (const [name, { number, enabled }] of this.#proxies)
      if (enabled && !this.#relay.forwarders.has(number)) this.#proxies.delete(name);
    return new Map([...this.#proxies].map(([name, proxy]) => [name, json(name, proxy)]));
  }

  show(name: string): ProxyJson {
    this.all();
    return json(name, this.#find(name));
  }

  async create(input: Input): Promise<ProxyJson> {
    const name = text(input, 'name');
    const upstream = text(input, 'upstream');
    const listen = typeof input['listen'] === 'string' ? input['listen'] : '';
    if (this.all().has(name)) throw new ApiError(409, 'proxy already exists');
    const proxy: Proxy = { number: this.#freeNumber(), listen, upstream, enabled: false, toxics: [] };
    readSpec(listen, upstream);
    if (input['enabled'] !== false) await this.#enable(proxy);
    this.#proxies.set(name, proxy);
    return json(name, proxy);
  }

  async update(name: string, input: Input): Promise<ProxyJson> {
    this.all();
    const proxy = this.#find(name);
    const { listen = proxy.listen, upstream = proxy.upstream, enabled = proxy.enabled } = input;
    if (typeof listen !== 'string' || typeof upstream !== 'string' || typeof enabled !== 'boolean')
      throw new ApiError(400, 'bad request body: listen and upstream are text, enabled is true or false');
    readSpec(listen, upstream);
    const moved = listen !== proxy.listen || upstream !== proxy.upstream;
    if (moved || !enabled) await this.#disable(proxy);
    Object.assign(proxy, { listen, upstream });
    if (enabled) await this.#enable(proxy);
    return json(name, proxy);
  }

  async delete(name: string): Promise<void> {
    this.all();
    await this.#disable(this.#find(name));
    this.#proxies.delete(name);
  }

  /** Creates or replaces; one that is as wanted stays as it is, with its connections. */
  async populate(inputs: readonly Input[]): Promise<ProxyJson[]> {
    for (const [index, input] of inputs.entries()) {
      for (const field of ['name', 'upstream']) {
        if (typeof input[field] !== 'string' || input[field] === '')
          throw new ApiError(400, `missing required field: ${field} at proxy ${index + 1}`);
      }
    }
    const made: ProxyJson[] = [];
    for (const input of inputs) {
      const name = text(input, 'name');
      const there = this.all().get(name);
      if (there?.listen === input['listen'] && there?.upstream === input['upstream']) {
        made.push(await this.update(name, { enabled: input['enabled'] ?? true }));
        continue;
      }
      if (there !== undefined) await this.delete(name);
      made.push(await this.create(input));
    }
    return made;
  }

  /** All are enabled, and no toxic is left. */
  async reset(): Promise<void> {
    this.all();
    for (const proxy of this.#proxies.values()) {
      proxy.toxics = [];
      await this.#enable(proxy);
    }
  }

  toxics(name: string): readonly Toxic[] {
    return this.show(name).toxics;
  }

  toxic(name: string, toxicName: string): Toxic {
    const toxic = this.toxics(name).find((each) => each.name === toxicName);
    if (toxic === undefined) throw new ApiError(404, 'toxic not found');
    return toxic;
  }

  addToxic(name: string, input: Input): Toxic {
    const there = this.toxics(name);
    const toxic = valid(readToxic(input));
    if (there.some((each) => each.name === toxic.name)) throw new ApiError(409, 'toxic already exists');
    this.#setToxics(this.#find(name), [...there, toxic]);
    return toxic;
  }

  changeToxic(name: string, toxicName: string, input: Input): Toxic {
    const former = this.toxic(name, toxicName);
    const toxic = valid(changeToxic(former, input));
    const proxy = this.#find(name);
    this.#setToxics(
      proxy,
      proxy.toxics.map((each) => (each === former ? toxic : each)),
    );
    return toxic;
  }

  removeToxic(name: string, toxicName: string): void {
    const gone = this.toxic(name, toxicName);
    const proxy = this.#find(name);
    this.#setToxics(
      proxy,
      proxy.toxics.filter((each) => each !== gone),
    );
  }

  #setToxics(proxy: Proxy, toxics: readonly Toxic[]): void {
    proxy.toxics = toxics;
    if (proxy.enabled) this.#relay.setToxics(proxy.number, toxics);
  }

  #find(name: string): Proxy {
    const proxy = this.#proxies.get(name);
    if (proxy === undefined) throw new ApiError(404, 'proxy not found');
    return proxy;
  }

  /** Its port is the same as before it was disabled, also where the kernel had chosen it. */
  async #enable(proxy: Proxy): Promise<void> {
    if (!proxy.enabled) {
      try {
        await this.#relay.setForwarder(proxy.number, readSpec(proxy.listen, proxy.upstream), DEFAULT_OPTIONS);
      } catch (error) {
        if (error instanceof UserError) throw new ApiError(500, error.message);
        throw error;
      }
      proxy.enabled = true;
      proxy.listen = this.#listenOf(proxy.number);
    }
    this.#relay.setToxics(proxy.number, proxy.toxics);
  }

  async #disable(proxy: Proxy): Promise<void> {
    if (!proxy.enabled) return;
    proxy.enabled = false;
    await this.#relay.removeForwarder(proxy.number);
    this.#relay.closeConnections(proxy.number);
  }

  #listenOf(number: number): string {
    const forwarder = this.#relay.forwarders.get(number);
    const [bound = ''] = forwarder?.bound ?? [];
    return formatEndpoint(plainAddress(bound), forwarder?.spec.localPort ?? 0);
  }

  #freeNumber(): number {
    const taken = new Set([...this.#proxies.values()].map(({ number }) => number));
    let number = FIRST_NUMBER;
    while (taken.has(number) || this.#relay.forwarders.has(number)) number++;
    return number;
  }
}

function json(name: string, { listen, upstream, enabled, toxics }: Proxy): ProxyJson {
  return { name, listen, upstream, enabled, toxics };
}

function text(input: Input, field: string): string {
  const value = input[field];
  if (typeof value !== 'string' || value === '') throw new ApiError(400, `missing required field: ${field}`);
  return value;
}

function valid(toxic: Toxic | string): Toxic {
  if (typeof toxic === 'string') throw new ApiError(400, toxic);
  return toxic;
}

/** `127.0.0.1:0` and `localhost:80` as a specification; without an address, `:80`, it is as elsewhere `local_addrs`. */
function readSpec(listen: string, upstream: string): ProxySpec {
  const result = parseSpec(`${listen === '' ? '0' : listen.replace(/^:/, '')}:${upstream}`);
  if (result.ok) return result.spec;
  const why = result.problem === 'ports' ? result.why : 'listen and upstream are address:port';
  throw new ApiError(400, `bad request body: ${why}`);
}
