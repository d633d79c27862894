/** Statistics by host: who has taken what, and how long answers took. Pure. */
import { formatSize } from '../../core/units.ts';
import type { Accounts, Connection } from '../../plan/pacing/accounts.ts';
import { numberOf, type KnownAddresses } from '../../plan/pacing/addresses.ts';
import { answerStatistics, type AnswerStatistics } from './answers.ts';
import { hostName } from './hostName.ts';
import { table } from './table.ts';

/** What window pacing takes for a host (docs/pacing.md, Hosts). */
export interface HostStatistics {
  /** Its number, 0 to 4095; two hosts with the same one are one. */
  number: number;
  /** Empty: nothing tells any more what its connections came from. */
  addresses: string[];
  /** User data of TCP since the device was first set up, what is sent again counted again. */
  receivedBytes: number;
  sentBytes: number;
  /** Connections that are remembered, and those of them that something went over within the last second or two. */
  flows: number;
  activeFlows: number;
  answers: AnswerStatistics;
}

/** Whoever took most comes first. */
export function hostStatistics({ hosts, connections }: Accounts, known: KnownAddresses): HostStatistics[] {
  const numbered = groups(known.ipv4, numberOf);
  const ofHost = groups(connections, ({ host }) => host);
  return [...hosts]
    .map(([number, { receivedBytes, sentBytes, answers }]) => {
      const flows = ofHost.get(number) ?? [];
      return {
        number,
        addresses: addressesOf(flows, numbered.get(number) ?? [], known),
        receivedBytes,
        sentBytes,
        flows: flows.length,
        activeFlows: flows.filter(({ isActive }) => isActive).length,
        answers: answerStatistics(answers),
      };
    })
    .toSorted((one, other) => taken(other) - taken(one) || one.number - other.number);
}

function groups<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const all = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = all.get(key);
    if (group === undefined) all.set(key, [item]);
    else group.push(item);
  }
  return all;
}

const taken = ({ receivedBytes, sentBytes }: HostStatistics): number => receivedBytes + sentBytes;
const isIpv6 = (address: string): boolean => address.includes(':');

/** IPv4 first: of IPv6 a host has many. */
function addressesOf(
  flows: readonly Connection[],
  numbered: readonly string[],
  { own, behindNat }: KnownAddresses,
): string[] {
  const has4 = flows.length === 0 || flows.some(({ localAddress }) => !isIpv6(localAddress));
  const found = new Set(has4 ? numbered : []);
  for (const flow of flows) {
    const { localAddress } = flow;
    const behind = behindNat(flow) ?? localAddress;
    // Our own of IPv4 is what all have that NAT hides, where nothing tells what it hides.
    if (behind !== localAddress || isIpv6(localAddress) || !own.has(localAddress)) found.add(behind);
  }
  return [...found].toSorted(
    (one, other) => Number(isIpv6(one)) - Number(isIpv6(other)) || compare(one, other),
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** More than fit a screen help nobody; JSON has them all. */
const MOST_ROWS = 10;

export function hostLines(hosts: readonly HostStatistics[]): string[] {
  if (hosts.length === 0) return [];
  const count = (value: number): string => value.toLocaleString('en-US');
  const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`);
  const rest = hosts.length - MOST_ROWS;
  return [
    table(
      ['host', 'received', 'sent', 'connections', 'active', 'answer p50', 'p95'],
      hosts
        .slice(0, MOST_ROWS)
        .map((host) => [
          hostName(host),
          formatSize(host.receivedBytes),
          formatSize(host.sentBytes),
          count(host.flows),
          count(host.activeFlows),
          ms(host.answers.p50Ms),
          ms(host.answers.p95Ms),
        ]),
    ),
    ...(rest > 0 ? [`and ${count(rest)} more: --json has them`] : []),
  ];
}
