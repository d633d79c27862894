/** The histories of all devices, as both processes keep them: from the same snapshots they become the same. Pure. */
import { History, type HistoryJson } from './history.ts';
import { pointOf, type DecisionLine, type Snapshot } from './snapshot.ts';

/** More devices than a gateway has lines; a name that comes and goes must not take memory for ever. */
const MAX_DEVICES = 32;

const FORMAT = 'inetgw-history';
const VERSION = 1;

export class Histories {
  readonly #all = new Map<string, History>();

  constructor(known: readonly HistoryJson[] = []) {
    for (const each of known) this.#all.set(each.device, History.from(each, each.device));
  }

  add({ atMs, devices }: Snapshot): void {
    for (const each of devices) {
      const point = pointOf(each, atMs);
      if (point !== undefined) this.#of(each.device)?.add(point);
    }
    for (const [device, history] of this.#all) if (history.isOver(atMs)) this.#all.delete(device);
  }

  decide({ device, atMs, text }: DecisionLine): void {
    this.#of(device)?.decide({ atMs, text });
  }

  get(device: string): HistoryJson | undefined {
    return this.#all.get(device)?.toJSON();
  }

  all(): HistoryJson[] {
    return [...this.#all.values()].map((history) => history.toJSON());
  }

  #of(device: string): History | undefined {
    const known = this.#all.get(device);
    if (known !== undefined || this.#all.size >= MAX_DEVICES) return known;
    const history = new History(device);
    this.#all.set(device, history);
    return history;
  }
}

export const historyFileText = (histories: Histories): string =>
  `${JSON.stringify({ format: FORMAT, version: VERSION, devices: histories.all() })}\n`;

/** Empty where it is no such file: then history begins anew. */
export function parseHistoryFile(text: string): Histories {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Histories();
  }
  const { format, version, devices } = (value ?? {}) as Record<string, unknown>;
  if (format !== FORMAT || version !== VERSION || !Array.isArray(devices)) return new Histories();
  const known = devices.filter(
    (each: unknown): each is HistoryJson =>
      typeof each === 'object' && each !== null && 'device' in each && typeof each.device === 'string',
  );
  return new Histories(known.slice(0, MAX_DEVICES));
}
