/**
 * The relay: forwarders, connections, variables and limits of one process. Everything that changes it goes
 * through here, from the command line, the prompt, the control socket and the configuration file alike.
 */
import { isIP, type LookupFunction, type Server, type Socket } from 'node:net';
import { failure } from '../../core/errors.ts';
import type { AccessList } from '../clients/access.ts';
import { clientOf } from '../clients/address.ts';
import { BacklogWatch } from '../socket/backlog.ts';
import { type Client, Clients } from '../clients/clients.ts';
import { Connection } from '../connection/connection.ts';
import { DELAY_BYTES, DelayMemory } from '../faults/delayLine.ts';
import { type Direction, DIRECTIONS, type Limits } from '../settings/direction.ts';
import { DEFAULT_OPTIONS, Forwarder, type ForwarderOptions, type Schedules } from './forwarder.ts';
import { ForwarderGroups } from './forwarderGroups.ts';
import { IdleWheel } from '../connection/idle.ts';
import { Lane, type LaneContext } from '../connection/lane.ts';
import type { Log } from '../log.ts';
import { findLoop, LoopError } from './loop.ts';
import { Meter } from '../connection/meter.ts';
import { Names } from '../lookup/names.ts';
import type { Group, Share } from '../scheduler/flows.ts';
import { Pump } from '../connection/pump.ts';
import { ListenerTuner, type Tuned } from '../socket/readAhead.ts';
import type { Pair } from '../share/pair.ts';
import type { SharedLimit } from '../share/sharedLimit.ts';
import { leadsToPort, type ProxySpec, sharesPort, specOf } from '../settings/spec.ts';
import { formatTime, formatTimed, instead, type Times } from '../settings/times.ts';
import { formatLocal, requireZone } from './localTime.ts';
import { Timed, Timetable } from './timetable.ts';
import type { Toxic } from '../faults/toxics.ts';
import { assign, DEFAULT_VARIABLES, type ParsedVariable, type Variables } from '../settings/variables.ts';

export interface RelayOptions {
  readonly log: Log;
  readonly access: AccessList;
  /** How many descriptors the process may have. */
  readonly descriptorLimit: number;
  readonly names?: Names;
  /** Sockets that systemd has opened, by port. */
  readonly activated?: (port: number) => Server[];
}

export interface NewForwarder {
  readonly number: number;
  readonly spec: ProxySpec;
  readonly options: ForwarderOptions;
  readonly schedules?: Schedules | undefined;
}

/** Where a flow is: under which limits, and which share it is of; undefined is one of its own. */
interface Place {
  readonly groups: readonly Group[];
  readonly share: Share | undefined;
}

/** Descriptors that are not for connections: log, control socket, resolver, listeners. */
const RESERVED_DESCRIPTORS = 100;
/** So many listeners are among them. */
const USUAL_LISTENERS = 40;

/** How many descriptors so many connections need, beside so many listening sockets. */
export const descriptorsFor = (connections: number, listeners: number): number =>
  RESERVED_DESCRIPTORS + Math.max(0, listeners - USUAL_LISTENERS) + 2 * connections;
/** How long the sockets of connections that were cut off may take to say that they are closed. */
const CUT_OFF_MS = 1000;
/** How long names are waited for before a forwarder is set: each connection looks again. */
const LOOK_UP_MS = 1500;
const NO_SCHEDULES: Schedules = { up: undefined, down: undefined };

