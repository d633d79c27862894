/** What `wg` tells of WireGuard on this machine: addresses and ports are not in /sys. */
import { readFile } from 'node:fs/promises';
import { listDevices } from '../link/link.ts';
import type { Runner } from '../exec/run.ts';
import { answer } from '../exec/runStep.ts';

export interface Peer {
  /** Outer address of the other side; undefined: none is known. */
  remote: string | undefined;
  /** Of the outer packets, by which wg-quick has them routed past the tunnel. */
  mark: string | undefined;
}

/** The first peer of a device that has an address. */
export async function wireGuardPeer(device: string, run: Runner): Promise<Peer> {
  const endpoints = await answer(['wg', 'show', device, 'endpoints'], run);
  if (endpoints === undefined) return { remote: undefined, mark: undefined };
  const mark = (await answer(['wg', 'show', device, 'fwmark'], run))?.trim();
  return { remote: endpointAddress(endpoints), mark: mark === 'off' || mark === '' ? undefined : mark };
}

/** The address of the first peer that has one: `KEY\t192.0.2.1:51820`, `KEY\t[2001:db8::1]:51820`, `KEY\t(none)`. */
export function endpointAddress(endpoints: string): string | undefined {
  const found = /\t(?:\[([0-9a-f:.%a-z]+)\]|([0-9.]+)):\d+$/im.exec(endpoints);
  return found?.[1] ?? found?.[2];
}

export interface WireGuardPorts {
  /** Those it listens on, and sends from; its peers' need not be known for that. */
  ports: readonly number[];
  /** Why there may be others. */
  notice?: string;
}

/** UDP ports of all WireGuard devices here, each once. No program is started where there is no device. */
export async function wireGuardPorts(run: Runner): Promise<WireGuardPorts> {
  const devices = await wireGuardDevices();
  if (devices.length === 0) return { ports: [] };
  const said = await answer(['wg', 'show', 'all', 'listen-port'], run);
  if (said !== undefined) return { ports: portsSaid(said) };
  return {
    ports: [],
    notice: `the ports of ${devices.join(', ')} are not known: the program wg (wireguard-tools) is missing, or may not tell without privilege; where it is not 51820, name them with --tunnel-ports`,
  };
}

/** `wg0\t51820`: the number that a line ends in; 0 is none yet. */
export function portsSaid(output: string): number[] {
  const found = [...output.matchAll(/\t(\d+)$/gm)].map((match) => Number(match[1]));
  return [...new Set(found)].filter((port) => port > 0 && port <= 65_535).sort((a, b) => a - b);
}

async function wireGuardDevices(): Promise<string[]> {
  const names = await listDevices();
  const events = await Promise.all(
    names.map((name) => readFile(`/sys/class/net/${name}/uevent`, 'utf8').catch(() => '')),
  );
  return names.filter((_, at) => /^DEVTYPE=wireguard$/m.test(events[at] ?? ''));
}
