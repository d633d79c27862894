/** Ports by the names of their services, from /etc/services (services(5)). */
import { readFileSync } from 'node:fs';
import { errorCode } from '../../core/errors.ts';
import { whyUnreadable } from './textFile.ts';

const FILE = '/etc/services';

/** The TCP ports of all names and aliases, as they are written; the first line that has a name counts, as in getservbyname(3). */
export function parseServices(text: string): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [name, where = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const port = /^(\d{1,5})\/tcp$/.exec(where)?.[1];
    if (name === undefined || port === undefined) continue;
    for (const each of [name, ...aliases]) if (!ports.has(each)) ports.set(each, Number(port));
  }
  return ports;
}

/** The TCP port of a service, or why there is none. Read anew each time: names of ports are typed, not looked up by clients. */
export function servicePort(name: string, file = FILE): number | string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = errorCode(error) === 'ENOENT';
    const hint = isMissing ? ' (Debian: apt-get install netbase)' : '';
    return `the service ${name} is not known: ${file}: ${whyUnreadable(error)}${hint}; type its number`;
  }
  return portOf(parseServices(text), name) ?? `no TCP service ${name} in ${file}; type its number`;
}

/** As it is written there, else in whichever case (RFC 6335: names that differ in case alone are the same). */
function portOf(ports: ReadonlyMap<string, number>, name: string): number | undefined {
  const lower = name.toLowerCase();
  return ports.get(name) ?? [...ports].find(([each]) => each.toLowerCase() === lower)?.[1];
}
