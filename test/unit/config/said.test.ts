/** What was said of a device, said again, means the same whatever it was. */
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { hostLimitsFor, parseConfiguration } from '../../../src/config/file.ts';
import { settingsFromArguments, settingsFromValues } from '../../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { fileOfSaid, isSaid, valuesOfSaid, wordsOfSaid, type Said } from '../../../src/config/said.ts';
import type { Value } from '../../../src/config/values.ts';
import { makeProgram, type Options } from '../../../src/cli/inetgw/words/program.ts';

/** As commander hands them over. */
function optionsOf(words: readonly string[]): Options {
  let found: Options = {};
  const program: Command = makeProgram((_, options) => {
    found = options;
  });
  program.parse(['ppp0', '1mbit', '2mbit', ...words], { from: 'user' });
  return found;
}

const rate = (text: string): Value => ({ text, name: 'rate', place: undefined });

it.each<[string, ShaperOptions]>([
  ['nothing', {}],
  ['a keyword', { framing: 'vdsl,wireguard', mark: '0x14', pacing: 'off' }],
  ['parts, one below zero', { linklayer: 'ethernet', overhead: '-14', mpu: '64' }],
  ['a switch, either way', { largeDownloads: false }],
  ['the other way', { largeDownloads: true, largeDownload: '20mb', largeDownloadPorts: '80, 443,udp/443' }],
  ['an empty list', { bulkPorts: '', interactiveHosts: '2001:db8::/64,192.0.2.1' }],
  ['limits', { downMin: '500kbit', downMax: '3mbit', fair: 'flow', firewall: 'nft' }],
])('%s', (_, options) => {
  const once = settingsFromArguments('ppp0', '1mbit', '2mbit', options);
  const words = wordsOfSaid(once.said);
  const again = settingsFromArguments('ppp0', '1mbit', '2mbit', optionsOf(words));
  expect(again.settings).toEqual(once.settings);
  expect(again.said).toEqual(once.said);
  expect(settingsFromValues('ppp0', rate('1mbit'), rate('2mbit'), valuesOfSaid(once.said)).settings).toEqual(
    once.settings,
  );
});

describe('limits of hosts', () => {
  const FILE = `[network.kids]
hosts = ["192.168.2.0/24", "2001:db8:2::/64", "@kids"]
down = "20%"
up = "12.5%"
[host."192.168.1.20"]
down = "400kbit"
priority = "bulk"
[network.elsewhere]
hosts = "192.0.2.0/24"
device = "eth1"
down = "1mbit"
`;
  const settingsAt = (text: string, file: string, up: string, down: string) =>
    settingsFromValues(
      'ppp0',
      rate(up),
      rate(down),
      new Map(),
      hostLimitsFor(parseConfiguration(text, file), 'ppp0'),
    );

  it('are kept, in their order, and parts of the line follow other rates', () => {
    const { said } = settingsAt(FILE, '/etc/inetgw.conf', '1mbit', '2mbit');
    const kept = JSON.parse(JSON.stringify(said)) as Said;
    expect(isSaid(kept)).toBe(true);
    const again = settingsAt(fileOfSaid(kept), '/dev/stdin', '3mbit', '8mbit');
    expect(again.settings).toEqual(settingsAt(FILE, '/etc/inetgw.conf', '3mbit', '8mbit').settings);
    expect(again.settings.hostLimits).toEqual([
      { name: '192.168.1.20', hosts: ['192.168.1.20'], downBitPerSec: 400_000, priority: 'bulk' },
      {
        ...{ name: 'kids', hosts: ['192.168.2.0/24', '2001:db8:2::/64', '@kids'] },
        ...{ downBitPerSec: 1_600_000, upBitPerSec: 375_000 },
      },
    ]);
    expect(fileOfSaid(settingsFromArguments('ppp0', '1mbit', '2mbit', {}).said)).toBe('');
  });

  it.each<unknown>([
    undefined,
    [],
    { framing: 'adsl' },
    { keys: { mark: 7 } },
    { keys: {}, hostLimits: {} },
    { keys: {}, hostLimits: [{ name: 'a', hosts: 'b' }] },
    { keys: {}, hostLimits: [{ name: 'a', hosts: [], down: { rate: {}, place: '' } }] },
  ])('%j is nothing that was said', (value) => {
    expect(isSaid(value)).toBe(false);
  });
});
