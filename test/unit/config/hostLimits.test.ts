/** The sections of hosts and networks: what they come to, and every slip with its place. */
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError, UserErrors } from '../../../src/core/errors.ts';
import { allErrors, allWarnings, hostLimitsFor, parseConfiguration } from '../../../src/config/file.ts';
import { settingsFromValues } from '../../../src/config/fromArguments.ts';
import { hostLimitsAt, parseLimit } from '../../../src/config/hostLimits.ts';
import { contains, parseNetwork, withoutInner } from '../../../src/config/networks.ts';
import type { Value, Values } from '../../../src/config/values.ts';
import { limitRules } from '../../../src/plan/classes/limits.ts';
import { MIN_LIMIT_BIT_PER_SEC } from '../../../src/plan/input/hostLimits.ts';
import { DEFAULT_SETTINGS, type ShaperSettings } from '../../../src/plan/input/settings.ts';

const LINE = '[ppp0]\nup = 200\ndown = 1000\n';

function faults(text: string): string[] {
  const told = ({ message, hint }: UserError): string =>
    hint === undefined ? message : `${message} | ${hint}`;
  try {
    return allErrors(parseConfiguration(text, 'f')).map(told);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [told(error)];
  }
}

function settingsOf(text: string, device = 'ppp0', values: Values = new Map()): ShaperSettings {
  const config = parseConfiguration(text, 'f');
  expect(allErrors(config)).toEqual([]);
  const rate = (word: string): Value => ({ text: word, name: 'rate', place: undefined });
  return settingsFromValues(device, rate('200'), rate('1000'), values, hostLimitsFor(config, device))
    .settings;
}

