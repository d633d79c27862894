/** A forwarder: its sockets, its limits and its faults. The connections belong to the relay. */
import { isIP, type Server, type Socket } from 'node:net';
import { type Direction, DIRECTIONS, type Limits, NO_LIMITS } from '../settings/direction.ts';
import { FaultClock } from '../faults/faultClock.ts';
import { type Faults, NO_FAULTS } from '../settings/faults.ts';
import { closeServer, listenOn, makeServer } from '../socket/listen.ts';
import type { ScheduleStep } from '../settings/schedule.ts';
import type { Group } from '../scheduler/flows.ts';
import { localPorts, type ProxySpec } from '../settings/spec.ts';
import type { ProxyVersion } from '../clients/proxyProtocol.ts';
import { connectionsWithTimes, type Times, withTimes } from '../settings/times.ts';
import { Timed } from './timetable.ts';
import type { Toxic } from '../faults/toxics.ts';

/** What can be changed while it listens. Bytes per second. */
export interface ForwarderOptions {
  readonly limits: Limits;
  /** For each single connection. */
  readonly connectionLimits: Limits;
  /** When others hold instead. */
  readonly times: Times;
  /** The name of the group of forwarders that it is in. */
  readonly group: string | undefined;
  /** Its clients are named by a PROXY header, each without exception. */
  readonly acceptProxy: boolean;
  /** Its server is told of the client by such a header. */
  readonly sendProxy: ProxyVersion | undefined;
  readonly faults: Readonly<Record<Direction, Faults>>;
}

export const DEFAULT_OPTIONS: ForwarderOptions = {
  limits: NO_LIMITS,
  connectionLimits: NO_LIMITS,
  times: [],
  group: undefined,
  acceptProxy: false,
  sendProxy: undefined,
  faults: { up: NO_FAULTS, down: NO_FAULTS },
};

export type Schedules = Readonly<Record<Direction, readonly ScheduleStep[] | undefined>>;

export class Forwarder {
  readonly number: number;
  /** As it was asked for; local port 0 is any. */
  readonly asked: ProxySpec;
  /** With the port that the kernel has chosen. */
  spec: ProxySpec;
  readonly groups: Readonly<Record<Direction, Group>>;
  readonly clocks: Readonly<Record<Direction, FaultClock>>;
  options: ForwarderOptions = DEFAULT_OPTIONS;
  readonly timed = new Timed();
  /** In the order in which they were added; of its connections each meets some (toxics.ts). */
  toxics: readonly Toxic[] = [];
  totalConnections = 0;
  /** All that its connections have carried. */
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };
  /** Where it listens, or did before `unlisten`. */
  addresses: readonly string[] = [];
  /** The addresses of its server, as they were found last. */
  targets: readonly string[];
  #servers: Server[] = [];

  constructor(
    number: number,
    spec: ProxySpec,
    groups: Readonly<Record<Direction, Group>>,
    changed: (direction: Direction) => void,
  ) {
    this.number = number;
    this.asked = spec;
    this.spec = spec;
    this.targets = isIP(spec.remoteHost) === 0 ? [] : [spec.remoteHost];
    this.groups = groups;
    const clock = (direction: Direction): FaultClock =>
      new FaultClock(() => {
        changed(direction);
      });
    this.clocks = { up: clock('up'), down: clock('down') };
  }

  get listening(): boolean {
    return this.#servers.length > 0;
  }

  /** Its listening sockets, one for each address and port. */
  get servers(): readonly Server[] {
    return this.#servers;
  }

  /** The addresses that its sockets are bound to. */
  get bound(): string[] {
    return this.#servers.flatMap((server) => {
      const address = server.address();
      return address === null || typeof address === 'string' ? [] : [address.address];
    });
  }

  /** Listens on each address and port, on all or on none; sockets that systemd has opened already are taken over. */
  async listen(
    addresses: readonly string[],
    accept: (client: Socket) => void,
    onError: (error: Error) => void,
    activated: (port: number) => readonly Server[] = () => [],
  ): Promise<void> {
    // Brought back, it takes the port that it had.
    const ports = localPorts(this.spec);
    const servers =
      ports[0] === 0 ? await listenAnywhere(addresses) : await listenOnAll(addresses, ports, activated);
    for (const server of servers) {
      server.on('connection', accept);
      server.on('error', onError);
    }
    this.#servers = servers;
    this.addresses = addresses;
    const address = servers[0]?.address();
    if (this.spec.localPort === 0 && typeof address === 'object' && address !== null)
      this.spec = { ...this.spec, localPort: address.port };
  }

  setOptions(options: ForwarderOptions, schedules: Schedules): void {
    this.options = options;
    this.timed.set(options.times);
    for (const direction of DIRECTIONS) {
      this.clocks[direction].start(options.faults[direction], schedules[direction]);
    }
  }

  /** The limit in force: the forwarder's own of this time or the schedule's, whichever is lower. */
  limit(direction: Direction): number | undefined {
    const own = withTimes(this.options.limits, this.timed.limits)[direction];
    const scheduled = this.clocks[direction].scheduledBytesPerSec;
    return own === undefined ? scheduled : Math.min(own, scheduled ?? Infinity);
  }

  /** The same for each single connection. */
  connectionLimit(direction: Direction): number | undefined {
    return connectionsWithTimes(this.options.connectionLimits, this.timed.limits)[direction];
  }

  /** Stops to accept; connections stay, with their faults. Who has not been accepted yet is refused by the kernel. */
  unlisten(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }

  /** Stops to accept for good; connections stay. */
  close(): void {
    this.unlisten();
    for (const direction of DIRECTIONS) this.clocks[direction].stop();
  }
}

async function listenOnAll(
  addresses: readonly string[],
  ports: readonly number[],
  activated: (port: number) => readonly Server[],
): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const port of ports) {
      const handedOver = activated(port);
      servers.push(...handedOver);
      if (handedOver.length > 0) continue;
      for (const address of addresses) {
        const server = makeServer();
        if (await listenOn(server, address, port, addresses)) servers.push(server);
      }
    }
  } catch (error) {
    await Promise.all(servers.map(closeServer));
    throw error;
  }
  return servers;
}

/** What is free on the first address may be in use on another one. */
const CHOICES = 20;

/** Listens on one port that the kernel chooses, the same one on all addresses. */
async function listenAnywhere(addresses: readonly string[]): Promise<Server[]> {
  const [first = '', ...others] = addresses;
  for (let choice = 1; ; choice++) {
    const server = makeServer();
    const servers = (await listenOn(server, first, 0, addresses)) ? [server] : [];
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    try {
      const more = port === 0 ? await listenAnywhere(others) : await listenOnAll(others, [port], () => []);
      return [...servers, ...more];
    } catch (error) {
      await Promise.all(servers.map(closeServer));
      if (choice === CHOICES || others.length === 0) throw error;
    }
  }
}
