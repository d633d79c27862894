/** What homes put on their line: several hosts, each with so many connections. */
import { downloads, uploads } from '../../../test/lab/traffic.ts';
import type { LanNamespace } from '../../../test/lab/line.ts';
import type { FlowGroup } from '../../../test/lab/measure.ts';

export interface HomeLoad {
  title: string;
  direction: 'down' | 'up';
  /** How many connections each host has; one more host pings. */
  connections: readonly number[];
}

export const HOME_LOADS = {
  down: { title: 'A 16 downloads, B 1', direction: 'down', connections: [16, 1] },
  up: { title: 'A 16 uploads, B 1', direction: 'up', connections: [16, 1] },
  'eight-down': {
    title: 'eight hosts: 8 downloads, seven times 1',
    direction: 'down',
    connections: [8, 1, 1, 1, 1, 1, 1, 1],
  },
  'eight-up': {
    title: 'eight hosts: 8 uploads, seven times 1',
    direction: 'up',
    connections: [8, 1, 1, 1, 1, 1, 1, 1],
  },
  'many-down': { title: 'A 24 downloads, B 12', direction: 'down', connections: [24, 12] },
  'many-up': { title: 'A 12 uploads, B 6', direction: 'up', connections: [12, 6] },
} as const satisfies Readonly<Record<string, HomeLoad>>;

export type HomeLoadName = keyof typeof HOME_LOADS;
export const HOME_LOAD_NAMES = Object.keys(HOME_LOADS) as HomeLoadName[];

/** A group of flows for each host. */
export function flowsOf(
  { direction, connections }: HomeLoad,
  hosts: readonly LanNamespace[],
  ipVersion: 4 | 6,
): FlowGroup[] {
  const flows = direction === 'down' ? downloads : uploads;
  return connections.flatMap((count, at) => {
    const client = hosts[at];
    return client === undefined ? [] : [flows(count, { client, label: client, ipVersion })];
  });
}
