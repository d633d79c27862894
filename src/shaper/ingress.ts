/**
 * Ingress: the excess cascade. Each stage sees only what the stage before let through as excess:
 *
 *     1  up to 98 % of the line   accepted unseen; the excess gets the mark
 *     2  the next 1 %             accepted; of the excess, large packets are dropped
 *     3  the last 1 %             accepted; the excess is dropped
 *
 * Three buckets side by side at 98, 99 and 100 % would not do the same: they would drop different packets.
 */
import type { Action, Filter, Qdisc, TcObject } from '../tc/objects.ts';
import { bytesIn } from './arithmetic.ts';
import { framedBytes, kernelRateBitPerSec, type Framing } from './framing.ts';
import { linkHeaderBytes, type LinkFacts } from './link.ts';
import type { ShaperSettings } from './settings.ts';

export const INGRESS_STAGES = [1, 2, 3] as const;
export type IngressStage = (typeof INGRESS_STAGES)[number];

const HANDLE = 'ffff:';

/** Shares of the rate: what passes below 98 %, and the two single per cents above. */
const STAGE_SHARE: Readonly<Record<IngressStage, number>> = { 1: 0.98, 2: 0.01, 3: 0.01 };

/**
 * Indices of police actions are global, so ours carry a prefix ("IG" in ASCII) and the device's index:
 * 0x4947 << 16 | ifindex << 3 | n. Eight per device; beyond 8191 devices they would wrap.
 */
export function policeIndex(ifindex: number, n: number): number {
  return 0x4947_0000 + ((ifindex & 0x1fff) << 3) + n;
}

/** Number of the size test among the device's police indices; the stages have 1 to 3. */
export const SIZE_TEST_INDEX = 4;

/** The objects in the order in which they are made. */
export function ingressObjects(settings: ShaperSettings, link: LinkFacts, framing: Framing): TcObject[] {
  const dev = link.device;
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec);
  const qdisc: Qdisc = { type: 'qdisc', dev, parent: 'ingress', handle: HANDLE, spec: { kind: 'ingress' } };

  const police = (stage: IngressStage, exceed: 'pipe' | 'drop'): Action => ({
    kind: 'police',
    index: policeIndex(link.ifindex, stage),
    rateBitPerSec: Math.max(1, Math.floor(rateBitPerSec * STAGE_SHARE[stage])),
    burstBytes: stageBurstBytes(stage, framing, rateBitPerSec, link.mtuBytes),
    mtuBytes: policeMtuBytes(link),
    // Ingress lengths never contain the link header, whatever the device.
    overheadBytes: Math.max(0, framing.overheadBytes),
    mpuBytes: framing.mpuBytes,
    linkLayer: framing.linkLayer === 'atm' ? 'atm' : 'ethernet',
    exceed,
    conform: 'ok',
  });
  const sizeTest: Action = {
    kind: 'policeSize',
    index: policeIndex(link.ifindex, SIZE_TEST_INDEX),
    // Unlike the bucket, the size test does count the link header (tcf_police_mtu_check).
    maxBytes: settings.largePacketBytes - 1 + linkHeaderBytes(link.kind),
    exceed: 'drop',
    conform: 'continue',
  };
  const stage = (pref: IngressStage, actions: readonly Action[]): Filter => ({
    type: 'filter',
    dev,
    parent: HANDLE,
    pref,
    match: 'all',
    actions,
  });
  return [
    qdisc,
    stage(1, [police(1, 'pipe'), { kind: 'mark', mark: settings.mark, then: 'continue' }]),
    stage(2, [police(2, 'pipe'), sizeTest]),
    stage(3, [police(3, 'drop')]),
  ];
}

/**
 * A bucket must hold at least one packet as the line sees it, or large packets would always exceed. What
 * stage 1 holds beyond that stands in the provider's queue at worst.
 */
function stageBurstBytes(
  stage: IngressStage,
  framing: Framing,
  rateBitPerSec: number,
  mtuBytes: number,
): number {
  const packetBytes = framedBytes(framing, mtuBytes);
  return stage === 1
    ? Math.max(2 * packetBytes, bytesIn(rateBitPerSec, 10))
    : Math.max(packetBytes, bytesIn(rateBitPerSec, 1));
}

/** At least tc's own default; a jumbo frame must not exceed for its length alone. */
function policeMtuBytes(link: LinkFacts): number {
  return Math.max(2047, link.mtuBytes + 64);
}
