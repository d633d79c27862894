/** What kind of tunnel a device is, asked of the kernel: /sys first, and programs only where that leaves it open. */
import type { Framing } from '../../plan/input/framing.ts';
import { kindByType, mayBeTunnel, type LayerFacts } from '../../plan/input/layers.ts';
import type { LinkFacts } from '../../plan/input/link.ts';
import {
  parseKernelTunnel,
  tunnelFacts,
  type KernelTunnel,
  type TunnelFacts,
} from '../../plan/input/tunnels.ts';
import { readLayers } from '../link/layers.ts';
import { findLink } from '../link/link.ts';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';
import { readState } from '../record/state.ts';
import { wireGuardPeer, type Peer } from './wireGuard.ts';

/** The facts of a device with those of the tunnel that it is, if it is one. What cannot be found out is assumed. */
export async function withTunnel(link: LinkFacts, run: Runner): Promise<LinkFacts> {
  const tunnel = await readTunnel(link.device, run);
  return tunnel === undefined ? link : { ...link, tunnel };
}

async function readTunnel(device: string, run: Runner): Promise<TunnelFacts | undefined> {
  const layers = await readLayers(device);
  if (!mayBeTunnel(layers)) return undefined;
  const said = await answer(['ip', '-d', '-j', 'link', 'show', 'dev', device], run);
  const shown = said === undefined ? kernelTunnelOfType(layers) : parseKernelTunnel(said);
  if (shown === undefined) return undefined;
  const peer: Peer =
    shown.kind === 'wireguard' ? await wireGuardPeer(device, run) : { remote: shown.remote, mark: undefined };
  const { remote, mark } = peer;
  const overIpv6 = shown.overIpv6 || remote?.includes(':') === true;
  const kernel: KernelTunnel = { ...shown, remote, overIpv6 };
  const facts = tunnelFacts(kernel, device);
  if (facts === undefined) return undefined;
  const carrier = await carrierOf(device, remote, mark, layers.defaultRoutes, run);
  return carrier === undefined ? facts : { ...facts, carrier };
}

/** Without `ip` nothing but the type tells: options are not counted then. */
function kernelTunnelOfType(layers: LayerFacts): KernelTunnel | undefined {
  const kind = kindByType(layers);
  if (kind === undefined) return undefined;
  return {
    kind,
    remote: undefined,
    overIpv6: kind === 'ip6gre',
    greOptions: 0,
    hasEncapsulationLimit: false,
    encapsulation: undefined,
    isTap: false,
  };
}

/** The device that the outer packets leave by: as the kernel routes them, or the only way out there is. */
async function carrierOf(
  device: string,
  remote: string | undefined,
  mark: string | undefined,
  defaultRoutes: readonly string[],
  run: Runner,
): Promise<TunnelFacts['carrier']> {
  const others = defaultRoutes.filter((name) => name !== device);
  const byDefault = others.length === 1 ? others[0] : undefined;
  const words = mark === undefined ? [] : ['mark', mark];
  const routed =
    remote === undefined
      ? undefined
      : routeDevice((await answer(['ip', '-j', 'route', 'get', remote, ...words], run)) ?? '');
  const name = routed === undefined || routed === device ? byDefault : routed;
  const link = name === undefined ? undefined : await findLink(name).catch(() => undefined);
  if (link === undefined) return undefined;
  const framing = await framingSetOn(link);
  return { device: link.device, kind: link.kind, ...(framing === undefined ? {} : { framing }) };
}

/** The framing with which inetgw has set the device up; undefined: it has not. */
export async function framingSetOn({
  device,
  ifindex,
}: Pick<LinkFacts, 'device' | 'ifindex'>): Promise<Framing | undefined> {
  const reading = await readState(device);
  if (reading.kind !== 'state' || reading.state.phase !== 'active') return undefined;
  const { plan } = reading.state;
  return plan.link.ifindex === ifindex ? plan.framing : undefined;
}

/** Of `ip -j route get`; undefined where that is not what was printed. */
export function routeDevice(output: string): string | undefined {
  const found = /"dev":"([^"]+)"/.exec(output)?.[1];
  return found === 'lo' ? undefined : found;
}
