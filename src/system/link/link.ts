/** Facts of a network device, read from /sys/class/net: no program is started for them. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { UserError } from '../../core/errors.ts';
import { closest } from '../../core/suggest.ts';
import { deviceNameHint, deviceNameProblem } from '../../core/deviceNames.ts';
import { errorCode, failure, usageError } from '../../core/errors.ts';
import type { LinkKind } from '../../plan/input/framing.ts';
import type { LinkFacts } from '../../plan/input/link.ts';
import { pathExists } from '../exec/pathExists.ts';

/** ARPHRD_* in include/uapi/linux/if_arp.h. */
const ARPHRD_ETHERNET = 1;
const ARPHRD_PPP = 512;

/** Throws a usage error if the name cannot be a device's. */
export function checkDeviceName(name: string): void {
  const problem = deviceNameProblem(name);
  if (problem !== undefined) throw usageError(problem, deviceNameHint(name));
}

/** The devices of this network namespace as /proc shows them; undefined: it does not. */
async function devicesInProc(): Promise<string[] | undefined> {
  const text = await readFile('/proc/self/net/dev', 'utf8').catch(() => undefined);
  // Two lines of headings, then `  eth0: 1234 …`.
  return text?.split('\n').flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
}

/** The devices of this network namespace, loopback left out. */
export async function listDevices(): Promise<string[]> {
  const names = (await devicesInProc()) ?? (await readdir('/sys/class/net').catch(() => []));
  return names.filter((name) => name !== 'lo' && name !== 'bonding_masters').sort();
}

/** True if the device is in this network namespace, whatever /sys shows. */
export async function isInProc(device: string): Promise<boolean> {
  return (await devicesInProc())?.includes(device) === true;
}

/** A device that is being made, renamed or taken away is for a moment in one of /sys and /proc only. */
const SETTLING_MS = 50;
const SETTLING_TIMES = 20;

/**
 * /proc is of the process's network namespace, /sys of the one in which it was mounted (`unshare --net`, `nsenter --net`).
 * Where they differ in this device, what /sys tells would be of another device, or of none.
 *
 * @throws UserError if the device is in one of them only
 */
async function requireSameNamespace(device: string): Promise<void> {
  for (let times = 0; times < SETTLING_TIMES; times++) {
    const names = await devicesInProc();
    if (names === undefined) return;
    const inSys = await pathExists(`/sys/class/net/${device}`);
    if (inSys === names.includes(device)) return;
    await wait(SETTLING_MS);
  }
  throw failure(
    `this /sys shows another network namespace: what it says of ${device} does not count here`,
    'enter the namespace with: ip netns exec NAME inetgw …; or in a mount namespace: mount -t sysfs sysfs /sys',
  );
}

/**
 * The device's facts, or undefined if it does not exist.
 *
 * @throws UserError where /sys is of another network namespace
 */
export async function findLink(device: string): Promise<LinkFacts | undefined> {
  await requireSameNamespace(device);
  const read = async (name: string): Promise<number> =>
    Number((await readFile(`/sys/class/net/${device}/${name}`, 'utf8')).trim());
  try {
    const [ifindex, type, mtuBytes] = await Promise.all([read('ifindex'), read('type'), read('mtu')]);
    return { device, ifindex, kind: kindOf(type), mtuBytes };
  } catch (error) {
    if (['ENOENT', 'ENODEV'].includes(errorCode(error) ?? '')) return undefined;
    throw failure(`cannot read the facts of ${device}: ${String(error)}`);
  }
}

/** IFF_UP in include/uapi/linux/if.h. */
const IFF_UP = 1;

/** True if the device is there and has been set up (`ip link set DEV up`). */
export async function isUp(device: string): Promise<boolean> {
  const flags = await readFile(`/sys/class/net/${device}/flags`, 'utf8').catch(() => '0');
  return (Number(flags.trim()) & IFF_UP) !== 0;
}

/** The device's facts; an error that lists the devices that exist if it is not there. */
export async function readLink(device: string): Promise<LinkFacts> {
  const link = await findLink(device);
  if (link !== undefined) return link;
  throw await noSuchDevice(device);
}

export async function noSuchDevice(device: string): Promise<UserError> {
  const names = await listDevices();
  const meant = closest(device, names);
  const hint = names.length === 0 ? 'there is no device but lo' : `there are: ${names.join(', ')}`;
  return failure(
    `there is no device ${device}`,
    meant === undefined ? hint : `did you mean ${meant}? ${hint}`,
  );
}

function kindOf(arphrdType: number): LinkKind {
  switch (arphrdType) {
    case ARPHRD_ETHERNET:
      return 'ethernet';
    case ARPHRD_PPP:
      return 'ppp';
    default:
      return 'ip';
  }
}

/** False where the kernel has no IPv6 at all: then no rule is needed and ip6tables would fail. */
export async function hasIpv6(): Promise<boolean> {
  return readFile('/proc/net/if_inet6').then(
    () => true,
    () => false,
  );
}
