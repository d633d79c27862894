/**
 * Who may send how much now, for one direction. Pure: the clock is handed in, nothing is timed or sent here.
 *
 * Three levels of limits: the process, a group (a forwarder), a flow (one direction of a connection). The
 * limits of groups and flows are only caps: what the process may send is shared max-min fair among all flows
 * that have something to send, whatever group they are in. It is deficit round robin (Shreedhar & Varghese,
 * 1996) over one queue; a flow whose own cap or whose group's cap is used up is parked outside the queue
 * until its credit is back, so that it neither holds up the others nor is looked at meanwhile.
 *
 * Each flow carries a tag, the bytes of fair share up to which it was served; the tag of whoever is served from
 * the round is the level all of them have reached (start-time fair queueing, Goyal 1996). A flow that comes
 * back below that level - a keystroke beside a download, or one that had to wait for its own cap - goes ahead
 * of the round, as in fq_codel (RFC 8290, 4.2); it would otherwise get less than its share for having waited.
 *
 * A slice is a whole segment where that can be, which at 512 bytes/s takes a second to earn. Meanwhile the credit is
 * there for who needs less: a flow ahead of the round whose wish is larger than the credit steps back to its head, so
 * that a keystroke passes; and one that is new, or has been silent, begins with what credit there is.
 * A grant costs O(1), parking O(log n); flows without bytes to send cost nothing.
 */
import { TokenBucket } from './bucket.ts';
import { MAX_SLICE_BYTES, MIN_SLICE_BYTES, sliceBytes } from './quantum.ts';
import { type Linked, LinkedQueue } from './queue.ts';
import { WakeHeap, type Sleeper } from './wakeHeap.ts';

/** Bytes per second; undefined is no limit. */
export type LimitBytesPerSec = number | undefined;

/** Who had nothing to send for so long, in ms, begins anew: its first bytes do not wait for a whole slice. */
const SILENT_MS = 1000;

export class Flow implements Linked<Flow>, Sleeper {
  readonly group: Group;
  readonly bucket: TokenBucket;
  /** Bytes that could be sent now: read from the one side, and the other side takes them. */
  readyBytes = 0;
  /** What is left of its turn. */
  deficitBytes = 0;
  /** Bytes of fair share up to which it was served. */
  servedTagBytes = 0;
  /** Its next bytes go with what credit there is. */
  begins = true;
  /** When it last had nothing to send any more. */
  leftMs = -Infinity;
  previous: Flow | undefined;
  next: Flow | undefined;
  list: LinkedQueue<Flow> | undefined;
  wakeMs = 0;
  heapIndex = -1;

  constructor(group: Group, nowMs: number) {
    this.group = group;
    this.bucket = new TokenBucket(Infinity, nowMs);
  }
}

export class Group implements Sleeper {
  readonly bucket: TokenBucket;
  readonly parked = new LinkedQueue<Flow>();
  /** Flows of this group that have something to send. */
  activeFlows = 0;
  wakeMs = 0;
  heapIndex = -1;

  constructor(nowMs: number) {
    this.bucket = new TokenBucket(Infinity, nowMs);
  }
}

/** Sends up to `maxBytes` of the flow and says how many it were; it may call `setReady`. */
export type Send = (flow: Flow, maxBytes: number) => number;

export class Scheduler {
  readonly #root: TokenBucket;
  /** Flows below their fair share, then the round. */
  readonly #sparse = new LinkedQueue<Flow>();
  readonly #round = new LinkedQueue<Flow>();
  readonly #sleepingGroups = new WakeHeap<Group>();
  readonly #sleepingFlows = new WakeHeap<Flow>();
  #activeFlows = 0;
  /** The tag that the flows of the round have reached. */
  #levelBytes = 0;
  /** The variable `data_size`: no smaller slices just because many connections share. */
  smallestSliceBytes = 500;

  constructor(nowMs: number) {
    this.#root = new TokenBucket(Infinity, nowMs);
  }

  get activeFlows(): number {
    return this.#activeFlows;
  }

  get limited(): boolean {
    return this.#root.limited;
  }

  /** The limit of the whole process. Takes effect at the next `run`. */
  setLimit(limit: LimitBytesPerSec, nowMs: number): void {
    this.#root.setRate(limit ?? Infinity, nowMs, this.#activeFlows > 0);
  }

  addGroup(nowMs: number): Group {
    return new Group(nowMs);
  }

  setGroupLimit(group: Group, limit: LimitBytesPerSec, nowMs: number): void {
    group.bucket.setRate(limit ?? Infinity, nowMs, group.activeFlows > 0);
    this.#sleepingGroups.delete(group);
    for (let flow = group.parked.head; flow !== undefined; flow = group.parked.head) this.#queue(flow);
  }

