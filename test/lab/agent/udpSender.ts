/** The sending side of one UDP flow with loss-based congestion control: what RFC 9002 and RFC 9438 say. */

export type LossBased = 'reno' | 'cubic';

export interface SenderOptions {
  congestion: LossBased;
  packetBytes: number;
  maxAckDelayMs: number;
}

export interface Packet {
  number: number;
  /** Where its data belongs: what is lost is sent again under a new number. */
  place: number;
}

interface Sent extends Packet {
  atMs: number;
}

/** RFC 9002, 6.1.1, 6.1.2, 6.2.2, 7.2, 7.6.1, 7.7. */
const PACKET_THRESHOLD = 3;
const TIME_THRESHOLD = 9 / 8;
const INITIAL_RTT_MS = 333;
const INITIAL_PACKETS = 10;
const LEAST_PACKETS = 2;
const PERSISTENT_PROBES = 3;
const PACING_GAIN = 1.25;
/** What may go out at once after a pause; a timer is late by a millisecond or two. */
const BURST_MS = 8;
const LOSS_FACTOR: Readonly<Record<LossBased, number>> = { reno: 0.5, cubic: 0.7 };
/** RFC 9438, 4.1. */
const CUBIC_C = 0.4;

export class SenderFlow {
  /** Congestion window in packets. */
  window = INITIAL_PACKETS;
  readonly #options: SenderOptions;
  readonly #send: (packet: Packet) => void;
  readonly #inFlight = new Map<number, Sent>();
  readonly #lost: number[] = [];
  #nextNumber = 0;
  #nextPlace = 0;
  #largestAcked = -1;
  #threshold = Number.POSITIVE_INFINITY;
  #recoveryFromMs = Number.NEGATIVE_INFINITY;
  #rtt: { latest: number; smoothed: number; variation: number } | undefined;
  #probes = 0;
  #lastSentMs = 0;
  #nextSendMs = 0;
  #cubic = { peak: 0, epochMs: 0, k: 0, friendly: 0 };

  constructor(options: SenderOptions, send: (packet: Packet) => void) {
    this.#options = options;
    this.#send = send;
  }

  get packetsInFlight(): number {
    return this.#inFlight.size;
  }

  /** An empty list only asks to begin. */
  acknowledge(numbers: readonly number[], nowMs: number): void {
    const acked = numbers.flatMap((number) => this.#inFlight.get(number) ?? []);
    for (const packet of acked) {
      this.#inFlight.delete(packet.number);
      if (packet.number > this.#largestAcked) {
        this.#largestAcked = packet.number;
        this.#takeRtt(nowMs - packet.atMs);
      }
    }
    if (acked.length > 0) this.#probes = 0;
    this.#detectLoss(nowMs);
    for (const packet of acked) if (packet.atMs > this.#recoveryFromMs) this.#grow(nowMs);
    this.#sendWhatMay(nowMs);
  }

  /** To be called every few ms: time-based loss, probes, pacing. */
  tick(nowMs: number): void {
    this.#detectLoss(nowMs);
    if (this.#inFlight.size > 0 && nowMs - this.#lastSentMs > this.#probeTimeoutMs()) this.#probe(nowMs);
    this.#sendWhatMay(nowMs);
  }

  #takeRtt(rttMs: number): void {
    if (this.#rtt === undefined) {
      this.#rtt = { latest: rttMs, smoothed: rttMs, variation: rttMs / 2 };
      return;
    }
    const { smoothed, variation } = this.#rtt;
    this.#rtt = {
      latest: rttMs,
      smoothed: 0.875 * smoothed + 0.125 * rttMs,
      variation: 0.75 * variation + 0.25 * Math.abs(smoothed - rttMs),
    };
  }

  #probeTimeoutMs(): number {
    const { smoothed, variation } = this.#rtt ?? { smoothed: INITIAL_RTT_MS, variation: INITIAL_RTT_MS / 2 };
    return (smoothed + 4 * variation + this.#options.maxAckDelayMs) * 2 ** this.#probes;
  }

  /** A packet beyond the window; what it brings back tells which others are lost. */
  #probe(nowMs: number): void {
    this.#probes += 1;
    if (this.#probes >= PERSISTENT_PROBES) this.window = LEAST_PACKETS;
    this.#sendOne(nowMs);
  }

  #detectLoss(nowMs: number): void {
    const { latest, smoothed } = this.#rtt ?? { latest: INITIAL_RTT_MS, smoothed: INITIAL_RTT_MS };
    const lateMs = TIME_THRESHOLD * Math.max(latest, smoothed);
    let newestLostMs = Number.NEGATIVE_INFINITY;
    for (const packet of this.#inFlight.values()) {
      if (packet.number > this.#largestAcked) break;
      if (packet.number > this.#largestAcked - PACKET_THRESHOLD && nowMs - packet.atMs < lateMs) continue;
      this.#inFlight.delete(packet.number);
      this.#lost.push(packet.place);
      newestLostMs = Math.max(newestLostMs, packet.atMs);
    }
    if (newestLostMs > this.#recoveryFromMs) this.#reduce(nowMs);
  }

  #reduce(nowMs: number): void {
    const { congestion } = this.#options;
    this.#recoveryFromMs = nowMs;
    // RFC 9438, 4.7: who loses below the last peak gives room to others.
    const { peak } = this.#cubic;
    this.#cubic.peak = this.window < peak ? (this.window * (1 + LOSS_FACTOR.cubic)) / 2 : this.window;
    this.#cubic.epochMs = 0;
    this.window = Math.max(LEAST_PACKETS, this.window * LOSS_FACTOR[congestion]);
    this.#threshold = this.window;
  }

  /** By one acknowledged packet. */
  #grow(nowMs: number): void {
    if (this.window < this.#threshold) this.window += 1;
    else if (this.#options.congestion === 'reno') this.window += 1 / this.window;
    else this.#growCubic(nowMs);
  }

  #growCubic(nowMs: number): void {
    const cubic = this.#cubic;
    if (cubic.epochMs === 0) {
      cubic.epochMs = nowMs;
      cubic.peak = Math.max(cubic.peak, this.window);
      cubic.k = Math.cbrt((cubic.peak - this.window) / CUBIC_C);
      cubic.friendly = this.window;
    }
    const seconds = (nowMs - cubic.epochMs + (this.#rtt?.smoothed ?? 0)) / 1000;
    const target = CUBIC_C * (seconds - cubic.k) ** 3 + cubic.peak;
    cubic.friendly += (3 * (1 - LOSS_FACTOR.cubic)) / (1 + LOSS_FACTOR.cubic) / this.window;
    const wanted = Math.min(1.5 * this.window, Math.max(target, cubic.friendly));
    if (wanted > this.window) this.window += (wanted - this.window) / this.window;
  }

  #sendWhatMay(nowMs: number): void {
    while (this.#inFlight.size < Math.floor(this.window) && nowMs >= this.#nextSendMs) this.#sendOne(nowMs);
  }

  #sendOne(nowMs: number): void {
    const place = this.#lost.shift() ?? this.#nextPlace++;
    const packet = { number: this.#nextNumber++, place, atMs: nowMs };
    this.#inFlight.set(packet.number, packet);
    this.#lastSentMs = nowMs;
    const gapMs = (this.#rtt?.smoothed ?? INITIAL_RTT_MS) / this.window / PACING_GAIN;
    this.#nextSendMs = Math.max(this.#nextSendMs, nowMs - BURST_MS) + gapMs;
    this.#send({ number: packet.number, place });
  }
}
