/** What is measured: each shaper at several rates, on each line, under each load. */
import { downloads, uploads } from '../../../test/lab/traffic.ts';
import type { FlowGroup } from '../../../test/lab/measure.ts';
import { LINE_NAMES, type LineName } from './lines.ts';
import { SHAPER_NAMES, type ShaperName } from './shapers.ts';

export interface Load {
  title: string;
  flows: readonly FlowGroup[];
  /** Where the line's own is too short. */
  warmUpMs?: number;
}

function load(down: number, up: number, congestion: 'cubic' | 'bbr'): Load {
  const words = [
    ...(down > 0 ? [`${down} downloads`] : []),
    ...(up > 0 ? [`${up} uploads`] : []),
    ...(congestion === 'bbr' ? ['BBR'] : []),
  ];
  return {
    title: words.join(', '),
    flows: [
      ...(down > 0 ? [downloads(down, { congestion, client: 'lan' })] : []),
      ...(up > 0 ? [uploads(up, { congestion, client: 'lan' })] : []),
    ],
  };
}

export const LOADS = {
  both: load(4, 2, 'cubic'),
  down: load(4, 0, 'cubic'),
  up: load(0, 2, 'cubic'),
  many: load(16, 8, 'cubic'),
  // All at once, they fill the provider's buffer; what is measured is what it comes to.
  hundred: { ...load(100, 0, 'cubic'), warmUpMs: 120_000 },
  'both-bbr': load(4, 2, 'bbr'),
  'down-bbr': load(4, 0, 'bbr'),
  'up-bbr': load(0, 2, 'bbr'),
  'many-bbr': load(16, 8, 'bbr'),
} as const satisfies Readonly<Record<string, Load>>;

export type LoadName = keyof typeof LOADS;
export const LOAD_NAMES = Object.keys(LOADS) as LoadName[];

/** What a shaper is told, as a share of the raw rate, both ways. */
const SHARES = [0.86, 0.91, 0.95, 0.975, 0.99] as const;

export interface Point {
  line: LineName;
  load: LoadName;
  shaper: ShaperName;
  /** 1 for no shaper. */
  share: number;
}

export interface Selection {
  lines: readonly LineName[];
  loads: readonly LoadName[];
  shapers: readonly ShaperName[];
  shares: readonly number[];
}

export const FULL: Selection = {
  lines: LINE_NAMES,
  loads: LOAD_NAMES,
  shapers: SHAPER_NAMES,
  shares: SHARES,
};

/** Minutes instead of hours: the line and the load of the issue that inetgw exists for. */
export const QUICK: Selection = { ...FULL, lines: ['adsl'], loads: ['both', 'down'], shares: [0.91, 0.975] };

export function pointsOf({ lines, loads, shapers, shares }: Selection): Point[] {
  return lines.flatMap((line) =>
    loads.flatMap((load) =>
      shapers.flatMap((shaper) =>
        (shaper === 'none' ? [1] : shares).map((share) => ({ line, load, shaper, share })),
      ),
    ),
  );
}

export function keyOf({ line, load, shaper, share }: Point): string {
  return `${line} ${load} ${shaper} ${share}`;
}
