/** Which toxics a connection has met: each is decided once, when it is added or the connection is opened. */
import { type Direction, DIRECTIONS } from '../settings/direction.ts';
import type { Faults } from '../settings/faults.ts';
import { bandwidthOf, directionOf, endingOf, type Met, swallows, type Toxic, withToxics } from './toxics.ts';

interface Decision extends Met {
  readonly met: boolean;
  readonly timer: NodeJS.Timeout | undefined;
}

export class ConnectionToxics {
  /** By the toxic's name; a toxic that was changed is decided anew. */
  #decisions = new Map<string, Decision>();
  #met: Record<Direction, readonly Met[]> = { up: [], down: [] };
  #faults: Record<Direction, { of: Faults; with: Faults } | undefined> = { up: undefined, down: undefined };

  /** Decides about toxics that are new; `end` is called when the time of one that ends connections has come. */
  meet(
    toxics: readonly Toxic[],
    passedBytes: (direction: Direction) => number,
    end: (how: 'close' | 'reset', toxic: Toxic) => void,
  ): void {
    const decisions = new Map<string, Decision>();
    for (const toxic of toxics) {
      const former = this.#decisions.get(toxic.name);
      decisions.set(
        toxic.name,
        former?.toxic === toxic ? former : decide(toxic, passedBytes(directionOf(toxic)), end),
      );
    }
    const gone = [...this.#decisions].filter(([name]) => !decisions.has(name));
    for (const [name, { timer }] of this.#decisions)
      if (decisions.get(name)?.timer !== timer) clearTimeout(timer);
    this.#decisions = decisions;
    for (const direction of DIRECTIONS) {
      this.#met[direction] = [...decisions.values()].filter(
        ({ met, toxic }) => met && directionOf(toxic) === direction,
      );
      this.#faults[direction] = undefined;
    }
    // What was thrown away is missing in the stream: nobody can go on with it.
    const swallowing = gone.find(([, { met, toxic }]) => met && swallows(toxic));
    if (swallowing !== undefined) end('close', swallowing[1].toxic);
  }

  /** The faults of a direction: those of the forwarder with the toxics that were met. */
  faults(direction: Direction, of: Faults): Faults {
    if (this.#met[direction].length === 0) return of;
    const known = this.#faults[direction];
    if (known?.of === of) return known.with;
    const all = withToxics(of, this.#met[direction]);
    this.#faults[direction] = { of, with: all };
    return all;
  }

  /** The limit of the toxics, bytes per second. */
  limit(direction: Direction): number | undefined {
    return this.#met[direction].length === 0 ? undefined : bandwidthOf(this.#met[direction]);
  }

  stop(): void {
    for (const { timer } of this.#decisions.values()) clearTimeout(timer);
  }
}

function decide(
  toxic: Toxic,
  fromBytes: number,
  end: (how: 'close' | 'reset', toxic: Toxic) => void,
): Decision {
  const met = Math.random() < toxic.toxicity;
  const ending = met ? endingOf(toxic) : undefined;
  const timer =
    ending === undefined
      ? undefined
      : setTimeout(() => {
          end(ending.how, toxic);
        }, ending.afterMs);
  return { toxic, met, fromBytes, timer };
}