  addFlow(group: Group, nowMs: number): Flow {
    const flow = new Flow(group, nowMs);
    flow.servedTagBytes = this.#levelBytes;
    return flow;
  }

  setFlowLimit(flow: Flow, limit: LimitBytesPerSec, nowMs: number): void {
    flow.bucket.setRate(limit ?? Infinity, nowMs, flow.readyBytes > 0);
    if (flow.heapIndex >= 0) {
      this.#sleepingFlows.delete(flow);
      this.#queue(flow);
    }
  }

  removeFlow(flow: Flow): void {
    this.setReady(flow, 0, 0);
  }

  /** Says how many bytes the flow could send now; zero takes it out, nobody waits for it. */
  setReady(flow: Flow, readyBytes: number, nowMs: number): void {
    const wasReady = flow.readyBytes > 0;
    flow.readyBytes = readyBytes;
    if (wasReady === readyBytes > 0) return;
    if (readyBytes > 0) this.#enter(flow, nowMs);
    else this.#leave(flow, nowMs);
  }

  /**
   * Shares out what is there. Returns the time of the clock at which to run again, or undefined when no flow
   * waits for credit (then only `setReady` brings new work).
   */
  run(nowMs: number, send: Send): number | undefined {
    this.#root.settle(nowMs, this.#activeFlows > 0);
    this.#wake(nowMs);
    let rootWakeMs: number | undefined;
    for (;;) {
      const flow = this.#sparse.head ?? this.#round.head;
      if (flow === undefined) break;
      const wantBytes = this.#beginning(flow, this.#want(flow), nowMs);
      if (this.#park(flow, wantBytes, nowMs)) continue;
      if (this.#root.creditBytes < wantBytes) {
        if (flow.list === this.#sparse && !flow.begins) {
          this.#round.pushHead(flow);
          continue;
        }
        rootWakeMs = this.#root.readyAtMs(wantBytes);
        break;
      }
      this.#grant(flow, wantBytes, send, nowMs);
    }
    let wakeMs = rootWakeMs;
    for (const first of [this.#sleepingGroups.first, this.#sleepingFlows.first]) {
      if (first !== undefined && (wakeMs === undefined || first.wakeMs < wakeMs)) wakeMs = first.wakeMs;
    }
    return wakeMs;
  }

  #grant(flow: Flow, wantBytes: number, send: Send, nowMs: number): void {
    if (flow.list === this.#round) this.#levelBytes = Math.max(this.#levelBytes, flow.servedTagBytes);
    const sentBytes = send(flow, wantBytes);
    this.#root.spend(sentBytes);
    flow.group.bucket.spend(sentBytes);
    flow.bucket.spend(sentBytes);
    flow.servedTagBytes += sentBytes;
    flow.deficitBytes -= sentBytes;
    flow.begins = false;
    if (flow.readyBytes <= 0) return;
    // Nothing taken although something was ready: do not ask again in this run.
    if (sentBytes === 0) this.setReady(flow, 0, nowMs);
    else if (flow.deficitBytes < 1) this.#round.pushTail(flow);
    // A group's slice is used up within the turn: the next of the group has its go at the group's credit.
    else if (flow.group.activeFlows > 1 && sentBytes >= this.#groupSlice(flow.group)) this.#queue(flow);
  }

  /**
   * What to grant next: the rest of its turn, or of what it has. A turn is the same for all flows, a slice of
   * the process's limit; of that, no more at once than a slice of the flow's and its group's own limit.
   * Counted by the limits as they are now: a turn begun under a larger limit may exceed any credit to come.
   */
  #want(flow: Flow): number {
    const turn = this.turnBytes;
    if (flow.deficitBytes < 1 || flow.deficitBytes > turn) flow.deficitBytes = turn;
    return Math.min(flow.deficitBytes, flow.readyBytes, this.turnOf(flow));
  }

  /** The wish of one that begins: what credit there is, but no crumbs. */
  #beginning(flow: Flow, wantBytes: number, nowMs: number): number {
    if (!flow.begins) return wantBytes;
    flow.bucket.settle(nowMs, true);
    flow.group.bucket.settle(nowMs, true);
    const { creditBytes } = this.#root;
    const there = Math.min(creditBytes, flow.bucket.creditBytes, flow.group.bucket.creditBytes);
    return Math.min(wantBytes, Math.max(MIN_SLICE_BYTES, Math.floor(there)));
  }

  /** What a flow may send per turn at this moment. */
  get turnBytes(): number {
    return sliceBytes(this.#root.rateBytesPerSec, this.#activeFlows, this.smallestSliceBytes);
  }

  /** The largest turn of this flow, by all limits above it. */
  turnOf(flow: Flow): number {
    return Math.min(
      this.turnBytes,
      this.#groupSlice(flow.group),
      sliceBytes(flow.bucket.rateBytesPerSec, 1, this.smallestSliceBytes),
    );
  }

  /** The lowest limit above this flow, in bytes per second; Infinity if there is none. */
  rateOf(flow: Flow): number {
    return Math.min(
      this.#root.rateBytesPerSec,
      flow.group.bucket.rateBytesPerSec,
      flow.bucket.rateBytesPerSec,
    );
  }

  #groupSlice(group: Group): number {
    return sliceBytes(group.bucket.rateBytesPerSec, group.activeFlows, this.smallestSliceBytes);
  }

  /** Ahead of the round with what it had less than those of the round will have had, else at its end. */
  #queue(flow: Flow): void {
    // One that took what nobody else could use is not held to it later.
    const latestTag = this.#levelBytes + MAX_SLICE_BYTES;
    flow.servedTagBytes = Math.min(Math.max(flow.servedTagBytes, this.#levelBytes), latestTag);
    const entitledBytes = Math.floor(this.#levelBytes + this.turnBytes - flow.servedTagBytes);
    flow.deficitBytes = Math.max(0, entitledBytes);
    (entitledBytes >= 1 ? this.#sparse : this.#round).pushTail(flow);
  }

  /** Back from waiting for credit, which was earned for what was left of its turn: no more than that is wanted now. */
  #requeue(flow: Flow): void {
    const { deficitBytes } = flow;
    this.#queue(flow);
    flow.deficitBytes = deficitBytes;
  }

  /** Takes the flow out of the queue if its own cap or its group's has no credit for its turn. */
  #park(flow: Flow, wantBytes: number, nowMs: number): boolean {
    flow.bucket.settle(nowMs, true);
    if (flow.bucket.creditBytes < wantBytes) {
      flow.list?.remove(flow);
      this.#sleepingFlows.set(flow, flow.bucket.readyAtMs(wantBytes));
      return true;
    }
    const group = flow.group;
    group.bucket.settle(nowMs, true);
    if (group.bucket.creditBytes < wantBytes) {
      group.parked.pushTail(flow);
      if (group.heapIndex < 0) this.#sleepingGroups.set(group, group.bucket.readyAtMs(wantBytes));
      return true;
    }
    return false;
  }

  #wake(nowMs: number): void {
    for (;;) {
      const flow = this.#sleepingFlows.first;
      if (flow === undefined || flow.wakeMs > nowMs) break;
      this.#sleepingFlows.delete(flow);
      this.#requeue(flow);
    }
    for (;;) {
      const group = this.#sleepingGroups.first;
      if (group === undefined || group.wakeMs > nowMs) break;
      this.#sleepingGroups.delete(group);
      this.#unpark(group, nowMs);
    }
  }

  /** Brings back as many flows as the group has credit for, no more: a thousand waiting ones cost nothing. */
  #unpark(group: Group, nowMs: number): void {
    group.bucket.settle(nowMs, true);
    let leftBytes = group.bucket.creditBytes;
    for (let flow = group.parked.head; flow !== undefined; flow = group.parked.head) {
      const wantBytes = this.#want(flow);
      if (wantBytes > leftBytes) {
        // A new clock reading may round a hair below the promised credit: sleep at least a moment more.
        const wakeMs = group.bucket.readyAtMs(group.bucket.creditBytes - leftBytes + wantBytes);
        this.#sleepingGroups.set(group, Math.max(wakeMs, nowMs + 0.001));
        return;
      }
      leftBytes -= wantBytes;
      this.#requeue(flow);
    }
  }

  #enter(flow: Flow, nowMs: number): void {
    // The first one after idleness: credit piled up meanwhile is capped as idle credit.
    if (this.#activeFlows === 0) this.#root.settle(nowMs, false);
    if (flow.group.activeFlows === 0) flow.group.bucket.settle(nowMs, false);
    flow.bucket.settle(nowMs, false);
    if (nowMs - flow.leftMs >= SILENT_MS) flow.begins = true;
    this.#activeFlows++;
    flow.group.activeFlows++;
    this.#queue(flow);
  }

  #leave(flow: Flow, nowMs: number): void {
    flow.leftMs = nowMs;
    this.#activeFlows--;
    flow.group.activeFlows--;
    flow.deficitBytes = 0;
    flow.list?.remove(flow);
    this.#sleepingFlows.delete(flow);
    if (flow.group.parked.head === undefined) this.#sleepingGroups.delete(flow.group);
  }
}
