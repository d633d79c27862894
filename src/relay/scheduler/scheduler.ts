/**
 * Who may send how much now, for one direction. Pure: the clock is handed in, nothing is timed or sent here.
 *
 * What the process may send is shared max-min fair among the shares that have something to send, and what a share gets
 * among its flows: a share is one flow, or all flows of a client. Beside the limit of the process there are those of flows and of
 * groups of flows (a forwarder, several of them, a client). These are only caps: a flow whose own cap or a group's cap is used up
 * is parked outside the queue until its credit is back, so that it neither holds up the others nor is looked at meanwhile. A
 * group's credit goes to the shares that wait for it, the one that has had the least of it first.
 *
 * A slice is a whole segment where that can be, which at 512 bytes/s takes a second to earn. Meanwhile the credit is
 * there for who needs less: a flow ahead of the round whose wish is larger than the credit steps back to its head, so
 * that a keystroke passes; and one that is new, or has been silent, begins with what credit there is.
 * A grant costs O(1), parking O(log n); flows without bytes to send cost nothing.
 */
import { LATE_MS, TokenBucket } from './bucket.ts';
import { FairQueue, type Member } from './fairQueue.ts';
import { Flow, Group, Share } from './flows.ts';
import { Heap } from './heap.ts';
import { MIN_SLICE_BYTES, sliceBytes } from './quantum.ts';

/** Bytes per second; undefined is no limit. */
export type LimitBytesPerSec = number | undefined;

/** Who had nothing to send for so long, in ms, begins anew: its first bytes do not wait for a whole slice. */
const SILENT_MS = 1000;

/** Sends up to `maxBytes` of the flow and says how many it were; it may call `setReady`. */
export type Send = (flow: Flow, maxBytes: number) => number;

export class Scheduler {
  readonly #root: TokenBucket;
  /** The shares that have a flow that is not parked. */
  readonly #shares = new FairQueue<Share>();
  readonly #sleepingGroups = new Heap<Group>();
  readonly #sleepingFlows = new Heap<Flow>();
  #activeFlows = 0;
  /** Something waits for the limit of the process, and has done so since it was last asked. */
  #rootWaits = false;
  #rootWaited = false;
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

  /** Whether something has waited for the limit of the process at any time since the last call. */
  takeRootWaits(): boolean {
    const waited = this.#rootWaited || this.#rootWaits;
    this.#rootWaited = false;
    return waited;
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
    for (let flow = group.nextParked; flow !== undefined; flow = group.nextParked) {
      group.forget(flow);
      this.#queue(flow);
    }
  }

