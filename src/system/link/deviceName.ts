/** Names of a device that are not the kernel's own: alternative names (`ip link property add altname`), and slips. */
import { isInProc } from './link.ts';
import { pathExists } from '../exec/pathExists.ts';
import { run, type Runner } from '../exec/run.ts';

/** ALTIFNAMSIZ - 1 in include/uapi/linux/if.h; whatever stands in it, nothing of this is an option or a path. */
const ALTERNATIVE_NAME = /^[A-Za-z0-9_][^\s/]{0,126}$/;

export async function isDevice(name: string): Promise<boolean> {
  if (name === '' || name.includes('/') || name.startsWith('.')) return false;
  // Where /sys is of another network namespace, the device is there all the same: link.ts refuses it with its reason.
  return (await pathExists(`/sys/class/net/${name}`)) || (await isInProc(name));
}

/**
 * The kernel's name of a device that is called by an alternative one; undefined: it is called by its own, there is none of
 * this name, or it cannot be told. Alternative names are not in /sys: `ip` asks the kernel (5.5 and later).
 */
export async function kernelNameOf(word: string, runner: Runner = run): Promise<string | undefined> {
  if (!ALTERNATIVE_NAME.test(word) || (await isDevice(word))) return undefined;
  const text = await runner(['ip', '-j', 'link', 'show', 'dev', word]).then(
    ({ stdout }) => stdout,
    () => '',
  );
  return nameIn(text, word);
}

/** From what `ip -j link show dev NAME` prints: `[{"ifname":"eth0","altnames":["wan"], …}]`. */
function nameIn(text: string, word: string): string | undefined {
  let links: unknown;
  try {
    links = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(links)) return undefined;
  const found = (links as unknown[]).find(
    (link): link is { ifname: string; altnames: unknown[] } =>
      typeof link === 'object' &&
      link !== null &&
      'ifname' in link &&
      typeof link.ifname === 'string' &&
      'altnames' in link &&
      Array.isArray(link.altnames) &&
      link.altnames.includes(word),
  );
  return found?.ifname;
}
