/** What stands above and below a device, from /sys/class/net and /proc/net: no program is started for it. */
import { access, readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import type { LayerFacts } from '../../plan/input/layers.ts';
import { listDevices } from './link.ts';

const NET = '/sys/class/net';
const ARPHRD_PPP = 512;

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** What cannot be read counts as not there: it is for advice only. */
export async function readLayers(device: string): Promise<LayerFacts> {
  const folder = `${NET}/${device}`;
  const [type, uevent, ifindex, iflink, isHardware, master, entries, route, route6, pppoe, pppDevices] =
    await Promise.all([
      text(`${folder}/type`),
      text(`${folder}/uevent`),
      text(`${folder}/ifindex`),
      text(`${folder}/iflink`),
      exists(`${folder}/device`),
      readlink(`${folder}/master`).then(basename, () => undefined),
      readdir(folder).catch(() => []),
      text('/proc/net/route'),
      text('/proc/net/ipv6_route'),
      text('/proc/net/pppoe'),
      pppDevicesHere(),
    ]);
  return {
    device,
    arphrdType: Number(type.trim()),
    deviceType: /^DEVTYPE=(.+)$/m.exec(uevent)?.[1],
    isHardware,
    isOwnLink: ifindex === iflink,
    master: master === undefined ? undefined : { device: master, kind: await masterKind(master) },
    uppers: entries
      .flatMap((name) => (name.startsWith('upper_') ? [name.slice('upper_'.length)] : []))
      .sort(),
    defaultRoutes: [...new Set([...defaultDevices4(route), ...defaultDevices6(route6)])],
    pppoeCarriers: pppoeDevices(pppoe),
    pppDevices,
  };
}

/** What stands below a device, the nearest first: what carries its PPPoE, its ports, what VLANs stand on. */
export async function devicesBelow(facts: LayerFacts): Promise<string[]> {
  const { device, arphrdType, pppoeCarriers } = facts;
  const found: string[] = [];
  const next = arphrdType === ARPHRD_PPP ? [...pppoeCarriers] : await lowersOf(device);
  for (let name = next.shift(); name !== undefined; name = next.shift()) {
    if (found.includes(name)) continue;
    found.push(name);
    next.push(...(await lowersOf(name)));
  }
  return found;
}

async function lowersOf(device: string): Promise<string[]> {
  const entries = await readdir(`${NET}/${device}`).catch((): string[] => []);
  return entries.flatMap((name) => (name.startsWith('lower_') ? [name.slice('lower_'.length)] : [])).sort();
}

async function masterKind(master: string): Promise<'bridge' | 'bond' | 'other'> {
  if (await exists(`${NET}/${master}/bridge`)) return 'bridge';
  return (await exists(`${NET}/${master}/bonding`)) ? 'bond' : 'other';
}

async function pppDevicesHere(): Promise<string[]> {
  const names = await listDevices();
  const types = await Promise.all(names.map((name) => text(`${NET}/${name}/type`)));
  return names.filter((_, n) => Number(types[n]?.trim()) === ARPHRD_PPP);
}

/** RTF_UP of include/uapi/linux/route.h. */
const RTF_UP = 1;

/** `ppp0 00000000 0100A8C0 0003 0 0 0 00000000 …`: device, destination, gateway, flags, …, mask, in hexadecimal. */
export function defaultDevices4(routes: string): string[] {
  return routes
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [device = '', destination, , flags = '', , , , mask] = line.trim().split(/\s+/);
      const isDefault = destination === '00000000' && mask === '00000000';
      return isDefault && (Number.parseInt(flags, 16) & RTF_UP) !== 0 ? [device] : [];
    });
}

/** Destination, its length, source, its length, next hop, metric, references, use, flags, device; `lo` is an unreachable one. */
export function defaultDevices6(routes: string): string[] {
  return routes.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/);
    const [destination, length] = words;
    const device = words.at(-1) ?? '';
    return destination === '0'.repeat(32) && length === '00' && device !== 'lo' ? [device] : [];
  });
}

/** `Id Address Device`, a session each. */
export function pppoeDevices(sessions: string): string[] {
  const devices = sessions
    .split('\n')
    .slice(1)
    .flatMap((line) => line.trim().split(/\s+/).slice(2, 3));
  return [...new Set(devices)];
}