  /** Flows that share alike with others as if they were one. */
  addShare(): Share {
    return new Share(this.#shares.levelBytes);
  }

  /** Under the limits of all the groups; with a share of its own unless one is given. */
  addFlow(groups: Group | readonly Group[], nowMs: number, share = this.addShare()): Flow {
    return new Flow(share, groups instanceof Group ? [groups] : groups, nowMs);
  }

  /** Other groups, or another share: it may have bytes to send. */
  moveFlow(flow: Flow, groups: readonly Group[], nowMs: number, share = this.addShare()): void {
    const { readyBytes } = flow;
    this.setReady(flow, 0, nowMs);
    flow.groups = groups;
    flow.share = share;
    flow.servedTagBytes = share.flows.levelBytes;
    this.setReady(flow, readyBytes, nowMs);
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
      const flow = this.#shares.head?.flows.head;
      if (flow === undefined) break;
      const { share } = flow;
      const wantBytes = this.#beginning(flow, this.#want(flow), nowMs);
      if (this.#park(flow, wantBytes, nowMs)) continue;
      if (this.#root.creditBytes < wantBytes) {
        if (!flow.begins && (share.flows.stepBack(flow) || this.#shares.stepBack(share))) continue;
        rootWakeMs = this.#root.readyAtMs(wantBytes);
        break;
      }
      this.#grant(flow, wantBytes, send, nowMs);
    }
    this.#rootWaits = rootWakeMs !== undefined;
    this.#rootWaited ||= this.#rootWaits;
    let wakeMs = rootWakeMs;
    for (const first of [this.#sleepingGroups.first, this.#sleepingFlows.first]) {
      if (first !== undefined && (wakeMs === undefined || first.order < wakeMs)) wakeMs = first.order;
    }
    return wakeMs;
  }

  #grant(flow: Flow, wantBytes: number, send: Send, nowMs: number): void {
    const { share } = flow;
    this.#shares.begin(share);
    share.flows.begin(flow);
    const sentBytes = send(flow, wantBytes);
    this.#root.spend(sentBytes);
    for (const group of flow.groups) group.spend(flow, sentBytes);
    flow.bucket.spend(sentBytes);
    this.#shares.served(share, sentBytes);
    share.flows.served(flow, sentBytes);
    flow.begins = false;
    // Nothing taken although something was ready: do not ask again in this run.
    if (sentBytes === 0 && flow.readyBytes > 0) this.setReady(flow, 0, nowMs);
    this.#next(flow, sentBytes);
  }

  /** Whose turn it is after one has sent. */
  #next(flow: Flow, sentBytes: number): void {
    const { share } = flow;
    const turnBytes = this.turnBytes;
    // A group's slice is used up within the turn: the next of the group has its go at the group's credit.
    const groupsTurn = flow.groups.some(
      (group) => group.activeFlows > 1 && sentBytes >= this.#groupSlice(group),
    );
    if (flow.readyBytes > 0 && share.activeFlows > 1) {
      if (flow.deficitBytes < 1) share.flows.endTurn(flow);
      else if (groupsTurn) share.flows.queue(flow, turnBytes);
    }
    if (share.list === undefined) return;
    if (share.deficitBytes < 1) this.#shares.endTurn(share);
    else if (groupsTurn && flow.readyBytes > 0) this.#shares.queue(share, turnBytes);
  }

  /**
   * What to grant next: the rest of its turn, or of what it has. A turn is the same for all shares, a slice of
   * the process's limit; of that, no more at once than a slice of the flow's and its groups' own limits.
   */
  #want(flow: Flow): number {
    const { share } = flow;
    const turn = this.turnBytes;
    renew(share, turn);
    let wantBytes = Math.min(share.deficitBytes, flow.readyBytes, this.turnOf(flow));
    if (share.activeFlows > 1) {
      renew(flow, turn);
      wantBytes = Math.min(wantBytes, flow.deficitBytes);
    }
    return wantBytes;
  }

  /** The wish of one that begins: what credit there is, but no crumbs. */
  #beginning(flow: Flow, wantBytes: number, nowMs: number): number {
    if (!flow.begins) return wantBytes;
    flow.bucket.settle(nowMs, true);
    let there = Math.min(this.#root.creditBytes, flow.bucket.creditBytes);
    for (const { bucket } of flow.groups) {
      bucket.settle(nowMs, true);
      there = Math.min(there, bucket.creditBytes);
    }
    return Math.min(wantBytes, Math.max(MIN_SLICE_BYTES, Math.floor(there)));
  }

  /** What a share may send per turn at this moment. */
  get turnBytes(): number {
    return sliceBytes(this.#root.rateBytesPerSec, this.#activeFlows, this.smallestSliceBytes);
  }

  /** The largest turn of this flow, by all limits above it. */
  turnOf(flow: Flow): number {
    let turn = this.turnBytes;
    for (const group of flow.groups) turn = Math.min(turn, this.#groupSlice(group));
    return Math.min(turn, sliceBytes(flow.bucket.rateBytesPerSec, 1, this.smallestSliceBytes));
  }

  /** The lowest limit above this flow, in bytes per second; Infinity if there is none. */
  rateOf(flow: Flow): number {
    let rate = Math.min(this.#root.rateBytesPerSec, flow.bucket.rateBytesPerSec);
    for (const { bucket } of flow.groups) rate = Math.min(rate, bucket.rateBytesPerSec);
    return rate;
  }

  #groupSlice(group: Group): number {
    return sliceBytes(group.bucket.rateBytesPerSec, group.activeFlows, this.smallestSliceBytes);
  }

  #queue(flow: Flow): void {
    const { share } = flow;
    share.flows.queue(flow, this.turnBytes);
    if (share.list === undefined) this.#shares.queue(share, this.turnBytes);
  }

  /** Back from waiting for credit, which was earned for what was left of its turn: no more than that is wanted now. */
  #requeue(flow: Flow): void {
    const { share, deficitBytes } = flow;
    const left = share.list === undefined ? share.deficitBytes : undefined;
    this.#queue(flow);
    flow.deficitBytes = deficitBytes;
    if (left !== undefined) share.deficitBytes = left;
  }

  /** Out of the queue, and its share with the last of its flows. */
  #unqueue(flow: Flow): void {
    const { share } = flow;
    flow.list?.remove(flow);
    if (share.flows.head === undefined) share.list?.remove(share);
  }

