/** Devices by their number, which stays when they are renamed. */
import { readdir, readFile } from 'node:fs/promises';

const NET = '/sys/class/net';

/** The device with this number in this network namespace. */
export async function nameOfIndex(ifindex: number): Promise<string | undefined> {
  const names = await readdir(NET).catch((): string[] => []);
  const indexes = await Promise.all(
    names.map((name) => readFile(`${NET}/${name}/ifindex`, 'utf8').catch(() => '')),
  );
  return names.find((_, n) => Number(indexes[n]?.trim()) === ifindex);
}