describe('sections of hosts and networks', () => {
  it('come to limits in bit/s, hosts before networks, percent of the line', () => {
    const text = `${LINE}
[network.guest]
hosts = ["192.168.2.0/24", "2001:DB8:2::/64", "192.168.2.9"]
down = "50%"
up = 100
[host."192.168.1.20"]
down = "0.4mbit"
priority = "bulk"
[network."192.168.3.0/28"]
priority = "interactive"
[host.tv]
hosts = "@tv"
up = "20%"
`;
    expect(settingsOf(text).hostLimits).toEqual([
      { name: '192.168.1.20', hosts: ['192.168.1.20'], downBitPerSec: 400_000, priority: 'bulk' },
      { name: 'tv', hosts: ['@tv'], upBitPerSec: 40_000 },
      {
        name: 'guest',
        hosts: ['192.168.2.0/24', '2001:db8:2::/64'],
        downBitPerSec: 500_000,
        upBitPerSec: 100_000,
      },
      { name: '192.168.3.0/28', hosts: ['192.168.3.0/28'], priority: 'interactive' },
    ]);
  });
  it('are for every line, or for the one that they name', () => {
    const text = '[host."192.168.1.20"]\ndown = 400\ndevice = "ppp0"\n[network."10.0.0.0/8"]\nup = "10%"';
    expect(settingsOf(text).hostLimits?.map(({ name }) => name)).toEqual(['192.168.1.20', '10.0.0.0/8']);
    expect(settingsOf(text, 'eth1').hostLimits?.map(({ name }) => name)).toEqual(['10.0.0.0/8']);
  });
  it('are no devices, and a device may be called so', () => {
    expect(parseConfiguration('[host."192.168.1.20"]\ndown = 400', 'f').sections).toEqual([]);
    const [section] = parseConfiguration('[host]\nup = 200\ndown = 1000', 'f').sections;
    expect(section).toMatchObject({ device: 'host', errors: [] });
  });

  it.each([
    [
      '[host."192.168.1.20"]\ndwn = 4',
      'f:2:1: "dwn" is not known in [host."192.168.1.20"] | did you mean down?',
    ],
    ['[network.guest]\ndown = 400', 'f:1:1: [network.guest] has no hosts | for example hosts = '],
    ['[network.guest]\nhosts = ["nas"]\nup = 9', "f:2:9: 'nas' is no address"],
    ['[network.guest]\nhosts = 7\nup = 9', 'f:2:9: hosts must be a text in quotes or a list of texts'],
    [
      '[network.guest]\nhosts = "192.168.2.9/24"\nup = 9',
      'f:2:9: 192.168.2.9/24 is no network: it has host bits set | did you mean 192.168.2.0/24?',
    ],
    [
      '[network.guest]\nhosts = "2001:db8:2::9/64"\nup = 9',
      'f:2:9: 2001:db8:2::9/64 is no network: it has host bits set | did you mean 2001:db8:2::/64?',
    ],
    [
      '[host.a]\nhosts = "::ffff:192.0.2.7"\nup = 9',
      'f:2:9: ::ffff:192.0.2.7 is written for IPv6, and is of IPv4 | did you mean 192.0.2.7?',
    ],
    [
      '[network.a]\nhosts = "::ffff:c000:200/120"\nup = 9',
      'f:2:9: ::ffff:c000:200/120 is written for IPv6, and is of IPv4 | did you mean 192.0.2.0/24?',
    ],
    ['[network.all]\nhosts = "0.0.0.0/0"\nup = 9', 'f:2:9: 0.0.0.0/0 is everybody'],
    ['[network.a]\nhosts = ["10.0.0.1", "10.0.0.1/32"]\nup = 9', 'f:2:9: 10.0.0.1/32 stands twice'],
    ['[network.a]\nhosts = "@ki-ds"\nup = 9', "f:2:9: '@ki-ds' is no address"],
    ['[host."10.0.0.1"]\ndown = 0', 'f:2:8: down is 0 bit/s; a limit must be between 8 kbit/s and 10 Gbit/s'],
    ['[host."10.0.0.1"]\ndown = 4', 'did you mean 4mbit?'],
    ['[host."10.0.0.1"]\ndown = "0%"', 'f:2:8: down is 0%; it must be above 0 and at most 100 % of the line'],
    ['[host."10.0.0.1"]\ndown = "200%"', 'f:2:8: down is 200%; it must be'],
    ['[host."10.0.0.1"]\nup = "fast"', "f:2:6: up is 'fast', which is no rate"],
    ['[host."10.0.0.1"]\nup = true', 'f:2:6: up must be a text in quotes or a number'],
    [
      '[host."10.0.0.1"]\npriority = "high"',
      'f:2:12: priority high is not known | known: interactive, normal, bulk',
    ],
    ['[host."10.0.0.1"]', 'f:1:1: [host."10.0.0.1"] says nothing | it takes down, up or priority'],
    ['[host."a b"]\nup = 9\nhosts = "10.0.0.1"', 'f:1:1: "a b" is no name for a section'],
    [
      '[host."10.0.0.1"]\nup = 9\n[network.a]\nhosts = "10.0.0.1/32"\nup = 9',
      'f:3:1: 10.0.0.1/32 has a section already: [host."10.0.0.1"]',
    ],
    [
      '[host.a]\nhosts = "10.0.0.1"\nup = 9\n[network.a]\nhosts = "10.0.0.2"\nup = 9',
      'f:4:1: a stands twice, as host and as network | give one another name',
    ],
    [
      `${LINE}[host."10.0.0.1"]\ndown = 1001`,
      'f:5:8: down of 10.0.0.1 (1001 kbit/s) is above that of ppp0 (1000 kbit/s)',
    ],
    [`${LINE}[host."10.0.0.1"]\nup = "1%"`, 'f:5:6: up of 10.0.0.1 (2 kbit/s) is below 8 kbit/s'],
    [
      `${LINE}bulk-hosts = ["10.0.0.1"]\n[host."10.0.0.1"]\npriority = "normal"`,
      'f:6:12: 10.0.0.1 of 10.0.0.1 stands in bulk-hosts as well',
    ],
    [
      `${LINE}firewall = "none"\n[host."10.0.0.1"]\nup = 9`,
      'f:4:12: firewall none and limits of hosts exclude each other (10.0.0.1)',
    ],
    [
      `${LINE}firewall = "iptables"\n[host.k]\nhosts = "@k"\nup = 9`,
      'f:4:12: firewall iptables has no sets, and k is one',
    ],
    [
      '[host."10.0.0.1"]\nup = 9\ndevice = "/dev/ppp0"',
      'f:3:10: "/dev/ppp0" is no device name: letters, digits',
    ],
    [
      '[host."aa:bb:cc:dd:ee:ff"]\nup = 9',
      'has no hosts | hosts are known by their IP addresses: give it a fixed one, or have the DHCP server fill a set',
    ],
    [
      `${LINE}[host."10.0.0.1"]\nup = "2mbit"`,
      ' | a part of each line\'s rate is written as up = "50%"; device = "…" names the one line',
    ],
  ])('have each slip told with its place: %j', (text, expected) => {
    expect(faults(text)).toEqual([expect.stringContaining(expected)]);
  });
  it.each([
    ['[host "192.168.1.20"]\nup = 9', '[host."192.168.1.20"]'],
    ['[network "guest" 192.168.2.0/24]\nup = 9', '[network.guest]'],
  ])('are written with a dot: %j', (text, header) => {
    const expected = ` | a section's second name stands behind a dot: ${header}`;
    expect(faults(text)).toEqual([expect.stringContaining(expected)]);
  });
  it.each([
    [
      '[host.192.168.1.20]\ndown = 400',
      'f:1:1: [host.192.168.1.20] has dots in its name | such a name stands in quotes: [host."192.168.1.20"]',
    ],
    [
      '[hosts."192.168.1.20"]\ndown = 400',
      'f:1:1: [hosts."192.168.1.20"] is no section that is known | did you mean [host."192.168.1.20"]?',
    ],
    [
      '[lan.guest]\nhosts = "10.0.0.0/8"\ndown = 400',
      'f:1:1: [lan.guest] is no section that is known | limits stand in [host.NAME] and [network.NAME]',
    ],
    [
      '\n[network]\nhosts = "10.0.0.0/8"\ndown = 400',
      'f:2:1: [network] has no name, and is no device | for example [network.guest]',
    ],
    ['[host]\ndown = 400', 'f:1:1: [host] has no name, and is no device | for example [host."192.168.1.20"]'],
    [
      '\n[[host]]\nhosts = "10.0.0.1"\ndown = 400',
      'f:2:1: [[host]] is a list | one pair of brackets, and a name: [host."192.168.1.20"]',
    ],
  ])('with a header that is written in another way set up no line: %j', (text, expected) => {
    expect(faults(text)).toEqual([expected]);
    expect(() => hostLimitsFor(parseConfiguration(text, 'f'), 'ppp0')).toThrow();
  });
  it.each([
    ['[host.2001:db8::7]\nup = 9', '[host."2001:db8::7"]'],
    ['[network.192.168.2.0/24]\nup = 9', '[network."192.168.2.0/24"]'],
  ])('have quotes around an address: %j', (text, header) => {
    const expected = ` | a name with such signs stands in quotes: ${header}`;
    expect(faults(text)).toEqual([expect.stringContaining(expected)]);
  });
  it('are told of no section of a device', () => {
    expect(faults('[eth0.7]\nup = 200\ndown = 1000')).toEqual([
      expect.stringContaining('if the device is called eth0.7, quote it: ["eth0.7"]'),
    ]);
    expect(faults('[network]\nup = 200\ndown = 1000\n[host]\nframing = "vdsl"')).toEqual([]);
  });
  it('may be for a line that has no section; beside others that is hardly meant', () => {
    const text = '[host."10.0.0.1"]\nup = 9\ndevice = "pp0"\n';
    expect(allWarnings(parseConfiguration(text, 'f'))).toEqual([]);
    expect(allWarnings(parseConfiguration(`${LINE}${text}`, 'f'))).toEqual([
      'f: [host."10.0.0.1"] is for pp0 alone, which has no section here',
    ]);
  });
  it('may be above the rate of a line that is followed, up to what it may rise to', () => {
    const text = `${LINE}down-max = 3000\n[host."10.0.0.1"]\ndown = `;
    expect(faults(`${text}3000`)).toEqual([]);
    expect(faults(`${text}3001`)).toEqual([
      expect.stringContaining('(3001 kbit/s) is above that of ppp0 (3000 kbit/s)'),
    ]);
  });
  it('do not meet where they are for different lines', () => {
    const text =
      '[host.a]\nhosts = "10.0.0.1"\nup = 9\ndevice = "ppp0"\n[host.b]\nhosts = "10.0.0.1"\nup = 9\ndevice = "ppp1"';
    expect(faults(text)).toEqual([]);
  });
  it('keep the lines that they are for from being set up while they are wrong, and no other', () => {
    const text = `${LINE}[eth1]\nup = 1\n[host."10.0.0.1"]\ndown = 0\ndevice = "ppp0"`;
    const [ppp0] = parseConfiguration(text, 'f').sections;
    expect(ppp0?.errors).toHaveLength(1);
    expect(() => hostLimitsFor(parseConfiguration(text, 'f'), 'ppp0')).toThrow('down is 0');
    expect(hostLimitsFor(parseConfiguration(text, 'f'), 'wan0')).toEqual([]);
  });
  it('beyond the most that there may be are told to every line, whosever the first of them is', () => {
    const section = (n: number, more = ''): string => `[host."10.0.${n >> 8}.${n & 255}"]\ndown = 9\n${more}`;
    const most = Array.from({ length: 200 }, (_, n) => section(n)).join('');
    const text = `${LINE}${most}${section(200, 'device = "eth9"\n')}${section(201)}`;
    expect(() => hostLimitsFor(parseConfiguration(text, 'f'), 'ppp0')).toThrow('more than 200 sections');
    expect(hostLimitsFor(parseConfiguration(`${LINE}${most}`, 'f'), 'ppp0')).toHaveLength(200);
  });
  it('say another class than the lists of hosts, however an address is written', () => {
    const at = (host: string, listed: string): string[] => {
      const config = parseConfiguration(`[host."${host}"]\npriority = "interactive"\n`, 'f');
      const rate = (text: string): Value => ({ text, name: 'rate', place: undefined });
      const values: Values = new Map([
        ['bulk-hosts', { text: listed, name: 'bulk-hosts', place: undefined }],
      ]);
      try {
        settingsFromValues('ppp0', rate('200'), rate('1000'), values, hostLimitsFor(config, 'ppp0'));
        return [];
      } catch (error) {
        if (!(error instanceof UserErrors)) throw error;
        return error.errors.map((each) => each.message);
      }
    };
    const told = [expect.stringContaining('stands in bulk-hosts as well')];
    expect(at('192.168.1.20', '192.168.1.20/32')).toEqual(told);
    expect(at('2001:db8::1', '2001:db8:0::1')).toEqual(told);
    expect(at('192.168.1.20', '192.168.1.21')).toEqual([]);
  });
});

