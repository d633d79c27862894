/** Lists of ports and ranges of ports. Pure. */
import type { PortOrRange } from './rules.ts';

const rangeOf = (each: PortOrRange) => (typeof each === 'number' ? { from: each, to: each } : each);

/** Whether the port is one of them. */
export function covers(list: readonly PortOrRange[], port: number): boolean {
  return list.map(rangeOf).some(({ from, to }) => from <= port && port <= to);
}

/** The ports that are in both lists. */
export function commonPorts(some: readonly PortOrRange[], others: readonly PortOrRange[]): PortOrRange[] {
  return some.map(rangeOf).flatMap((one) =>
    others
      .map(rangeOf)
      .map((other) => ({ from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) }))
      .filter(({ from, to }) => from <= to)
      .map(({ from, to }) => (from === to ? from : { from, to })),
  );
}

/** `443`, `8000-8010`: as one types them, and as nft takes them. */
export const portText = (port: PortOrRange): string =>
  typeof port === 'number' ? String(port) : `${port.from}-${port.to}`;