  /** What a limit has earned for a flow is kept while that waits for its turn at the others: a slice of the slowest. */
  #allowWaiting(flow: Flow): void {
    const ofRoot = slowness(this.#root, this.turnBytes);
    let [slowest, second] = [ofRoot, 0];
    let slowestBucket = this.#root;
    for (const group of flow.groups) {
      const ofGroup = slowness(group.bucket, this.#groupSlice(group));
      if (ofGroup > slowest) [slowest, second, slowestBucket] = [ofGroup, slowest, group.bucket];
      else if (ofGroup > second) second = ofGroup;
    }
    flow.bucket.lateMs = LATE_MS + slowest;
    for (const { bucket } of flow.groups)
      bucket.lateMs = LATE_MS + (bucket === slowestBucket ? second : slowest);
  }

  /** Takes the flow out of the queue if its own cap or a group's has no credit for its turn. */
  #park(flow: Flow, wantBytes: number, nowMs: number): boolean {
    this.#allowWaiting(flow);
    flow.bucket.settle(nowMs, true);
    if (flow.bucket.creditBytes < wantBytes) {
      this.#unqueue(flow);
      this.#sleepingFlows.set(flow, flow.bucket.readyAtMs(wantBytes));
      this.#leaveToOthers(flow, undefined, nowMs);
      return true;
    }
    for (const group of flow.groups) {
      group.bucket.settle(nowMs, true);
      if (group.bucket.creditBytes >= wantBytes) continue;
      this.#unqueue(flow);
      group.park(flow, this.#groupSlice(group));
      if (group.heapIndex < 0) this.#sleepingGroups.set(group, group.bucket.readyAtMs(wantBytes));
      this.#leaveToOthers(flow, group, nowMs);
      return true;
    }
    return false;
  }

  /** It waits for the credit of one limit: those who wait for another one above it can have what was meant for it. */
  #leaveToOthers(flow: Flow, waitsFor: Group | undefined, nowMs: number): void {
    for (const group of flow.groups) {
      group.renounce(flow);
      if (group === waitsFor || group.heapIndex < 0) continue;
      this.#sleepingGroups.delete(group);
      this.#unpark(group, nowMs);
    }
  }

  #wake(nowMs: number): void {
    for (;;) {
      const flow = this.#sleepingFlows.first;
      if (flow === undefined || flow.order > nowMs) break;
      this.#sleepingFlows.delete(flow);
      this.#requeue(flow);
    }
    for (;;) {
      const group = this.#sleepingGroups.first;
      if (group === undefined || group.order > nowMs) break;
      this.#sleepingGroups.delete(group);
      this.#unpark(group, nowMs);
    }
  }

  /** Brings back as many flows as the group has credit for, no more: a thousand waiting ones cost nothing. */
  #unpark(group: Group, nowMs: number): void {
    group.bucket.settle(nowMs, true);
    let leftBytes = group.bucket.creditBytes;
    for (let flow = group.nextParked; flow !== undefined; flow = group.nextParked) {
      const wantBytes = this.#want(flow);
      if (wantBytes > leftBytes) {
        // A new clock reading may round a hair below the promised credit: sleep at least a moment more.
        const wakeMs = group.bucket.readyAtMs(group.bucket.creditBytes - leftBytes + wantBytes);
        this.#sleepingGroups.set(group, Math.max(wakeMs, nowMs + 0.001));
        return;
      }
      leftBytes -= wantBytes;
      group.unpark(flow, wantBytes);
      this.#requeue(flow);
    }
  }

  #enter(flow: Flow, nowMs: number): void {
    // The first one after idleness: credit piled up meanwhile is capped as idle credit.
    if (this.#activeFlows === 0) this.#root.settle(nowMs, false);
    for (const group of flow.groups) {
      if (group.activeFlows++ === 0) group.bucket.settle(nowMs, false);
    }
    flow.bucket.settle(nowMs, false);
    if (nowMs - flow.leftMs >= SILENT_MS) flow.begins = true;
    this.#activeFlows++;
    flow.share.activeFlows++;
    this.#queue(flow);
  }

  #leave(flow: Flow, nowMs: number): void {
    const { share } = flow;
    flow.leftMs = nowMs;
    this.#activeFlows--;
    flow.deficitBytes = 0;
    flow.parkedIn?.forget(flow);
    this.#unqueue(flow);
    if (--share.activeFlows === 0) share.deficitBytes = 0;
    this.#sleepingFlows.delete(flow);
    for (const group of flow.groups) {
      group.activeFlows--;
      group.renounce(flow);
      if (group.nextParked === undefined) this.#sleepingGroups.delete(group);
    }
  }
}

/** Counted by the limits as they are now: a turn begun under a larger limit may exceed any credit to come. */
function renew<T extends Member<T>>(member: T, turnBytes: number): void {
  if (member.deficitBytes < 1 || member.deficitBytes > turnBytes) member.deficitBytes = turnBytes;
}

/** How long a limit takes for a slice, in ms. */
const slowness = (bucket: TokenBucket, sliceOfIt: number): number =>
  bucket.limited ? (sliceOfIt / bucket.rateBytesPerSec) * 1000 : 0;
