import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Ends,
  MOST_BYTES,
  readHeader,
  writeHeader,
} from '../../../../src/relay/clients/proxyProtocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const v1 = (text: string): Buffer => Buffer.from(text, 'latin1');

const FOUR: Ends = {
  source: { address: '192.0.2.1', port: 56324 },
  destination: { address: '198.51.100.2', port: 443 },
};
const SIX: Ends = {
  source: { address: '2001:db8::1', port: 1 },
  destination: { address: '2001:db8:ffff::2', port: 65535 },
};

/** IPv6 addresses in all forms; those in which there is an IPv4 address are rare among them otherwise. */
const sixes = fc.oneof(
  fc.ipV6(),
  fc.tuple(fc.constantFrom('::ffff:', '64:ff9b::', '::'), fc.ipV4()).map(([start, four]) => start + four),
);

/** The one form of an address that Node's URL gives it; one that is IPv4 within is IPv4. */
function canonical(address: string): string {
  const { hostname } = new URL(`http://[${address}]`);
  const mapped = /^\[::ffff:([0-9a-f]+):([0-9a-f]+)\]$/.exec(hostname);
  if (mapped === null) return hostname.slice(1, -1);
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

describe('a PROXY header', () => {
  it.each([
    ['TCP4', v1('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'), FOUR],
    ['TCP6', v1('PROXY TCP6 2001:db8::1 2001:db8:ffff::2 1 65535\r\n'), SIX],
    ['UNKNOWN with more', v1('PROXY UNKNOWN ffff::1 ffff::1 65535 65535\r\n'), undefined],
    ['v2, IPv4', hex(`${SIGNATURE} 21 11 000c c0000201 c6336402 dc04 01bb`), FOUR],
    ['v2, IPv4, with a TLV', hex(`${SIGNATURE} 21 11 0010 c0000201 c6336402 dc04 01bb 04 0001 00`), FOUR],
    ['v2, LOCAL', hex(`${SIGNATURE} 20 00 0000`), undefined],
    ['v2, a Unix socket', hex(`${SIGNATURE} 21 31 00d8 ${'00'.repeat(216)}`), undefined],
  ])('is read: %s; what follows is not part of it', (_, header, ends) => {
    const all = Buffer.concat([header, Buffer.from('GET /')]);
    expect(readHeader(all)).toEqual({ kind: 'header', ends, bytes: header.length });
    for (let length = 0; length < header.length; length++)
      expect(readHeader(header.subarray(0, length))).toEqual({ kind: 'more' });
  });

  it.each([
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ])('of version 1 names %s, which is %s', (written, meant) => {
    const result = readHeader(v1(`PROXY TCP6 ${written} 2001:db8::1 1 2\r\n`));
    expect(result).toMatchObject({ ends: { source: { address: meant } } });
  });

  it('names the same client in whatever form its address is written', () => {
    fc.assert(
      fc.property(sixes, (written) => {
        const result = readHeader(v1(`PROXY TCP6 ${written} ::1 1 2\r\n`));
        expect(result).toMatchObject({ ends: { source: { address: canonical(written) } } });
      }),
    );
  });

  it.each([
    ['another protocol', v1('GET / HTTP/1.1\r\n')],
    ['a line without an end', v1(`PROXY TCP4 ${'1'.repeat(200)}`)],
    ['an address of the other family', v1('PROXY TCP4 ::1 ::1 1 2\r\n')],
    ['a name', v1('PROXY TCP4 localhost 192.0.2.1 1 2\r\n')],
    ['a port too high', v1('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n')],
    ['a port with a zero before it', v1('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n')],
    ['too few words', v1('PROXY TCP4 192.0.2.1\r\n')],
    ['a word too many', v1('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n')],
    ['another version', hex(`${SIGNATURE} 31 11 000c c0000201 c6336402 dc04 01bb`)],
    ['another command', hex(`${SIGNATURE} 2f 11 000c c0000201 c6336402 dc04 01bb`)],
    ['addresses that are cut off', hex(`${SIGNATURE} 21 21 000c c0000201 c6336402 dc04 01bb`)],
    ['more than anybody sends', hex(`${SIGNATURE} 21 11 ffff`)],
  ])('is refused: %s', (_, bytes) => {
    expect(readHeader(bytes).kind).toBe('wrong');
  });

  it('is never waited for beyond a bounded size, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(v1('PROXY '), v1('PROXY TCP4 '), hex(SIGNATURE), Buffer.alloc(0)),
        fc.uint8Array({ minLength: MOST_BYTES, maxLength: MOST_BYTES + 10 }),
        (start, rest) => {
          expect(readHeader(Buffer.concat([start, rest])).kind).not.toBe('more');
        },
      ),
    );
  });

  it('reads back as it was written', () => {
    const port = fc.integer({ min: 0, max: 65_535 });
    const end = (address: fc.Arbitrary<string>): fc.Arbitrary<Ends['source']> => fc.record({ address, port });
    const six = sixes.map(canonical);
    const address = fc.oneof(fc.ipV4(), six);
    fc.assert(
      fc.property(fc.constantFrom('v1', 'v2'), end(address), end(address), (version, source, destination) => {
        const header = writeHeader(version, { source, destination });
        expect(readHeader(header)).toEqual({
          kind: 'header',
          ends: { source, destination },
          bytes: header.length,
        });
      }),
    );
  });
});
