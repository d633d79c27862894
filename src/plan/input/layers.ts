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

/**
 * Bytes that a tunnel adds to a packet on an IPv4 Ethernet line: its own headers and the 18 of the frame. IPv4 20 (RFC 791),
 * IPv6 40 (RFC 8200), GRE 4 (RFC 2784), UDP 8 and WireGuard 32 (its protocol's data message).
 */
const FRAME_BYTES = 18;
const TUNNELS: Readonly<Record<number, { name: string; addsBytes: number | undefined }>> = {
  // ARPHRD_NONE: tun, WireGuard and modems in raw IP mode; told apart below.
  65534: { name: 'a tunnel', addsBytes: undefined },
  768: { name: 'an IPIP tunnel', addsBytes: 20 },
  769: { name: 'an IPv6 tunnel', addsBytes: 40 },
  776: { name: 'a SIT tunnel', addsBytes: 20 },
  778: { name: 'a GRE tunnel', addsBytes: 24 },
  823: { name: 'a GRE tunnel', addsBytes: 44 },
};
const WIREGUARD_BYTES = 60;

/** What kind of tunnel the device is; undefined: none. */
function tunnelOf({
  arphrdType,
  deviceType,
  isHardware,
}: LayerFacts): { name: string; addsBytes?: number } | undefined {
  if (isHardware || deviceType === 'wwan') return undefined;
  if (deviceType === 'wireguard') return { name: 'a WireGuard tunnel', addsBytes: WIREGUARD_BYTES };
  const known = Object.hasOwn(TUNNELS, arphrdType) ? TUNNELS[arphrdType] : undefined;
  if (known === undefined) return undefined;
  return known.addsBytes === undefined
    ? { name: known.name }
    : { name: known.name, addsBytes: known.addsBytes };
}

export function isTunnel(facts: LayerFacts): boolean {
  return tunnelOf(facts) !== undefined;
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

/** What the default framing, bare packets, means on a tunnel, and what to type if it is not meant. */
export function tunnelNotice(facts: LayerFacts): string | undefined {
  const tunnel = tunnelOf(facts);
  if (tunnel === undefined) return undefined;
  const bytes = tunnel.addsBytes === undefined ? 'N' : String(tunnel.addsBytes + FRAME_BYTES);
  return (
    `${facts.device} is ${tunnel.name}: counting bare packets is right only if UP and DOWN are the tunnel's own;` +
    ` for the rates of an Ethernet line below it: --linklayer ethernet --overhead ${bytes}`
  );
}
