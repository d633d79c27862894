/** `--ingress shape-cake`: one cake on the ifb, which sorts by flow itself. Pure. */
import type { TcObject } from '../../tc/objects.ts';
import type { PlanContext } from '../input/context.ts';
import { kernelRateBitPerSec } from '../input/framing.ts';
import { SHAPE_SHARE } from '../queues/queue.ts';

export function cakeObjects({ settings, framing }: PlanContext, queueDevice: string): TcObject[] {
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec);
  return [
    {
      type: 'qdisc',
      dev: queueDevice,
      parent: 'root',
      handle: '1:',
      spec: {
        kind: 'cake',
        bandwidthBitPerSec: Math.floor(rateBitPerSec * SHAPE_SHARE),
        linkLayer: framing.linkLayer === 'atm' ? 'atm' : 'noatm',
        overheadBytes: framing.overheadBytes,
        mpuBytes: framing.mpuBytes,
      },
    },
  ];
}
