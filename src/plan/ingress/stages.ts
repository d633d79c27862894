/**
 * Ingress: the excess cascade. Each stage sees only what the stage before let through as excess:
 *
 *     small packets first try the last 1 % of the line, which is kept for them
 *     1  up to 98 %          accepted unseen; the excess gets the mark
 *     2  the next 1 %        accepted; of the excess, large packets are dropped: large ones have 99 %
 *     3  what is left now    small packets beyond all of it: dropped, the line is at 100 %
 *
 * Three buckets side by side at 98, 99 and 100 % would not do the same: they would drop different packets.
 * That small packets try the last 1 % first and not last makes no difference to what they get in all; but
 * else large packets would find 98 % taken in part by small ones, while the last 1 % lay idle.
 */
import { CLSACT_HOOK } from '../../tc/clsact.ts';
import type { Action, Filter, Qdisc, TcObject, Verdict } from '../../tc/objects.ts';
import { STAGE_1_PRIORITY } from '../../firewall/rules.ts';
import { deviceActionIndex } from '../numbers/actionIndex.ts';
import { bytesIn, policeBurstBytes } from '../numbers/arithmetic.ts';
import { kernelRateBitPerSec } from '../input/framing.ts';
import { lineLimits } from '../input/limits.ts';
import { incomingHeaderBytes, type LinkFacts } from '../input/link.ts';
import { boundedFilter, windowFilters, type PacingPlan } from '../pacing/pacing.ts';
import { redirectTo } from '../queues/queue.ts';
import type { PlanContext } from '../input/context.ts';
import type { FirewallBackend } from '../input/settings.ts';

const HANDLE = 'ffff:';

/** Order of the filters. */
const PREF = { reserve: 1, stage1: 2, stage2: 3, stage3: 4 } as const;

/** Shares of the downlink. */
const SHARE = { stage1: 0.98, stage2: 0.01, reserve: 0.01 } as const;

/** Which of a device's numbered actions does what; the statistics read their counters by these. */
const ACTION = {
  isSmall: 0,
  stage1: 1,
  stage2: 2,
  reserve: 3,
  dropLarge: 4,
  dropAll: 5,
  mark: 6,
} as const;
export type ActionName = keyof typeof ACTION;

export function actionIndex(ifindex: number, name: ActionName): number {
  return deviceActionIndex('stages', ifindex, ACTION[name]);
}

/** The objects in the order in which they are made. With pacing, what passes does not go to the host at once but through the queue on the ifb. */
export function stageObjects(
  context: PlanContext,
  backend: FirewallBackend | undefined,
  pacing?: PacingPlan,
): TcObject[] {
  const { link, kernel } = context;
  const dev = link.device;
  const qdisc: Qdisc = { type: 'qdisc', dev, parent: 'ingress', handle: HANDLE, spec: { kind: 'ingress' } };

  const { bucket, sizeTest, mark } = stageActions(context, backend);
  const filter = (pref: number, actions: readonly Action[]): Filter => ({
    type: 'filter',
    dev,
    parent: pacing === undefined ? HANDLE : CLSACT_HOOK.ingress,
    pref,
    match: 'all',
    actions,
  });
  if (pacing !== undefined) {
    const toQueue = redirectTo(pacing.queueDevice, link);
    const programs = windowFilters(link, pacing, kernel);
    const behind = programs.filter(({ parent }) => parent === CLSACT_HOOK.ingress).length;
    return [
      { ...qdisc, spec: { kind: 'clsact' } },
      ...programs,
      // The same stages; each hands what passes to the queue. They drop none of what windows bound: dropping that
      // does not make it less, while in the queue of ours it leaves the provider's.
      filter(behind + 1, [
        sizeTest('isSmall', 'continue', 'pipe'),
        bucket('reserve', 'continue', 'pipe'),
        toQueue,
      ]),
      filter(behind + 2, [bucket('stage1', 'continue', 'pipe'), toQueue]),
      filter(behind + 3, [{ ...mark, then: 'pipe' }, bucket('stage2', 'continue', 'pipe'), toQueue]),
      boundedFilter(link, pacing, behind + 4, toQueue),
      filter(behind + 5, [sizeTest('dropLarge', 'drop', 'continue')]),
      filter(behind + 6, [{ kind: 'drop', index: actionIndex(link.ifindex, 'dropAll') }]),
    ];
  }
  return [
    qdisc,
    filter(PREF.reserve, [sizeTest('isSmall', 'continue', 'pipe'), bucket('reserve', 'continue')]),
    filter(PREF.stage1, [bucket('stage1', 'pipe'), { ...mark, then: 'continue' }]),
    filter(PREF.stage2, [bucket('stage2', 'pipe'), sizeTest('dropLarge', 'drop', 'continue')]),
    filter(PREF.stage3, [{ kind: 'drop', index: actionIndex(link.ifindex, 'dropAll') }]),
  ];
}

