/**
 * The engine, Redis or Valkey, as one relay sees it: two connections by iovalkey, which does the protocol, TLS and reconnecting.
 * The second one only listens on a channel of this relay's id, by which the engine tells who is cut off from who has ended.
 */
import { hostname } from 'node:os';
import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import { Redis, type RedisOptions } from 'iovalkey';
import type { ShareSettings } from '../settings/engine.ts';
import { REPORT } from './script.ts';
import type { Pair } from './pair.ts';
import { reasonOf } from './reason.ts';

/** Between two attempts to connect, in ms: within the second in which all is to be well again. */
const RECONNECT_MS = 100;
const CONNECT_TIMEOUT_MS = 1000;
/** A report that is not answered in this time has failed, in ms; a connection that says nothing at all for twice as long is made anew. */
const ANSWER_TIMEOUT_MS = 500;
/** After so much silence the kernel asks whether the other side is there, in ms. */
const KEEP_ALIVE_MS = 5000;

/** What a relay reports: bytes per second. */
export interface Report {
  readonly weight: number;
  readonly want: Pair;
  /** 0 is none: then nothing is shared in this direction. */
  readonly limit: Pair;
  /** What it may send at this moment; 0 if it does not send yet. */
  readonly holds: Pair;
}

export interface Answer {
  readonly relays: number;
  /** Of all relays, this one included. */
  readonly weights: number;
  /** Bytes per second; 0 where this relay has no limit. */
  readonly share: Pair;
  /** The lowest limit that any of the relays has. */
  readonly limit: Pair;
}

/** One of the relays that share, as the engine knows it. */
export interface Sharer {
  readonly name: string;
  readonly weight: number;
  readonly share: Pair;
  readonly want: Pair;
  /** Since its last report, by the engine's clock. */
  readonly ageMs: number;
}

type WithReport = Redis & {
  report: (key: string, ...args: (string | number)[]) => Promise<number[]>;
};

export class EngineConnection {
  readonly id: string;
  readonly #key: string;
  readonly #redis: WithReport;
  readonly #listener: Redis;
  readonly #secrets: readonly string[];
  readonly #tls: boolean;
  #lastError: string | undefined;
  /** Why this connection may not do anything; until the next one. */
  #refused: string | undefined;

  constructor({ engine, name }: ShareSettings, relayName: string) {
    this.id = `${hostname()}/${relayName}/${process.pid}-${randomBytes(4).toString('hex')}`;
    this.#key = `iprelay:share:${name}`;
    this.#tls = engine.tls;
    this.#secrets = engine.password === undefined ? [] : [engine.password];
    const options: RedisOptions = {
      host: engine.host,
      port: engine.port,
      // Either kind of address.
      family: 0,
      db: engine.database,
      ...(engine.user === undefined ? {} : { username: engine.user }),
      ...(engine.password === undefined ? {} : { password: engine.password }),
      ...(engine.tls ? { tls: isIP(engine.host) === 0 ? { servername: engine.host } : {} } : {}),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      disconnectTimeout: RECONNECT_MS,
      retryStrategy: () => RECONNECT_MS,
      // A former master that has become a replica refuses to write: its name leads to the new one by now.
      reconnectOnError: ({ message }) => message.startsWith('READONLY'),
      keepAlive: KEEP_ALIVE_MS,
      // A report is of its moment: it is not kept for later, nor sent twice.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      // Not everybody may ask for INFO; what is loading refuses the script as well.
      enableReadyCheck: false,
    };
    this.#redis = new Redis({
      ...options,
      commandTimeout: ANSWER_TIMEOUT_MS,
      socketTimeout: 2 * ANSWER_TIMEOUT_MS,
      scripts: { report: { lua: REPORT, numberOfKeys: 1 } },
    }) as WithReport;
    this.#listener = new Redis(options);
    for (const each of [this.#redis, this.#listener])
      each.on('error', (error: Error) => (this.#lastError = this.#wordsOf(error)));
    this.#redis.on('connect', () => (this.#refused = undefined));
    this.#redis.on('error', (error: Error) => {
      if (error.message.startsWith('WRONGPASS')) this.#refused = this.#wordsOf(error);
    });
    this.#listener.on('ready', () => {
      // Who may not is forgotten like one that has ended when the engine does not hear of it.
      this.#listener.subscribe(`${this.#key}:${this.id}`).catch(() => undefined);
    });
  }

  /** Goes on trying also after the first time; rejects with why that has failed. */
  async connect(): Promise<void> {
    this.#listener.connect().catch(() => undefined);
    await this.#redis.connect().catch((error: unknown) => {
      throw new Error(this.#reason(error));
    });
  }

  /** Rejects with a message that can be shown. */
  async report({ weight, want, limit, holds }: Report): Promise<Answer> {
    const ofDirections = (['up', 'down'] as const).flatMap((direction) => [
      Math.round(want[direction]),
      limit[direction],
      holds[direction],
    ]);
    const answer = await this.#redis
      .report(this.#key, this.id, weight, ...ofDirections)
      .catch((error: unknown) => {
        throw new Error(this.#reason(error));
      });
    // An engine that is open to everybody answers also who is refused, until iovalkey has ended the connection.
    if (this.#refused !== undefined) throw new Error(this.#refused);
    const [relays = 1, weights = weight, up = 0, upLimit = 0, down = 0, downLimit = 0] = answer;
    this.#lastError = undefined;
    return { relays, weights, share: { up, down }, limit: { up: upLimit, down: downLimit } };
  }

  /** All relays that share, by name; rejects with a message that can be shown. */
  async sharers(): Promise<readonly Sharer[]> {
    const [time, entries] = await Promise.all([this.#redis.time(), this.#redis.hgetall(this.#key)]).catch(
      (error: unknown) => {
        throw new Error(this.#reason(error));
      },
    );
    const nowMs = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
    return Object.entries(entries)
      .filter(([name]) => name.includes('/'))
      .map(([name, text]): Sharer => {
        const numbers = text.split(' ').map(Number);
        const [atMs = 0, weight = 0, wantUp = 0, , up = 0, wantDown = 0, , down = 0] = numbers;
        return {
          name,
          weight,
          share: { up, down },
          want: { up: wantUp, down: wantDown },
          ageMs: Math.max(0, nowMs - atMs),
        };
      })
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** What this one had is for the others at once; never rejects. */
  async close(): Promise<void> {
    await this.#redis.hdel(this.#key, this.id).catch(() => undefined);
    for (const each of [this.#redis, this.#listener]) each.disconnect();
  }

  /** While there is no connection a report fails for a reason that says nothing: what was the matter with the connection does. */
  #reason(error: unknown): string {
    const own = this.#wordsOf(error);
    if (own.startsWith('NOAUTH')) return this.#lastError ?? own;
    return /writeable|Connection is closed|Command timed out/.test(own)
      ? (this.#lastError ?? 'no answer')
      : own;
  }

  #wordsOf(error: unknown): string {
    const { code, message } = error as NodeJS.ErrnoException;
    let text = message === '' ? (code ?? 'unknown error') : message;
    for (const secret of this.#secrets) text = text.replaceAll(secret, '***');
    return reasonOf(text, this.#tls);
  }
}
