/** A forwarder: its sockets, its limits and its faults. The connections belong to the relay. */
import { isIP, type Server, type Socket } from 'node:net';
import { type Direction, DIRECTIONS, type Limits, NO_LIMITS } from './direction.ts';
import { FaultClock } from './fault-clock.ts';
import { type Faults, NO_FAULTS } from './faults.ts';
import { closeServer, listenOn, makeServer } from './listen.ts';
import type { ScheduleStep } from './schedule.ts';
import type { Group } from './scheduler/scheduler.ts';
import type { ProxySpec } from './spec.ts';

/** What can be changed while it listens. Bytes per second. */
export interface ForwarderOptions {
  readonly limits: Limits;
  /** For each single connection. */
  readonly connectionLimits: Limits;
  readonly faults: Readonly<Record<Direction, Faults>>;
}

export const DEFAULT_OPTIONS: ForwarderOptions = {
  limits: NO_LIMITS,
  connectionLimits: NO_LIMITS,
  faults: { up: NO_FAULTS, down: NO_FAULTS },
};

export type Schedules = Readonly<Record<Direction, readonly ScheduleStep[] | undefined>>;

export class Forwarder {
  readonly number: number;
  readonly spec: ProxySpec;
  readonly groups: Readonly<Record<Direction, Group>>;
  readonly clocks: Readonly<Record<Direction, FaultClock>>;
  options: ForwarderOptions = DEFAULT_OPTIONS;
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

  /** The addresses that its sockets are bound to. */
  get bound(): string[] {
    return this.#servers.flatMap((server) => {
      const address = server.address();
      return address === null || typeof address === 'string' ? [] : [address.address];
    });
  }

  /** Listens on each address, on all or on none; sockets that systemd has opened already are taken over. */
  async listen(
    addresses: readonly string[],
    accept: (client: Socket) => void,
    onError: (error: Error) => void,
    activated: readonly Server[] = [],
  ): Promise<void> {
    const servers: Server[] = [...activated];
    try {
      if (activated.length === 0) {
        for (const address of addresses) {
          const server = makeServer();
          if (await listenOn(server, address, this.spec.localPort, addresses)) servers.push(server);
        }
      }
    } catch (error) {
      await Promise.all(servers.map(closeServer));
      throw error;
    }
    for (const server of servers) {
      server.on('connection', accept);
      server.on('error', onError);
    }
    this.#servers = servers;
    this.addresses = addresses;
  }

  setOptions(options: ForwarderOptions, schedules: Schedules): void {
    this.options = options;
    for (const direction of DIRECTIONS) {
      this.clocks[direction].start(options.faults[direction], schedules[direction]);
    }
  }

  /** The limit in force: the forwarder's own or the schedule's, whichever is lower. */
  limit(direction: Direction): number | undefined {
    const own = this.options.limits[direction];
    const scheduled = this.clocks[direction].scheduledBytesPerSec;
    return own === undefined ? scheduled : Math.min(own, scheduled ?? Infinity);
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
