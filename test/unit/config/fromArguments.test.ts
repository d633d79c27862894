import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import type { ShaperOptions } from '../../../src/config/keys.ts';
import { withoutOverlaps } from '../../../src/config/parsers.ts';
import { EXIT, UserErrors } from '../../../src/core/errors.ts';

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
  it('reads ranges of ports, each port once, as a number or as a range', () => {
    const ports = (text: string) => {
      const { tcpPorts, udpPorts } = settingsFromArguments('ppp0', '210', '1710', { interactivePorts: text })
        .settings.interactive;
      return { tcpPorts, udpPorts };
    };
    expect(ports('8000-8010,22,udp/16384-32767')).toEqual({
      tcpPorts: [22, { from: 8000, to: 8010 }],
      udpPorts: [{ from: 16_384, to: 32_767 }],
    });
    expect(ports('8000:8010,8005,8011-8020,9-9,5060/udp,UDP/53')).toEqual({
      tcpPorts: [9, { from: 8000, to: 8020 }],
      udpPorts: [5060, 53],
    });
    expect(problems('ppp0', '210', '1710', { bulkPorts: '8010-8000' })).toEqual([
      "--bulk-ports: '8010-8000' ends before it begins",
    ]);
    for (const wrong of ['0-5', '1-70000', '1-2-3', 'tcp/1/udp', 'http', '-5', '5-'])
      expect(problems('ppp0', '210', '1710', { bulkPorts: wrong })).toEqual([
        `--bulk-ports: '${wrong}' is no port`,
      ]);
    expect(problems('ppp0', '210', '1710', { interactivePorts: '580-590' })).toEqual([
      '587 would be both interactive and bulk',
    ]);
  });
  it('holds exactly the ports that were named, none of them twice', () => {
    const one = fc.integer({ min: 1, max: 300 });
    const word = fc.oneof(
      one.map((port) => [port, port] as const),
      fc.tuple(one, one).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        const each = ([from, to]: readonly [number, number]): number[] =>
          Array.from({ length: to - from + 1 }, (_, n) => from + n);
        const merged = withoutOverlaps(words.map(([from, to]) => (from === to ? from : { from, to })));
        const held = merged.flatMap((port) =>
          each(typeof port === 'number' ? [port, port] : [port.from, port.to]),
        );
        expect(new Set(held).size).toBe(held.length);
        expect(held.sort((a, b) => a - b)).toEqual([...new Set(words.flatMap(each))].sort((a, b) => a - b));
      }),
    );
  });
  it('reads a mark as it is printed elsewhere, and no mask', () => {
    const mark = (text: string) => settingsFromArguments('ppp0', '210', '1710', { mark: text }).settings.mark;
    expect([mark('20'), mark('0x14'), mark('0xFFFFFFFF')]).toEqual([20, 20, 0xffff_ffff]);
    expect(problems('ppp0', '210', '1710', { mark: '0x14/0xff' })).toEqual([
      "--mark is '0x14/0xff'; a mark takes no mask",
    ]);
    expect(problems('ppp0', '210', '1710', { mark: '0x' })).toHaveLength(1);
  });
  it('asks for the unit of a threshold that is next to nothing, and of a rate that is far too low', () => {
    const hints = (up: string, options: ShaperOptions): (string | undefined)[] => {
      try {
        settingsFromArguments('ppp0', up, '1710', options);
      } catch (error) {
        if (error instanceof UserErrors) return error.errors.map(({ hint }) => hint);
      }
      return [];
    };
    expect(hints('210', { largeDownload: '10' })).toEqual(['did you mean 10mb? If not, say 10b']);
    expect(hints('210', { largeUpload: '10Mbit' })).toEqual(['sizes are in bytes: 10mb']);
    expect(hints('210', { largeDownload: '10b' })).toEqual([]);
    expect(hints('210', { largeDownload: '10000' })).toEqual([]);
    expect(hints('10', {})).toEqual(['plain numbers are kbit/s: did you mean 10mbit?']);
    expect(hints('10kbit', {})).toEqual([undefined]);
    expect(hints('2MB/s', {})).toEqual(["'MB/s' is bytes: type 16mbit, or 2mbit if bits are meant"]);
    expect(hints('1,7mbit', {})).toEqual(['numbers take a point and no comma: type 1.7mbit']);
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
