/** Conditions of an uplink that is small beside its downlink. Pure. */
import { formatRate } from '../core/units.ts';
import { acksBitPerSec, downCarriedByAcks, isNarrowUplink } from '../plan/queues/acknowledgements.ts';
import { thinsAcks } from '../plan/queues/egress.ts';
import type { Condition, ConditionReadings } from './condition.ts';

function narrowUplink({ record }: ConditionReadings): string[] {
  if (record === undefined) return [];
  const { plan } = record;
  const { framing, upBitPerSec, downBitPerSec, tc } = plan;
  const line = { framing, upBitPerSec, downBitPerSec, mtuBytes: plan.link.mtuBytes };
  if (!isNarrowUplink(line)) return [];
  const needed = `full downloads are acknowledged with ${formatRate(acksBitPerSec(line))}, and UP is ${formatRate(upBitPerSec)}`;
  if (thinsAcks(tc)) return [`${needed}: of acknowledgements that wait, the last of each connection is kept`];
  return [
    `${needed}: downloads get ${formatRate(Math.min(downBitPerSec, downCarriedByAcks(line)))} at most, and less beside uploads`,
  ];
}

export const UPLINK_CONDITIONS: readonly Condition[] = [
  {
    id: 'narrow-uplink',
    severity: 'note',
    title: 'UP is so small beside DOWN that acknowledgements wait',
    seenIn: 'the record in /run/inetgw',
    meaning:
      'receivers acknowledge every second segment, and that takes more of UP than their class has for sure: what else goes up makes downloads wait',
    remedy:
      'sch_cake thins acknowledgements out (not with --fair flow); a higher UP needs none of it (docs/pacing.md)',
    find: narrowUplink,
  },
];
