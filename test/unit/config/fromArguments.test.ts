import { describe, expect, it } from 'vitest';
import { settingsFromArguments, type ShaperOptions } from '../../../src/config/fromArguments.ts';
import { EXIT, UserErrors } from '../../../src/errors.ts';

function problems(device: string, up: string, down: string, options: ShaperOptions = {}): string[] {
  try {
    settingsFromArguments(device, up, down, options);
  } catch (error) {
    if (!(error instanceof UserErrors)) throw error;
    for (const each of error.errors) expect(each.exitCode).toBe(EXIT.usage);
    return error.errors.map((each) => each.message);
  }
  return [];
}

describe('settings from the command line', () => {
  it('takes the uplink first, in kbit/s', () => {
    const { settings, warnings } = settingsFromArguments('ppp0', '210', '1710', {});
    expect(settings).toMatchObject({ device: 'ppp0', upBitPerSec: 210_000, downBitPerSec: 1_710_000 });
    expect(warnings).toEqual([]);
  });
  it('warns where the rates look swapped, and goes on', () => {
    const { settings, warnings } = settingsFromArguments('ppp0', '1710', '210', {});
    expect(settings.upBitPerSec).toBe(1_710_000);
    expect(warnings).toEqual([
      'UP (1710 kbit/s) is above DOWN (210 kbit/s): are they swapped? The uplink comes first',
    ]);
  });
  it('tells all errors at once', () => {
    const options = { framing: 'pppoe-llcsnp', mark: '0', bulkPorts: '80,99999', firewall: 'pf' };
    expect(problems('a-name-of-16-cha', '0', 'fast', options)).toEqual([
      "'a-name-of-16-cha' is no device name: it is longer than 15 characters",
      'UP is 0 bit/s; it must be between 64 kbit/s and 10 Gbit/s',
      "DOWN is 'fast', which is no rate",
      '--framing pppoe-llcsnp is not known',
      "--mark is '0'; it must be a whole number from 1 to 4294967295",
      "--bulk-ports: '99999' is no port",
      '--firewall pf is not known',
    ]);
  });
  it.each(['63', '10.1gbit', '-5', '', '1e4'])('refuses %j as a rate', (text) => {
    expect(problems('ppp0', text, '1710')).toHaveLength(1);
  });
  it.each(['', '.', '..', '../x', 'eth0:1', 'a b', 'ppp+', '-x', 'ppp0;reboot', 'naïve', 'x\ny'])(
    'refuses %j as a device name',
    (name) => {
      expect(problems(name, '210', '1710')).toHaveLength(1);
    },
  );
  it('reads framing by its parts', () => {
    const { settings } = settingsFromArguments('ppp0', '210', '1710', { linklayer: 'atm', overhead: '32' });
    expect(settings.framing).toEqual({ name: 'custom', linkLayer: 'atm', overheadBytes: 32, mpuBytes: 0 });
    expect(problems('ppp0', '210', '1710', { overhead: '32' })).toHaveLength(1);
    expect(problems('ppp0', '210', '1710', { linklayer: 'atm' })).toHaveLength(1);
    expect(problems('ppp0', '210', '1710', { linklayer: 'atm', overhead: '-15' })).toHaveLength(1);
    expect(problems('ppp0', '210', '1710', { framing: 'raw', overhead: '4' })).toHaveLength(1);
  });
  it('reads ports of both protocols and leaves the large-download rule out on demand', () => {
    const { settings } = settingsFromArguments('ppp0', '210', '1710', {
      bulkPorts: '25,udp/6881',
      largeDownload: '512kb',
    });
    expect(settings.bulk).toMatchObject({ tcpPorts: [25], udpPorts: [6881] });
    expect(settings.largeDownloads?.thresholdBytes).toBe(512_000);
    const without = settingsFromArguments('ppp0', '210', '1710', { largeDownloads: false });
    expect(without.settings.largeDownloads).toBeUndefined();
  });
});
