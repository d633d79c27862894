/**
 * Finds a host worth pinging, as the article does with `mtr -ntrc3`: the point-to-point partner first, then the
 * routers on the way to a well-known address; the first one that answers without loss.
 */
import { failure } from '../../core/errors.ts';
import { isPrivateAddress } from './host.ts';
import type { PingOnce, PingReply } from './ping.ts';

export interface FoundHost {
  address: string;
  how: 'given' | 'peer' | 'router';
  /** Hops away, where known. */
  hops?: number;
}

export interface FindOptions {
  device: string;
  /** The far end of a point-to-point device; null where there is none. */
  peer: string | null;
  /** Where to look towards. */
  towards: readonly string[];
  signal: AbortSignal;
  /** Told what is tried, one sentence each. */
  onStep?: (text: string) => void;
}

/** Anycast addresses of two independent operators, reached over short paths nearly everywhere. */
const WELL_KNOWN_ADDRESSES = {
  ipv4: ['1.1.1.1', '8.8.8.8'],
  ipv6: ['2606:4700:4700::1111', '2001:4860:4860::8888'],
} as const;

/** Those that the device has an address for; where it has none, all of them: it may not be its own. */
export function wellKnownAddresses(families: ReadonlySet<'ipv4' | 'ipv6'>): string[] {
  const wanted =
    families.size === 0
      ? (['ipv4', 'ipv6'] as const)
      : (['ipv4', 'ipv6'] as const).filter((family) => families.has(family));
  return wanted.flatMap((family) => WELL_KNOWN_ADDRESSES[family]);
}

/** The access network ends within a few hops; further routers say more about the internet than the line. */
const MAX_HOPS = 8;
/** After so many routers in a row that stay hidden there is hardly another one behind. */
const MAX_SILENT_HOPS = 3;
/** As `mtr -c3`: a router may miss one. */
const TRIES_PER_HOP = 3;
/** Without loss: this many answers in a row. */
const PROOF_PINGS = 5;
const PROBE_TIMEOUT_SEC = 2;

/** Throws a `UserError` with what to do if no host is found. */
export async function findPingHost(pingOnce: PingOnce, options: FindOptions): Promise<FoundHost> {
  const tell = options.onStep ?? (() => undefined);
  if (options.peer !== null) {
    if (await answersWithoutLoss(pingOnce, options.peer, options)) {
      return { address: options.peer, how: 'peer', hops: 1 };
    }
    tell(`the peer ${options.peer} does not answer every ping`);
  }
  const tried = new Set<string>(options.peer === null ? [] : [options.peer]);
  for (const target of options.towards) {
    let silentHops = 0;
    for (let ttl = 1; ttl <= MAX_HOPS && silentHops < MAX_SILENT_HOPS; ttl++) {
      const hop = await routerAt(pingOnce, target, ttl, options);
      if (hop === undefined) {
        silentHops++;
        continue;
      }
      silentHops = 0;
      if (tried.has(hop.from)) continue;
      tried.add(hop.from);
      if (options.peer === null && ttl === 1 && isPrivateAddress(hop.from)) {
        // The modem or router in the house stands before the line, so it would never show the queue.
        tell(`${hop.from} is in the local network, before the line`);
      } else if (await answersWithoutLoss(pingOnce, hop.from, options)) {
        return { address: hop.from, how: 'router', hops: ttl };
      } else tell(`${hop.from} (hop ${ttl}) does not answer every ping`);
      if (hop.kind === 'answer') break;
    }
  }
  throw failure(
    `no host was found that answers ping without loss through ${options.device}`,
    'name one with --ping-host HOST: a router of your provider, a few hops away',
  );
}

async function routerAt(
  pingOnce: PingOnce,
  target: string,
  ttl: number,
  options: FindOptions,
): Promise<Extract<PingReply, { from: string }> | undefined> {
  const { device, signal } = options;
  for (let attempt = 0; attempt < TRIES_PER_HOP; attempt++) {
    const reply = await pingOnce(target, { ttl, device, signal, timeoutSec: PROBE_TIMEOUT_SEC });
    if (reply.kind === 'answer' || reply.kind === 'ttl-exceeded') return reply;
    if (reply.kind === 'unreachable') return undefined;
  }
  return undefined;
}

async function answersWithoutLoss(pingOnce: PingOnce, host: string, options: FindOptions): Promise<boolean> {
  const { device, signal } = options;
  for (let sent = 0; sent < PROOF_PINGS; sent++) {
    // The line may be full already: an answer is allowed its usual time.
    const reply = await pingOnce(host, { device, signal });
    if (reply.kind !== 'answer') return false;
  }
  return true;
}
