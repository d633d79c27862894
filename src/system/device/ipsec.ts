/** What the kernel tells of IPsec. */
import { access } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';
import { isOfDevice } from '../link/labels.ts';

/** There with CONFIG_XFRM; hidden in a user namespace, where no program can be loaded either. */
const SETTING = '/proc/sys/net/core/xfrm_acq_expires';

export async function hasIpsec(): Promise<boolean> {
  return access(SETTING).then(
    () => true,
    () => false,
  );
}

/**
 * How many associations of IPsec in tunnel mode end at an address of the device without a device of their own, so that what comes in by
 * them comes in twice. Undefined: it cannot be told.
 */
export async function tunnelsWithoutDevice(device: string, run: Runner): Promise<number | undefined> {
  // Without its keys.
  const said = await answer(['ip', 'xfrm', 'state', 'list', 'nokeys'], run);
  const own = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    isOfDevice(name, device) ? addresses.map(({ address }) => address) : [],
  );
  return said === undefined ? undefined : endsWithoutDevice(said, own);
}

/**
 * As `ip xfrm state` says it: associations in tunnel mode that end at one of the addresses. One with `if_id` belongs to a
 * device of the kind xfrm, one with a mark to one of the kind vti.
 */
export function endsWithoutDevice(said: string, addresses: readonly string[]): number {
  return said.split(/^(?=src )/m).filter((each) => {
    const to = /^src \S+ dst (\S+)/.exec(each)?.[1];
    if (to === undefined || !addresses.includes(to)) return false;
    return /^\s+proto (?:esp|ah) .*\bmode tunnel\b/m.test(each) && !/^\s+(?:.* )?(?:if_id|mark) /m.test(each);
  }).length;
}