it('those of the example file are right', async () => {
  const example = await readFile(new URL('../../../templates/inetgw.conf.example', import.meta.url), 'utf8');
  const config = parseConfiguration(example.replaceAll(/^# {2}(?! )/gm, ''), 'f');
  expect(allErrors(config)).toEqual([]);
  expect(config.hostLimits.map(({ name }) => name)).toEqual(['192.168.1.20', 'guest', 'kids']);
});

describe('limits on a line', () => {
  const rates = fc.record({
    upBitPerSec: fc.integer({ min: 64_000, max: 1e10 }),
    downBitPerSec: fc.integer({ min: 64_000, max: 1e10 }),
  });
  const word = fc.oneof(
    fc.double({ min: 0.01, max: 100, noNaN: true }).map((value) => `${value.toFixed(2)}%`),
    fc.integer({ min: 8, max: 1e7 }).map(String),
  );
  it('are never above it, nor below what works, or are refused', () => {
    fc.assert(
      fc.property(rates, word, word, (line, down, up) => {
        const rate = (text: string) => {
          const parsed = parseLimit('down', text);
          return 'problem' in parsed ? undefined : { rate: parsed.value, place: 'f:1:1' };
        };
        const [downRate, upRate] = [rate(down), rate(up)];
        if (downRate === undefined || upRate === undefined) return;
        const said = [{ name: 'a', hosts: ['10.0.0.1'], down: downRate, up: upRate }];
        const { limits, errors } = hostLimitsAt(said, { ...DEFAULT_SETTINGS, device: 'ppp0', ...line });
        if (errors.length > 0) return;
        for (const { direction, bytesPerSec } of limitRules(limits)) {
          expect(bytesPerSec * 8).toBeLessThanOrEqual(line[`${direction}BitPerSec`]);
          expect(bytesPerSec).toBeGreaterThanOrEqual(MIN_LIMIT_BIT_PER_SEC / 8);
        }
      }),
    );
  });
});

describe('addresses and networks', () => {
  it.each([
    ['10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['2001:db8::/32', '2001:db8:0:1::5', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['::ffff:1.2.3.4', '::ffff:102:304', true],
    ['::/1', '10.0.0.1', false],
  ])('%s has %s in it: %s', (outer, inner, expected) => {
    const [one, other] = [parseNetwork(outer), parseNetwork(inner)];
    expect(one !== undefined && other !== undefined && contains(one, other)).toBe(expected);
  });
  it.each([
    '',
    '10.0.0',
    '10.0.0.1/33',
    '10.0.0.0/08',
    '2001:db8::/064',
    '10.0.0.1/',
    '10.0.0.1/8/8',
    'fe80::1%eth0',
    '2001:db8::/129',
  ])('%j is none', (text) => {
    expect(parseNetwork(text)).toBeUndefined();
  });
  it('of a list none stays that is within another', () => {
    const list = ['10.1.0.0/16', '10.0.0.0/8', '10.1.0.1', '192.0.2.1', '2001:db8::/64', '2001:db8::1'];
    const networks = list.flatMap((text) => parseNetwork(text) ?? []);
    expect(withoutInner(networks).map(({ text }) => text)).toEqual([
      '10.0.0.0/8',
      '192.0.2.1',
      '2001:db8::/64',
    ]);
  });
});
