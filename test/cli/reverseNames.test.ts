/** Names by reverse look-up from a real DNS server, which /etc/resolv.conf of a namespace names. */
import { expect, it } from 'vitest';
import { DNS_SERVER } from '../dnsServer.ts';
import { inNamespace, ROOT } from './helpers/built.ts';

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** With a server that knows these names by the last byte of 192.0.2.*, all of which are asked for. */
async function lookedUp(names: Record<string, string | null>, wanted: number) {
  const zone = Object.entries(names).map(([last, name]) => [`${last}.2.0.192.in-addr.arpa`, name]);
  const addresses = Object.keys(names).map((last) => `192.0.2.${last}`);
  const { code, stdout, stderr } = await inNamespace(`ip link set lo up
    echo nameserver 127.0.0.1 >/run/resolv.conf; mount --bind /run/resolv.conf /etc/resolv.conf; : >/run/asked
    ${process.execPath} -e ${quoted(DNS_SERVER)} ${quoted(JSON.stringify(Object.fromEntries(zone)))} /run/asked >/run/ready & server=$!
    until grep -qs ready /run/ready; do sleep 0.05; done
    cd ${ROOT}; ${process.execPath} --import tsx test/cli/helpers/reverseInNamespace.ts ${wanted} ${addresses.join(' ')}
    code=$?; kill $server; echo; sort -u /run/asked; exit $code`);
  const [result = '', ...asked] = stdout.trimEnd().split('\n');
  expect([code, stderr]).toEqual([0, '']);
  const [atOnce, inTheEnd] = JSON.parse(result) as Record<string, string>[];
  return { atOnce, inTheEnd, asked };
}

it('gives none at once, and those that there are as they come; a server that is silent of one holds up no other', async () => {
  const { atOnce, inTheEnd, asked } = await lookedUp({ 1: null, 2: 'printer.lan', 3: 'laptop.lan' }, 2);
  expect(atOnce).toEqual({});
  expect(inTheEnd).toEqual({ '192.0.2.2': 'printer.lan', '192.0.2.3': 'laptop.lan' });
  expect(asked).toEqual([1, 2, 3].map((last) => `${last}.2.0.192.in-addr.arpa`));
});

it('what a server answers is text, or no name', async () => {
  const long = Array.from({ length: 4 }, () => 'a'.repeat(50)).join('.');
  const { inTheEnd = {} } = await lookedUp({ 1: '\x1b[2Jevil\x9b\n\r.lan', 2: long, 3: 'laptop.lan' }, 2);
  expect(inTheEnd['192.0.2.2']).toBe(long.slice(0, 63));
  for (const name of Object.values(inTheEnd)) expect(name).not.toMatch(/\p{Cc}/u);
});
