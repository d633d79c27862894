/** Whether a device is the right layer for the line, and which one is. Pure; system/link/layers.ts reads the facts. */

/** What stands above and below a device, by the kernel's own names. */
export interface LayerFacts {
  device: string;
  /** ARPHRD_* of include/uapi/linux/if_arp.h. */
  arphrdType: number;
  /** DEVTYPE as the driver says it (`bridge`, `vlan`, `ppp`, `wireguard`, `wwan`); undefined where it says none. */
  deviceType: string | undefined;
  /** There is hardware behind it. */
  isHardware: boolean;
  /** It names no other device, and no other end, as the one that its packets go through (`iflink`). */
  isOwnLink: boolean;
  /** What it is a member of. */
  master: { device: string; kind: 'bridge' | 'bond' | 'other' } | undefined;
  /** Devices that stand on it, such as VLANs. */
  uppers: readonly string[];
  /** Devices with a default route, of either family. */
  defaultRoutes: readonly string[];
  /** Devices that carry a PPPoE session of the kernel's. */
  pppoeCarriers: readonly string[];
  pppDevices: readonly string[];
}

export interface LayerAdvice {
  /** `wrong`: it can never be right. `doubt`: an expert may want it. */
  kind: 'wrong' | 'doubt';
  text: string;
  /** The device that is meant, if it is known. */
  instead: string | undefined;
}

const ARPHRD_LOOPBACK = 772;

/** ARPHRD_NONE (tun, WireGuard, xfrm; also modems in raw IP mode), TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE. */
const TUNNEL_TYPES: readonly number[] = [65_534, 768, 769, 776, 778, 823];
const ARPHRD_ETHERNET = 1;
/** By its type alone: the device is a tunnel, whatever it adds. */
export function isTunnel({ arphrdType, deviceType, isHardware }: LayerFacts): boolean {
  return !isHardware && deviceType !== 'wwan' && TUNNEL_TYPES.includes(arphrdType);
}

/** It is one, or it is an Ethernet device that only the kernel's own word for its kind tells from one. */
export function mayBeTunnel(facts: LayerFacts): boolean {
  const { arphrdType, deviceType, isHardware, isOwnLink } = facts;
  if (isTunnel(facts)) return true;
  if (arphrdType !== ARPHRD_ETHERNET || isHardware) return false;
  // GRE's with Ethernet frames says nothing, as veth and others do.
  return deviceType === 'vxlan' || deviceType === 'geneve' || (deviceType === undefined && !isOwnLink);
}

/**
 * The order in which devices are set up: tunnels after what carries them, since they count the framing that is set there.
 * Higher is later; what may be a tunnel comes before what is one, as VXLAN below WireGuard.
 */
export function setUpRank(facts: LayerFacts): number {
  return Number(mayBeTunnel(facts)) + Number(isTunnel(facts));
}

/** The kind as the kernel would name it, where only the type tells; undefined: it does not. */
export function kindByType({ arphrdType, deviceType }: LayerFacts): string | undefined {
  if (deviceType === 'wireguard') return deviceType;
  const kinds: Readonly<Record<number, string>> = {
    768: 'ipip',
    769: 'ip6tnl',
    776: 'sit',
    778: 'gre',
    823: 'ip6gre',
  };
  return kinds[arphrdType];
}

/** What speaks against shaping this device; the first reason is the one that counts. */
export function layerAdvice(facts: LayerFacts): LayerAdvice | undefined {
  const { device, arphrdType, master, uppers, defaultRoutes, pppoeCarriers, pppDevices } = facts;
  const leads = (name: string): boolean => defaultRoutes.includes(name);
  const way = defaultRoutes.find((name) => name !== device);
  if (arphrdType === ARPHRD_LOOPBACK) {
    return { kind: 'wrong', text: `${device} is this machine itself and no line`, instead: way };
  }
  if (master !== undefined && master.kind !== 'other') {
    const [what, why] = {
      bridge: [
        `a port of the bridge ${master.device}`,
        'rules and window pacing see its packets on the bridge only',
      ],
      bond: [
        `a part of the bond ${master.device}`,
        'rules and window pacing see its packets on the bond only',
      ],
    }[master.kind] as [string, string];
    return { kind: 'doubt', text: `${device} is ${what}: ${why}`, instead: master.device };
  }
  const carrier = [device, ...uppers].find((name) => pppoeCarriers.includes(name));
  if (carrier !== undefined) {
    const instead = pppDevices.find(leads) ?? (pppDevices.length === 1 ? pppDevices[0] : undefined);
    const text = `${device} carries the PPPoE of ${instead ?? 'a ppp device'}: of what is inside, rules and window pacing see nothing here`;
    return { kind: 'doubt', text, instead };
  }
  const upper = uppers.find(leads);
  if (upper !== undefined && !leads(device)) {
    return {
      kind: 'doubt',
      text: `${device} is below ${upper}, which leads to the internet: rules see its packets there`,
      instead: upper,
    };
  }
  if (facts.deviceType === 'bridge' && !leads(device) && way !== undefined) {
    return { kind: 'doubt', text: `${device} is a bridge, and the internet is behind ${way}`, instead: way };
  }
  return undefined;
}
