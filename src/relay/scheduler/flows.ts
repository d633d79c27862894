/**
 * Who shares: a flow (one direction of a connection), the share of which it is one, and the groups whose limits it is under.
 */
import { TokenBucket } from './bucket.ts';
import { FairQueue, type Member } from './fairQueue.ts';
import { Heap, type Ordered } from './heap.ts';
import { LinkedQueue } from './queue.ts';

/** Who gets an equal part of what is there: one connection, or all of a client. */
export class Share implements Member<Share> {
  /** Its flows that could send now, each in turn. */
  readonly flows = new FairQueue<Flow>();
  /** Those that have something to send, parked ones too. */
  activeFlows = 0;
  deficitBytes = 0;
  servedTagBytes: number;
  previous: Share | undefined;
  next: Share | undefined;
  list: LinkedQueue<Share> | undefined;

  constructor(servedTagBytes: number) {
    this.servedTagBytes = servedTagBytes;
  }
}

export class Flow implements Member<Flow>, Ordered {
  share: Share;
  /** The limits above its own. */
  groups: readonly Group[];
  readonly bucket: TokenBucket;
  /** Bytes that could be sent now: read from the one side, and the other side takes them. */
  readyBytes = 0;
  deficitBytes = 0;
  servedTagBytes = 0;
  /** Its next bytes go with what credit there is. */
  begins = true;
  /** When it last had nothing to send any more. */
  leftMs = -Infinity;
  /** The group whose credit it waits for. */
  parkedIn: Group | undefined;
  /** The group that has counted bytes for it which it has not sent yet. */
  promisedBy: Group | undefined;
  promisedBytes = 0;
  previous: Flow | undefined;
  next: Flow | undefined;
  list: LinkedQueue<Flow> | undefined;
  order = 0;
  heapIndex = -1;

  constructor(share: Share, groups: readonly Group[], nowMs: number) {
    this.share = share;
    this.groups = groups;
    this.bucket = new TokenBucket(Infinity, nowMs);
    this.servedTagBytes = share.flows.levelBytes;
  }
}

/** One that took what nobody else could use is not held to more than so many slices of it later. */
const HELD_TO_SLICES = 4;

/** What a share has had of a group's limit, and its flows that wait for it; in order of what it has had. */
class Claim implements Ordered {
  readonly parked = new LinkedQueue<Flow>();
  order = 0;
  heapIndex = -1;
}

/**
 * A limit that flows have in common: of a forwarder, of several forwarders, of a client. Whose wish its credit does not cover is
 * parked here, outside the queue; of those the next is one of the share that has had the least of this limit.
 */
export class Group implements Ordered {
  readonly bucket: TokenBucket;
  /** Flows of this group that have something to send. */
  activeFlows = 0;
  order = 0;
  heapIndex = -1;
  readonly #claims = new WeakMap<Share, Claim>();
  readonly #waiting = new Heap<Claim>();
  /** What those that wait have had at least. */
  #levelBytes = 0;

  constructor(nowMs: number) {
    this.bucket = new TokenBucket(Infinity, nowMs);
  }

  /** The next that waits, if any does. */
  get nextParked(): Flow | undefined {
    return this.#waiting.first?.parked.head;
  }

  /** It waits; one that has had less than those who wait, by up to a slice, is next. */
  park(flow: Flow, sliceBytes: number): void {
    const claim = this.#claimOf(flow.share);
    const latest = this.#levelBytes + HELD_TO_SLICES * sliceBytes;
    claim.parked.pushTail(flow);
    flow.parkedIn = this;
    const order = Math.min(Math.max(claim.order, this.#levelBytes - sliceBytes), latest);
    if (claim.heapIndex < 0 || order !== claim.order) this.#waiting.set(claim, order);
  }

  /** It waits no longer; what it will take counts already, or all of one share would be next. */
  unpark(flow: Flow, wantBytes: number): void {
    const claim = this.#claimOf(flow.share);
    this.#levelBytes = Math.max(this.#levelBytes, claim.order);
    this.forget(flow);
    this.#count(claim, wantBytes);
    flow.promisedBy = this;
    flow.promisedBytes = wantBytes;
  }

  /** It waits no longer, for it has nothing to send or its limits have changed. */
  forget(flow: Flow): void {
    if (flow.parkedIn !== this) return;
    flow.parkedIn = undefined;
    const claim = this.#claimOf(flow.share);
    claim.parked.remove(flow);
    if (claim.parked.head === undefined) this.#waiting.delete(claim);
  }

  /** So much of what was promised to it, or not, has been sent. */
  spend(flow: Flow, sentBytes: number): void {
    if (!this.bucket.limited) return;
    this.bucket.spend(sentBytes);
    this.#count(this.#claimOf(flow.share), sentBytes - this.#promise(flow));
  }

  /** It will not take what was promised to it. */
  renounce(flow: Flow): void {
    if (flow.promisedBy === this) this.#count(this.#claimOf(flow.share), -this.#promise(flow));
  }

  #promise(flow: Flow): number {
    if (flow.promisedBy !== this) return 0;
    flow.promisedBy = undefined;
    return flow.promisedBytes;
  }

  #count(claim: Claim, bytes: number): void {
    claim.order += bytes;
    if (claim.heapIndex >= 0) this.#waiting.set(claim, claim.order);
  }

  #claimOf(share: Share): Claim {
    const known = this.#claims.get(share);
    if (known !== undefined) return known;
    const claim = new Claim();
    claim.order = this.#levelBytes;
    this.#claims.set(share, claim);
    return claim;
  }
}
