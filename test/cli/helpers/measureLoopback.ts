/**
 * A whole measuring run on the loopback device: real pings, real counters, real signals; only the shaper is left
 * out, and what would have been done to it is written to the file named by the first argument. The third is a URL to load.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { runMain } from '../../../src/cli/common/main.ts';
import { UserErrors } from '../../../src/core/errors.ts';
import { checkArguments } from '../../../src/search/arguments/arguments.ts';
import type { LineControl } from '../../../src/line/control/line.ts';
import { measureAndShow } from '../../../src/search/program.ts';

const [log = '', format = '', load] = process.argv.slice(2);
const note = (text: string): Promise<void> => {
  appendFileSync(log, `${text}\n`);
  return Promise.resolve();
};
const counter = (name: string): number =>
  Number(readFileSync(`/sys/class/net/lo/statistics/${name}`, 'utf8').trim());

const line: LineControl = {
  describe: () => ({
    device: 'lo',
    kind: 'loopback',
    framing: 'none',
    mtuBytes: 65536,
    kernel: 'any',
    versions: {},
  }),
  framingOptions: () => '',
  hadShaper: () => format === 'shaped',
  isThere: () => Promise.resolve(true),
  wireBytes: (bytes) => bytes,
  prepare: () => note('prepare'),
  setRates: ({ downBitPerSec }) => note(`set ${downBitPerSec ?? 'unshaped'}`),
  setPacing: () => Promise.resolve('there is no shaper here'),
  readLoweredWindows: () => Promise.resolve(0),
  restore: () => note('restore'),
  readCounters: () =>
    Promise.resolve({
      rxBytes: counter('rx_bytes'),
      txBytes: counter('tx_bytes'),
      rxPackets: counter('rx_packets'),
      txPackets: counter('tx_packets'),
      atMs: performance.now(),
    }),
};

void runMain('searchbw', () => {
  const words = 'lo DOWN 900mbit-1000mbit 50mbit 20 1gbit'.split(' ');
  const { settings, errors } = checkArguments(words, {
    pingHost: '127.0.0.1',
    // However late a busy machine lets ping see an answer.
    maxRtt: '60000',
    ...(format === 'json' ? { json: true } : {}),
    ...(load === undefined ? {} : { load: [load] }),
  });
  if (settings === undefined) throw new UserErrors(errors);
  return measureAndShow(settings, () => Promise.resolve(line));
});
