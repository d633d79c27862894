/** Whether a load of our own does what it is for: it brings enough, and what it brings comes through the device. */
import { failure, type UserError } from '../../core/errors.ts';
import { formatSize } from '../../core/units.ts';
import type { LineControl, LineCounters } from '../control/line.ts';
import type { Load } from './load.ts';
import type { Direction } from '../samples/measurement.ts';

/** Bytes that devices have received, by name. */
export type DeviceCounters = ReadonlyMap<string, number>;

export interface LoadWatchPorts {
  device: string;
  line: Pick<LineControl, 'readCounters'>;
  readDevices: () => Promise<DeviceCounters>;
}

/** Less than that may be in somebody's buffer. */
const LEAST_BYTES = 250_000;
/** The device counts what the load got, and headers and acknowledgements besides. */
const LEAST_SHARE = 0.5;

/** What moved since it was made. */
export class LoadWatch {
  readonly #load: Load;
  readonly #direction: Direction;
  readonly #ports: LoadWatchPorts;
  readonly #bytes: number;
  readonly #counters: LineCounters;
  readonly #devices: DeviceCounters;

  private constructor(
    load: Load,
    direction: Direction,
    ports: LoadWatchPorts,
    counters: LineCounters,
    devices: DeviceCounters,
  ) {
    this.#load = load;
    this.#direction = direction;
    this.#ports = ports;
    this.#bytes = load.status().bytes;
    this.#counters = counters;
    this.#devices = devices;
  }

  static async begin(load: Load, direction: Direction, ports: LoadWatchPorts): Promise<LoadWatch> {
    const devices = await ports.readDevices();
    return new LoadWatch(load, direction, ports, await ports.line.readCounters(), devices);
  }

  /** Throws a `UserError` that says what is wrong with the load; that it is not there is for the judge to see. */
  async check(): Promise<void> {
    const problem = loadProblem(this.#load) ?? (await this.#wrongWay());
    if (problem !== undefined) throw problem;
  }

  async #wrongWay(): Promise<UserError | undefined> {
    // Uploads count when they have ended: nobody knows which of them went when.
    if (this.#direction === 'up') return undefined;
    const got = this.#load.status().bytes - this.#bytes;
    const { rxBytes } = await this.#ports.line.readCounters();
    const seen = rxBytes - this.#counters.rxBytes;
    if (got < LEAST_BYTES || seen >= LEAST_SHARE * got) return undefined;
    const { device } = this.#ports;
    const by = busiest(this.#devices, await this.#ports.readDevices(), device);
    return failure(
      `the load came in by ${by ?? 'another device'}, not by ${device}: ${device} saw ${formatSize(seen)} of ${formatSize(got)}`,
      'a proxy on this side of the line? do without it (no_proxy), or give the load yourself',
    );
  }
}

/** What keeps the load from ever filling a line; undefined: nothing. */
export function loadProblem(load: Load): UserError | undefined {
  const { fatal, tooSmall } = load.status();
  if (fatal !== null) return fatal;
  if (tooSmall === null) return undefined;
  const isPage = tooSmall.includes(' of text/html ');
  return failure(
    `the load is too small to fill a line: it got ${tooSmall}`,
    isPage
      ? 'a page instead of a file: a captive portal, or the wrong URL?'
      : 'name a file of 100 MB or more',
  );
}

/** The device that has received most since; undefined: none has. The loopback carries what goes to a proxy here. */
function busiest(before: DeviceCounters, after: DeviceCounters, but: string): string | undefined {
  const grown = [...after]
    .filter(([name]) => name !== but && !name.startsWith('igw-'))
    .map(([name, bytes]) => ({ name, bytes: bytes - (before.get(name) ?? bytes) }))
    .filter(({ bytes }) => bytes > 0)
    .sort((one, other) => other.bytes - one.bytes);
  return grown[0]?.name;
}