/** The actions of the stages: a bucket for a share of the line, a test of the length, the mark. */
function stageActions({ settings, link, framing }: PlanContext, backend: FirewallBackend | undefined) {
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec);
  const follows = lineLimits(settings.limits, settings) !== undefined;
  const bucket = (name: keyof typeof SHARE, exceed: Verdict, conform: Verdict = 'ok'): Action => {
    const share = Math.max(1, Math.floor(rateBitPerSec * SHARE[name]));
    return {
      kind: 'police',
      index: actionIndex(link.ifindex, name),
      rateBitPerSec: share,
      burstBytes: policeBurstBytes(
        framing,
        share,
        link.mtuBytes,
        bytesIn(rateBitPerSec, follows ? FOLLOWING_BURST_MS : BURST_MS[name]),
      ),
      mtuBytes: policeMtuBytes(link),
      // Ingress lengths never contain the link header, whatever the device.
      overheadBytes: Math.max(0, framing.overheadBytes),
      mpuBytes: framing.mpuBytes,
      linkLayer: framing.linkLayer === 'atm' ? 'atm' : 'ethernet',
      exceed,
      conform,
      ...(follows ? { follows: true as const } : {}),
    };
  };
  const sizeTest = (name: 'isSmall' | 'dropLarge', exceed: Verdict, conform: Verdict): Action => ({
    kind: 'policeSize',
    index: actionIndex(link.ifindex, name),
    // Unlike a bucket, the size test does count the link header (tcf_police_mtu_check).
    maxBytes: settings.largePacketBytes - 1 + incomingHeaderBytes(link),
    exceed,
    conform,
  });
  const mark: Omit<Extract<Action, { kind: 'mark' }>, 'then'> = {
    kind: 'mark',
    index: actionIndex(link.ifindex, 'mark'),
    mark: settings.mark,
    // iptables could not take it away again, and forwarded IPv6 would keep it.
    ...(backend === 'iptables' ? {} : { priority: STAGE_1_PRIORITY }),
  };
  return { bucket, sizeTest, mark };
}

/**
 * How much of the whole line may pass at once, as the time it takes there, at least two packets (see
 * policeBurstBytes). What stages 1 and 2 hold may stand in the provider's queue at worst. TCP hardly ever takes that,
 * but it fills the gaps between its losses: four downloads over 40 ms at 97 % of 100 Mbit/s used 87 % of the line
 * with 10 ms and 92 % with 50, for 1 to 2 ms more; on lines of 1.75 and 6 Mbit/s it made no difference. The reserve
 * is 20 ms, so that small packets that come in a bunch find room.
 */
const BURST_MS: Readonly<Record<keyof typeof SHARE, number>> = { stage1: 50, stage2: 50, reserve: 20 };

/** Each change of a rate fills its bucket anew: 10 ms ten times a second let in 10 % more, 50 ms would let in 50. */
const FOLLOWING_BURST_MS = 10;

/** At least tc's own default; a jumbo frame must not exceed for its length alone. */
function policeMtuBytes(link: LinkFacts): number {
  return Math.max(2047, link.mtuBytes + 64);
}
