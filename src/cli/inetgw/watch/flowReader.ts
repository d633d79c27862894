/** Flows of a device, for whoever looks again and again: read so seldom that it costs a bounded part of a processor. */
import { endianness } from 'node:os';
import { getSystemErrorName } from 'node:util';
import {
  addressesToAsk,
  byTuple,
  flowsOf,
  leftOutOf,
  MOST_FLOWS,
  noFlows,
  whyNone,
  type FlowsFigures,
  type GrownConnection,
  type LineFacts,
  type Seen,
} from '../../../report/flows/flows.ts';
import { Look, type Remembered } from '../../../report/flows/look.ts';
import { connectionOf, ConnectionMessages } from '../../../report/flows/messages.ts';
import { machineAddresses, readAccounting, readConnections } from '../../../system/device/connections.ts';
import { run } from '../../../system/exec/run.ts';
import { Routes } from '../../../system/link/routes.ts';
import type { FullReading } from './reader.ts';

/** A look that took so long is followed by a rest of nine times that: a tenth of one processor at most. */
const REST = 9;

const IS_LITTLE = endianness() === 'LE';

interface Taken {
  look: Look;
  /** When the first of it came. */
  atMs: number;
  isAll: boolean;
}

export class FlowReader {
  readonly #routes = new Routes(run);
  #before: { remembered: Remembered; atMs: number } | undefined;
  #last = noFlows('being looked at');
  #restsUntilMs = 0;

  /** @param isDue it is not to rest, however long the look before has taken */
  async read(reading: FullReading, isDue = false): Promise<FlowsFigures> {
    const beganMs = performance.now();
    if (!isDue && beganMs < this.#restsUntilMs) return this.#last;
    this.#last = await this.#read(reading);
    const endedMs = performance.now();
    this.#restsUntilMs = endedMs + REST * (endedMs - beganMs);
    return this.#last;
  }

  /** Nobody looks any more: what is shown next time is of then. */
  forget(): void {
    this.#before = undefined;
    this.#last = noFlows('being looked at');
  }

  async #read(reading: FullReading): Promise<FlowsFigures> {
    const before = this.#before;
    this.#before = undefined;
    if (reading.statistics === undefined) return noFlows(`nothing is in force on ${reading.device}`);
    const taken = await take(before?.remembered);
    if (typeof taken === 'string') return noFlows(taken);
    const { look, atMs, isAll } = taken;
    const { connections, active, uncounted, unknown } = look;
    const seen: Seen = { connections, active, uncounted, unknown, isAll };
    this.#before = { remembered: look.remembered(isAll), atMs };
    const counted = { connections, uncountedConnections: uncounted, leftOut: leftOutOf(seen) };
    const none = whyNone(seen, await readAccounting());
    if (none !== undefined) return noFlows(none, counted);
    if (before === undefined) return noFlows('a second look tells how much connections carry', counted);
    const overMs = atMs - before.atMs;
    const { flows, unrouted } = await this.#flows(look, reading, overMs);
    return {
      ...counted,
      leftOut:
        [counted.leftOut, unrouted].filter((each) => each !== undefined && each !== null).join('; ') || null,
      ...{ overMs, activeConnections: active, reason: null },
      ...{ flows: flows.slice(0, MOST_FLOWS), moreFlows: Math.max(0, flows.length - MOST_FLOWS) },
    };
  }

  async #flows(look: Look, { device, remembered }: FullReading, overMs: number) {
    const grown = look.largest().flatMap((each): GrownConnection[] => {
      const connection = connectionOf(each.message, IS_LITTLE);
      return connection === undefined ? [] : [{ connection, grown: each }];
    });
    const facts: LineFacts = {
      ...{ device, ...machineAddresses(device) },
      deviceTo: (address) => this.#routes.deviceTo(address),
      remembered: remembered === undefined ? undefined : byTuple(remembered),
    };
    const connections = grown.map(({ connection }) => connection);
    const why = await this.#routes.learn(addressesToAsk(connections, facts));
    const unrouted = why === undefined ? undefined : `what is not behind NAT cannot be told apart: ${why}`;
    return { flows: flowsOf(grown, facts, overMs), unrouted };
  }
}

/** The kernel's words for what it has not got. */
const HAS_NO_SUCH: readonly string[] = ['EINVAL', 'EPROTONOSUPPORT', 'EOPNOTSUPP'];

/** One look at all connections; a text: why it could not be taken. */
async function take(before: Remembered | undefined): Promise<Taken | string> {
  const look = new Look(IS_LITTLE, before);
  const messages = new ConnectionMessages(IS_LITTLE, (message) => {
    look.take(message);
  });
  let atMs: number | undefined;
  const why = await readConnections((chunk) => {
    atMs ??= performance.now();
    messages.take(chunk);
  }, run);
  if (why !== undefined) return `connections cannot be read: ${why}`;
  const { end } = messages;
  if (typeof end === 'number') {
    const name = getSystemErrorName(-end);
    const hint = HAS_NO_SUCH.includes(name) ? ': is there its module nf_conntrack_netlink?' : '';
    return `the kernel does not tell its connections (${name})${hint}`;
  }
  return { look, atMs: atMs ?? performance.now(), isAll: end === 'whole' };
}