export class Relay {
  readonly variables: Variables = { ...DEFAULT_VARIABLES };
  readonly forwarders = new Map<number, Forwarder>();
  readonly connections = new Map<number, Connection>();
  /** Numbers of the forwarders, and names of the groups, that the configuration file has set. */
  readonly fromFile = new Set<number>();
  readonly groupsFromFile = new Set<string>();
  /** What SIGHUP reads again. */
  configFile: string | undefined;
  /** Where the limit is shared with relays on other machines. */
  shared: SharedLimit | undefined;
  /** What this relay has of a shared limit, bytes per second; 0 where there is no limit. */
  #share: Pair | undefined;
  /** Limits of the process that are others at other times. */
  readonly timed = new Timed();
  readonly #timetable = new Timetable(
    () => this.#allTimed().keys(),
    (those) => {
      this.#followTimes(those);
    },
  );
  readonly pump = new Pump();
  readonly #backlogs = new BacklogWatch();
  readonly #delayed = new DelayMemory(() => {
    this.#delaysFull.tell(() => {
      this.log.warn({ bytes: DELAY_BYTES }, 'latency holds all it may: it limits the rate');
    });
  });
  readonly groups = new ForwarderGroups(this.pump.schedulers);
  readonly clients = new Clients(this.pump.schedulers);
  readonly #clientOf = new Map<Connection, Client>();
  readonly meters: Readonly<Record<Direction, Meter>> = { up: new Meter(), down: new Meter() };
  readonly startedMs = performance.now();
  totalConnections = 0;
  failedConnects = 0;
  refused = 0;
  access: AccessList;
  readonly log: Log;
  readonly names: Names;
  readonly #options: RelayOptions;
  readonly #idle = new IdleWheel<Connection>();
  readonly #forwarderOf = new Map<Connection, Forwarder>();
  readonly listeners: ListenerTuner;
  readonly #idleTimer: NodeJS.Timeout;
  #nextId = 1;
  #closing = false;
  #emptied: (() => void) | undefined;
  readonly #refusals = new Sparing();
  readonly #badHeaders = new Sparing();
  readonly #overflows = new Sparing();
  readonly #delaysFull = new Sparing();

  constructor(options: RelayOptions) {
    this.#options = options;
    this.log = options.log;
    this.access = options.access;
    this.names = options.names ?? new Names();
    this.listeners = new ListenerTuner(() => this.#tuned(), options.log);
    this.#idleTimer = setInterval(() => {
      this.#closeIdle();
    }, 1000);
    this.#idleTimer.unref();
  }

  /** The limit of the process in a direction, bytes per second. */
  limit(direction: Direction): number | undefined {
    const { bandwidth, bandwidth_up, bandwidth_down } = this.variables;
    const own = direction === 'up' ? bandwidth_up : bandwidth_down;
    return instead(this.timed.limits[direction], own > 0 ? own : bandwidth);
  }

  /** What the process may send at this moment: less than its limit where that is shared. */
  #allowed(direction: Direction): number | undefined {
    const limit = this.limit(direction);
    const share = this.#share?.[direction] ?? 0;
    return limit === undefined || share === 0 ? limit : Math.min(limit, share);
  }

  /** Another share of the limit. The lanes ask for the rate when they send: nothing else has to change. */
  applyShare(share: Pair): void {
    this.#share = share;
    const nowMs = performance.now();
    for (const direction of DIRECTIONS)
      this.pump.schedulers[direction].setLimit(this.#allowed(direction), nowMs);
    this.pump.schedule();
  }

  setVariable(parsed: ParsedVariable): void {
    assign(this.variables, parsed);
    this.log.info({ variable: parsed.name, value: parsed.value }, 'variable set');
    if (parsed.name === 'idle_out') this.#idle.retime(this.#idleMs());
    if (parsed.name === 'debug') this.log.setDebug(this.variables.debug);
    if (parsed.name === 'client_bandwidth') this.clients.setLimit(this.clientLimit);
    if (parsed.name === 'client_bandwidth' || parsed.name === 'fair') this.#regroup();
    this.shared?.changed();
    this.refresh();
  }

  /** Other times for the limits of the process. Throws a `UserError` where the time zone is not known. */
  setTimes(times: Times): void {
    if (times.length > 0) requireZone();
    const texts = times.map(formatTime);
    if (texts.join() !== this.timed.times.map(formatTime).join())
      this.log.info({ times: texts }, 'times set');
    this.timed.set(times);
    this.#timetable.look();
  }

  /** All that have limits by time, and how the log calls them. */
  #allTimed(): Map<Timed, object> {
    const forwarders = new Set([...this.forwarders.values(), ...this.#forwarderOf.values()]);
    return new Map<Timed, object>([
      [this.timed, {}],
      ...[...this.groups.all].map(([group, { timed }]) => [timed, { group }] as const),
      ...[...forwarders].map(({ number, timed }) => [timed, { forwarder: number }] as const),
    ]);
  }

  /** Their limits are others now, for the running connections too. */
  #followTimes(those: ReadonlySet<Timed>): void {
    for (const [timed, of] of this.#allTimed()) {
      if (!those.has(timed)) continue;
      const until = timed.untilMs === undefined ? {} : { until: formatLocal(timed.untilMs) };
      this.log.info({ ...of, inForce: formatTimed(timed.limits) || 'as set', ...until }, 'limit by time');
    }
    if (those.has(this.timed)) {
      this.clients.setLimit(this.clientLimit);
      this.#regroup();
    }
    this.groups.refresh();
    this.shared?.changed();
    this.refresh();
  }

  /** Puts a forwarder in the place of number N, if there was one. The old one stays if the new one cannot. */
  setForwarder(
    number: number,
    spec: ProxySpec,
    options: ForwarderOptions,
    schedules = NO_SCHEDULES,
  ): Promise<void> {
    return this.replaceForwarders([{ number, spec, options, schedules }]);
  }

  /** Puts forwarders in their places and deletes others: all of it, or nothing if one of them cannot be set. */
  async replaceForwarders(wanted: readonly NewForwarder[], deleted: readonly number[] = []): Promise<void> {
    const release = await this.listeners.hold();
    try {
      await this.#replaceForwarders(wanted, deleted);
    } finally {
      release();
    }
  }

  async #replaceForwarders(wanted: readonly NewForwarder[], deleted: readonly number[]): Promise<void> {
    const numbers = [...wanted.map(({ number }) => number), ...deleted];
    if (wanted.some(({ options }) => options.times.length > 0)) requireZone();
    const old = numbers.flatMap((number) => this.forwarders.get(number) ?? []);
    // Who has a port that is wanted has to let go first, and comes back if a new one fails.
    const inTheWay = old.filter((each) => wanted.some(({ spec }) => sharesPort(spec, each.spec)));
    for (const each of inTheWay) each.unlisten();
    const made: Forwarder[] = [];
    try {
      for (const { number, spec, options, schedules = NO_SCHEDULES } of wanted) {
        const forwarder = this.#makeForwarder(number, spec);
        made.push(forwarder);
        // Before it listens: clients may be waiting already, and looking for loops takes time.
        forwarder.setOptions(options, schedules);
        this.#refreshForwarder(forwarder);
        await this.#listen(forwarder, this.#addressesOf(spec));
      }
      await this.#refuseLoops(made, [...this.#others(old), ...made]);
      // The last that can fail: a group may have been deleted meanwhile.
      for (const { options } of wanted) this.#requireGroup(options);
    } catch (error) {
      for (const forwarder of made) this.#retire(forwarder);
      for (const each of inTheWay) await this.#bringBack(each);
      throw error;
    }
    for (const number of deleted) this.deleteForwarder(number);
    for (const [index, { number, spec, options, schedules }] of wanted.entries()) {
      const [former, forwarder] = [this.forwarders.get(number), made[index]];
      if (former !== undefined) this.#retire(former);
      if (forwarder !== undefined) this.forwarders.set(number, forwarder);
      this.setForwarderOptions(number, options, schedules);
      this.log.info({ forwarder: number, spec: forwarder?.spec ?? spec }, 'forwarder set');
    }
  }

  #others(old: readonly Forwarder[]): Forwarder[] {
    return [...this.forwarders.values()].filter((each) => !old.includes(each));
  }

  /** Throws a `LoopError` where one of the new ones leads back to itself, as far as names can be looked up in time. */
  async #refuseLoops(made: readonly Forwarder[], all: readonly Forwarder[]): Promise<void> {
    const leadsBack = (from: Forwarder): boolean => all.some((to) => leadsToPort(from.spec, to.spec));
    const asked = all
      .filter((each) => isIP(each.spec.remoteHost) === 0 && leadsBack(each))
      .map((each) => this.#findTargets(each).catch(() => undefined));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, LOOK_UP_MS)));
    await Promise.race([Promise.all(asked), late]);
    clearTimeout(timer);
    for (const each of made) {
      const loop = findLoop(each, all);
      if (loop !== undefined) throw new LoopError(loop);
    }
  }

  async #findTargets(forwarder: Forwarder): Promise<void> {
    const found = await this.names.addresses(forwarder.spec.remoteHost);
    forwarder.targets = found.map(({ address }) => address);
  }

  /** Why a connection of this forwarder would come back to it, or nothing. */
  #loopOf(forwarder: Forwarder): LoopError | undefined {
    const loop = findLoop(forwarder, [...this.forwarders.values()]);
    return loop === undefined ? undefined : new LoopError(loop);
  }

  /** Names may lead elsewhere by now than when the forwarder was set: looked at again before each connection. */
  #lookupOf(forwarder: Forwarder): LookupFunction {
    if (![...this.forwarders.values()].some(({ spec }) => leadsToPort(forwarder.spec, spec)))
      return this.names.lookup;
    return (name, options, callback) => {
      this.#findTargets(forwarder).then(
        () => {
          const loop = this.#loopOf(forwarder);
          if (loop === undefined) this.names.lookup(name, options, callback);
          else callback(loop, '', 0);
        },
        (error: unknown) => {
          callback(error as NodeJS.ErrnoException, '', 0);
        },
      );
    };
  }

  #makeForwarder(number: number, spec: ProxySpec): Forwarder {
    const nowMs = performance.now();
    const groups = {
      up: this.pump.schedulers.up.addGroup(nowMs),
      down: this.pump.schedulers.down.addGroup(nowMs),
    };
    const forwarder = new Forwarder(number, spec, groups, () => {
      this.#refreshForwarder(forwarder);
    });
    return forwarder;
  }

  #addressesOf({ bindAddress }: ProxySpec): string[] {
    return bindAddress === undefined ? this.variables.local_addrs.split(',') : [bindAddress];
  }

  /** New limits and faults, for the running connections too. */
  setForwarderOptions(number: number, options: ForwarderOptions, schedules = NO_SCHEDULES): void {
    const forwarder = this.forwarders.get(number);
    if (forwarder === undefined) throw failure(`no forwarder ${number}`);
    this.#requireGroup(options);
    if (options.times.length > 0) requireZone();
    const moves = forwarder.options.group !== options.group;
    forwarder.setOptions(options, schedules);
    if (moves) this.#regroup(forwarder);
    this.#refreshForwarder(forwarder);
    this.#timetable.look();
  }

  #requireGroup({ group }: ForwarderOptions): void {
    if (group !== undefined && this.groups.get(group) === undefined)
      throw failure(`no group ${group}`, `set group ${group} bandwidth N makes one`);
  }

  /** Makes a group of forwarders, or changes its limits; its times stay unless there are others. */
  setGroup(name: string, limits: Limits, times?: Times): void {
    if (times !== undefined && times.length > 0) requireZone();
    this.groups.set(name, limits, times);
    this.log.info({ group: name, limits }, 'group set');
    this.#timetable.look();
    this.refresh();
  }

  /** Its forwarders are in no group then. False if there is none. */
  deleteGroup(name: string): boolean {
    if (!this.groups.delete(name)) return false;
    for (const forwarder of new Set([...this.forwarders.values(), ...this.#forwarderOf.values()])) {
      if (forwarder.options.group !== name) continue;
      forwarder.options = { ...forwarder.options, group: undefined };
      this.#regroup(forwarder);
    }
    this.log.info({ group: name }, 'group deleted');
    this.refresh();
    return true;
  }

  /** Its connections stay. False if there is none. */
  deleteForwarder(number: number): boolean {
    const forwarder = this.forwarders.get(number);
    if (forwarder === undefined) return false;
    this.#retire(forwarder);
    this.log.info({ forwarder: number }, 'forwarder deleted');
    return this.forwarders.delete(number);
  }

  /** The same, and its port is free when it resolves: at the start of a forwarder another process holds it for some ms. */
  async removeForwarder(number: number): Promise<boolean> {
    const letGo = await this.listeners.hold();
    try {
      return this.deleteForwarder(number);
    } finally {
      letGo();
    }
  }

  /** Its connections stay, but without its faults: nobody could take them away any more. */
  #retire(forwarder: Forwarder): void {
    forwarder.setOptions({ ...forwarder.options, faults: DEFAULT_OPTIONS.faults }, NO_SCHEDULES);
    forwarder.toxics = [];
    for (const [connection, of] of this.#forwarderOf) if (of === forwarder) this.#meet(connection, forwarder);
    forwarder.close();
    this.#refreshForwarder(forwarder);
  }

  /** Listens again, after what should have taken its port could not. */
  async #bringBack(forwarder: Forwarder): Promise<void> {
    await this.#listen(forwarder, forwarder.addresses).catch((error: unknown) => {
      const { number } = forwarder;
      this.log.error({ forwarder: number, err: error }, 'the former forwarder could not be brought back');
      this.#retire(forwarder);
      this.forwarders.delete(number);
    });
    this.listeners.changed();
  }

  /** Closes connection `CONN000001`; false if there is none of that name. */
  kill(name: string): boolean {
    for (const connection of this.connections.values()) {
      if (connection.name !== name.toUpperCase()) continue;
      connection.reset('killed');
      return true;
    }
    return false;
  }

  killAll(): number {
    const count = this.connections.size;
    for (const connection of [...this.connections.values()]) connection.reset('killed');
    return count;
  }

  /** True from the moment on at which no more clients are taken. */
  get closing(): boolean {
    return this.#closing;
  }

  /** Stops to accept and waits until the connections have ended, at most so long; the rest is closed. */
  async close(drainMs: number): Promise<void> {
    this.#closing = true;
    for (const forwarder of this.forwarders.values()) forwarder.close();
    if (this.connections.size > 0 && drainMs > 0) {
      this.log.info({ connections: this.connections.size }, 'draining');
      await this.#empty(drainMs);
    }
    if (this.connections.size > 0)
      this.log.warn({ connections: this.connections.size }, 'connections cut off');
    this.killAll();
    // Each one writes its last line to the log only when its sockets are closed: the log must still be there.
    await this.#empty(CUT_OFF_MS);
    this.names.close();
    clearInterval(this.#idleTimer);
    this.listeners.stop();
    // Who starts at once in its place finds the ports free.
    await this.listeners.hold();
    this.#timetable.stop();
    this.pump.stop();
    this.#backlogs.stop();
  }

  /** Waits until no connection is left, at most so long. */
  async #empty(atMostMs: number): Promise<void> {
    if (this.connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Limits may have changed: all lanes decide anew. */
  refresh(): void {
    const nowMs = performance.now();
    for (const direction of DIRECTIONS) {
      const scheduler = this.pump.schedulers[direction];
      scheduler.smallestSliceBytes = this.variables.data_size;
      scheduler.setLimit(this.#allowed(direction), nowMs);
    }
    for (const forwarder of new Set([...this.forwarders.values(), ...this.#forwarderOf.values()])) {
      this.#refreshForwarder(forwarder);
    }
  }

  /** The most connections at a time, by the variable and by the descriptors of the process. */
  get maxConnections(): number {
    let listeners = 0;
    for (const { servers } of this.forwarders.values()) listeners += servers.length;
    const byDescriptors = Math.floor((this.#options.descriptorLimit - descriptorsFor(0, listeners)) / 2);
    const { max_conns } = this.variables;
    return max_conns > 0 ? Math.min(max_conns, byDescriptors) : byDescriptors;
  }

  #refreshForwarder(forwarder: Forwarder): void {
    const nowMs = performance.now();
    for (const direction of DIRECTIONS) {
      this.pump.schedulers[direction].setGroupLimit(
        forwarder.groups[direction],
        forwarder.limit(direction),
        nowMs,
      );
    }
    for (const [connection, of] of this.#forwarderOf) {
      if (of !== forwarder || connection.lanes === undefined) continue;
      for (const direction of DIRECTIONS) {
        const lane = connection.lanes[direction];
        const limit = this.#flowLimit(forwarder, direction, connection);
        this.pump.schedulers[direction].setFlowLimit(lane.flow, limit, nowMs);
        lane.refresh();
      }
    }
    this.pump.schedule();
    this.listeners.changed();
  }

  /** Each listening socket with the lowest limit above what its clients send. */
  #tuned(): Tuned[] {
    return [...this.forwarders.values()].flatMap((forwarder) => {
      const limits = [
        this.limit('up'),
        forwarder.limit('up'),
        this.groups.limit(forwarder.options.group, 'up'),
        this.clientLimit,
        this.#flowLimit(forwarder, 'up'),
      ];
      const lowest = Math.min(...limits.map((limit) => limit ?? Infinity));
      return forwarder.servers.map((server): Tuned => [server, lowest]);
    });
  }

  /** The limit in force of each client. */
  get clientLimit(): number | undefined {
    return instead(this.timed.limits.client, this.variables.client_bandwidth);
  }

  /** The limits above a connection, and with whom it shares alike. */
  #placeOf(forwarder: Forwarder, client: Client, direction: Direction): Place {
    const limited = this.clientLimit !== undefined;
    const group = this.groups.get(forwarder.options.group);
    return {
      groups: [
        forwarder.groups[direction],
        ...(group === undefined ? [] : [group.groups[direction]]),
        ...(limited ? [client.groups[direction]] : []),
      ],
      share: this.variables.fair === 'client' ? client.shares[direction] : undefined,
    };
  }

  /** What limits connections and how they share has changed: all, or those of one forwarder, go to their new places. */
  #regroup(of?: Forwarder): void {
    const nowMs = performance.now();
    for (const [connection, forwarder] of this.#forwarderOf) {
      if (of !== undefined && of !== forwarder) continue;
      const client = this.#clientOf.get(connection);
      if (client === undefined || connection.lanes === undefined) continue;
      for (const direction of DIRECTIONS) {
        const { groups, share } = this.#placeOf(forwarder, client, direction);
        this.pump.schedulers[direction].moveFlow(connection.lanes[direction].flow, groups, nowMs, share);
      }
    }
  }

  #flowLimit(forwarder: Forwarder, direction: Direction, connection?: Connection): number | undefined {
    const timed = this.timed.limits[direction === 'up' ? 'connUp' : 'connDown'];
    const limit = forwarder.connectionLimit(direction) ?? instead(timed, this.variables.conn_bandwidth);
    const toxic = connection?.toxics.limit(direction);
    return toxic === undefined ? limit : Math.min(toxic, limit ?? Infinity);
  }

  /** Other toxics of a forwarder: its connections meet those that are new, and those that are gone have no effect any more. */
  setToxics(number: number, toxics: readonly Toxic[]): void {
    const forwarder = this.forwarders.get(number);
    if (forwarder === undefined) throw failure(`no forwarder ${number}`);
    forwarder.toxics = toxics;
    for (const [connection, of] of this.#forwarderOf) if (of === forwarder) this.#meet(connection, forwarder);
    this.#refreshForwarder(forwarder);
  }

  #meet(connection: Connection, forwarder: Forwarder): void {
    const { lanes } = connection;
    if (lanes === undefined) return;
    connection.toxics.meet(
      forwarder.toxics,
      (direction) => lanes[direction].meter.totalBytes,
      (how, toxic) => {
        if (how === 'reset') connection.reset(`reset by the toxic ${toxic.name}`);
        else connection.close(`closed by the toxic ${toxic.name}`);
      },
    );
  }

  /** Closes all connections of a forwarder. */
  closeConnections(number: number): void {
    for (const connection of [...this.connections.values()])
      if (connection.forwarder === number) connection.close('closed with its forwarder');
  }

  async #listen(forwarder: Forwarder, addresses: readonly string[]): Promise<void> {
    const found = await Promise.all(addresses.map((each) => this.#addressOf(each)));
    await forwarder.listen(
      found,
      (client) => {
        this.#accept(forwarder, client);
      },
      (error) => {
        this.log.error({ forwarder: forwarder.number, err: error }, 'accepting failed');
      },
      this.#options.activated,
    );
    if (!this.#closing) return;
    // The end came meanwhile, and has not seen this one.
    forwarder.close();
    throw failure('the relay is ending');
  }

  /** Where to listen may be a name as well; one that is unknown is told by who tries to listen on it. */
  async #addressOf(place: string): Promise<string> {
    const found = await this.names.addresses(place).catch(() => []);
    return found[0]?.address ?? place;
  }

  #accept(forwarder: Forwarder, client: Socket): void {
    if (!this.access.allows(client.remoteAddress)) {
      this.refused++;
      this.#refusals.tell(() => {
        const { refused } = this;
        this.log.info(
          { client: client.remoteAddress, forwarder: forwarder.number, refused },
          'not on the access list',
        );
      });
      client.on('error', nothing);
      client.resetAndDestroy();
      return;
    }
    if (this.connections.size >= this.maxConnections) {
      this.refused++;
      this.#overflows.tell(() => {
        this.log.warn({ connections: this.connections.size, refused: this.refused }, 'too many connections');
      });
      client.on('error', nothing);
      client.resetAndDestroy();
      return;
    }
    const id = this.#nextId++;
    const { spec } = forwarder;
    // The local port of a client costs a system call.
    const own = spec.lastLocalPort === undefined ? spec : specOf(spec, client.localPort);
    const connection = new Connection(id, forwarder.number, own, client, this);
    this.connections.set(id, connection);
    this.#forwarderOf.set(connection, forwarder);
    this.totalConnections++;
    forwarder.totalConnections++;
    if (!forwarder.options.acceptProxy) {
      this.#admit(connection, forwarder);
      return;
    }
    connection.readProxyHeader(
      () => {
        this.#admit(connection, forwarder);
      },
      (why) => {
        this.refused++;
        this.#badHeaders.tell(() => {
          const { refused } = this;
          const { clientName } = connection;
          this.log.warn(
            { client: clientName, forwarder: forwarder.number, why, refused },
            'bad PROXY header',
          );
        });
      },
    );
  }

  /** The client is known: its server is connected to. */
  #admit(connection: Connection, forwarder: Forwarder): void {
    const name = clientOf(connection.client.address, this.variables.client_prefix);
    const counted = this.clients.enter(name, this.clientLimit);
    this.#clientOf.set(connection, counted);
    const { force_from, connect_timeout, unreachable, keepalive } = this.variables;
    const anyAddress = force_from === '0.0.0.0' || force_from === '::';
    const context = this.#context(connection, forwarder, counted);
    connection.connect(
      {
        sourceAddress: anyAddress ? undefined : force_from,
        timeoutMs: connect_timeout * 1000,
        lookup: this.#lookupOf(forwarder),
        refused: isIP(forwarder.spec.remoteHost) === 0 ? undefined : this.#loopOf(forwarder)?.message,
        keepAliveMs: keepalive * 1000,
        inWords: unreachable === 'text',
        sendProxy: forwarder.options.sendProxy,
      },
      (direction, from, to) => {
        const scheduler = this.pump.schedulers[direction];
        const nowMs = performance.now();
        const { groups, share } = this.#placeOf(forwarder, counted, direction);
        const flow = scheduler.addFlow(groups, nowMs, share);
        scheduler.setFlowLimit(flow, this.#flowLimit(forwarder, direction, connection), nowMs);
        return new Lane(direction, from, to, flow, context);
      },
    );
  }

  #context(connection: Connection, forwarder: Forwarder, client: Client): LaneContext {
    return {
      pump: this.pump,
      backlogs: this.#backlogs,
      delayed: this.#delayed,
      limited: (direction) =>
        this.limit(direction) !== undefined ||
        forwarder.limit(direction) !== undefined ||
        this.clientLimit !== undefined ||
        this.groups.limit(forwarder.options.group, direction) !== undefined ||
        this.#flowLimit(forwarder, direction, connection) !== undefined,
      faults: (direction) => connection.toxics.faults(direction, forwarder.options.faults[direction]),
      held: (direction) => forwarder.clocks[direction].held,
      moved: (direction, chunk, nowMs) => {
        connection.lastMovedMs = nowMs;
        this.meters[direction].add(chunk.length, nowMs);
        forwarder.bytes[direction] += chunk.length;
        client.counts.bytes[direction] += chunk.length;
        if (this.variables.dump_traff === 1) {
          this.log.info(
            { connection: connection.name, direction, bytes: chunk.length, data: chunk.toString('latin1') },
            'traffic',
          );
        }
      },
      resetDue: () => {
        connection.reset('reset by the fault');
      },
      closeDue: () => {
        connection.close('closed by the fault');
      },
    };
  }

  opened(connection: Connection): void {
    const forwarder = this.#forwarderOf.get(connection);
    if (forwarder !== undefined && forwarder.toxics.length > 0) {
      this.#meet(connection, forwarder);
      this.#refreshForwarder(forwarder);
    }
    this.#idle.add(connection, this.#idleMs());
    this.log.info(
      { connection: connection.name, client: connection.clientName, server: connection.serverName },
      'connected',
    );
  }

  failed(connection: Connection, reason: string): void {
    this.failedConnects++;
    this.log.warn(
      { connection: connection.name, client: connection.clientName, server: connection.serverName, reason },
      'failed to connect',
    );
  }

  closed(connection: Connection, how: string): void {
    this.connections.delete(connection.id);
    this.#forwarderOf.delete(connection);
    const client = this.#clientOf.get(connection);
    if (client !== undefined) this.clients.leave(client);
    this.#clientOf.delete(connection);
    this.#idle.delete(connection);
    const bytes = {
      up: connection.lanes?.up.meter.totalBytes,
      down: connection.lanes?.down.meter.totalBytes,
    };
    this.log.info({ connection: connection.name, how, ...bytes }, 'closed');
    if (this.connections.size === 0) this.#emptied?.();
  }

  #idleMs(): number {
    return this.variables.idle_out === 0 ? 1e12 : this.variables.idle_out * 1000;
  }

  #closeIdle(): void {
    const due = this.#idle.take(performance.now(), this.#idleMs(), (connection) => connection.heldBack);
    for (const connection of due) connection.reset('idle');
  }
}

/** One log line per second: a flood of clients must not become a flood of log lines. */
class Sparing {
  #lastMs = -Infinity;
  tell(say: () => void): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < 1000) return;
    this.#lastMs = nowMs;
    say();
  }
}

const nothing = (): void => undefined;
