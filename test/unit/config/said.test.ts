/** What was said of a device, said again, means the same whatever it was. */
import { Command } from 'commander';
import { expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { wordsOfSaid } from '../../../src/config/said.ts';
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
});
