/** The commands that a result prints: copied, they have to mean what was measured. */
import { expect, it } from 'vitest';
import { checkArguments } from '../../../../src/search/arguments/arguments.ts';
import type { RawOptions } from '../../../../src/search/arguments/rawOptions.ts';
import { framingOptions } from '../../../../src/plan/input/framingOptions.ts';
import { commandSuffixes, makeResult, type ResultHead } from '../../../../src/search/result/result.ts';
import type { DirectionResult } from '../../../../src/search/run/session.ts';
import { defaultFraming, framingByKeyword, type Framing } from '../../../../src/plan/input/framing.ts';
import { resolveFraming } from '../../../../src/plan/input/framingChoice.ts';
import { gridTask, LIMITS } from '../../../model/run.ts';

const ADSL = { upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
const ETHERNET = defaultFraming('ethernet', ADSL);
const PPPOE = defaultFraming('ppp', ADSL);
const custom = (change: Partial<Framing>): Framing => ({
  name: 'custom',
  linkLayer: 'atm',
  overheadBytes: 8,
  mpuBytes: 0,
  ...change,
});

const head: ResultHead = {
  startedAt: '2026-01-02T03:04:05.000Z',
  finishedAt: '2026-01-02T03:08:09.000Z',
  tool: { name: 'searchbw', version: '0.1.0', node: '20.0.0' },
  line: { device: 'eth0', kind: 'ethernet', framing: 'any', mtuBytes: 1500, kernel: 'any', versions: {} },
  pingHost: { address: '192.0.2.1', how: 'given' },
  limits: LIMITS,
  pingIntervalMs: 200,
  load: { downloadUrls: [], uploadUrls: [], streams: 4 },
};

/** What is printed after an overview of DOWN on eth0, without a framing in the configuration file unless said. */
function printed(
  used: Framing,
  typed: RawOptions = {},
  direction: 'down' | 'up' = 'down',
  byItself: Framing = ETHERNET,
) {
  const found: DirectionResult = {
    task: { ...gridTask(1_750_000, 0.8, 0.9, 3, 10), direction },
    otherBitPerSec: direction === 'down' ? 210_000 : 1_710_000,
    lines: [],
    reasoning: [],
    recommendation: {
      direction,
      rateBitPerSec: direction === 'down' ? 1_710_000 : 210_000,
      warnings: [],
      next: { lowerBitPerSec: 1_000_000, upperBitPerSec: 2_000_000, stepBitPerSec: 10_000, pings: 100 },
    },
    pacing: null,
  };
  const result = makeResult(
    head,
    [found],
    commandSuffixes(typed, () => framingOptions(used, byItself)),
  );
  return { inetgw: result.inetgwCommand, next: result.directions[0]?.nextCommand };
}

it('says the framing that was measured with, where inetgw would take another', () => {
  expect(printed(PPPOE)).toEqual({
    inetgw: 'inetgw eth0 210 1710 --framing pppoe-llcsnap',
    next: 'searchbw eth0 DOWN 1000-2000 10 100 210 --framing pppoe-llcsnap',
  });
});

it('says the framing of the default where inetgw would take another at the rates that were found', () => {
  const found: DirectionResult = {
    task: { ...gridTask(1_750_000, 0.8, 0.9, 3, 10), direction: 'down' },
    otherBitPerSec: 10_000_000,
    lines: [],
    reasoning: [],
    recommendation: {
      direction: 'down',
      rateBitPerSec: 30_000_000,
      warnings: [],
      next: { lowerBitPerSec: 1_000_000, upperBitPerSec: 2_000_000, stepBitPerSec: 10_000, pings: 100 },
    },
    pacing: null,
  };
  const suffixes = commandSuffixes({}, (rates) =>
    framingOptions(PPPOE, resolveFraming(undefined, { kind: 'ppp' }, rates)),
  );
  const result = makeResult(head, [found], suffixes);
  expect(result.inetgwCommand).toBe('inetgw eth0 10000 30000 --framing pppoe-llcsnap');
  // The further search is of rates that ADSL can have but for the uplink.
  expect(result.directions[0]?.nextCommand).toContain('--framing pppoe-llcsnap');
});

it('leaves the framing out where inetgw takes it by itself, whatever it is called', () => {
  const plain = { inetgw: 'inetgw eth0 210 1710', next: 'searchbw eth0 DOWN 1000-2000 10 100 210' };
  expect(printed(ETHERNET)).toEqual(plain);
  expect(printed({ ...ETHERNET, name: 'custom' })).toEqual(plain);
  expect(printed(PPPOE, {}, 'down', PPPOE)).toEqual(plain);
});

it.each([
  [custom({}), ETHERNET, ' --linklayer atm --overhead 8 --mpu 0'],
  [custom({}), PPPOE, ' --linklayer atm --overhead 8'],
  [custom({ mpuBytes: 72 }), PPPOE, ' --linklayer atm --overhead 8 --mpu 72'],
  [ETHERNET, PPPOE, ' --framing docsis'],
  // Under a name that means something else here.
  [{ ...PPPOE, overheadBytes: 44 }, PPPOE, ' --linklayer atm --overhead 44'],
])('names a framing so that it is taken as it is: %o', (used, byItself, words) => {
  expect(framingOptions(used, byItself)).toBe(words);
  const [framing, linklayer, overhead, mpu] = ['framing', 'linklayer', 'overhead', 'mpu'].map(
    (name) => new RegExp(`--${name} (\\S+)`).exec(words)?.[1],
  );
  const read = framing === undefined ? undefined : framingByKeyword(framing);
  const { linkLayer, overheadBytes, mpuBytes } = used;
  expect(
    read ?? { linkLayer: linklayer, overheadBytes: Number(overhead), mpuBytes: Number(mpu ?? 0) },
  ).toEqual(expect.objectContaining({ linkLayer, overheadBytes, mpuBytes }));
});

it('repeats for the next search what was typed of how to search, and takes it back', () => {
  const typed: RawOptions = {
    pingHost: '192.0.2.1',
    maxRtt: '80',
    maxLoss: '1%',
    load: ['https://host.example/large?a=1&b=2', 'https://host.example/more'],
    streams: '2',
    framing: 'docsis',
    save: 'line.json',
    yes: true,
  };
  const { next } = printed(ETHERNET, typed);
  expect(next).toBe(
    'searchbw eth0 DOWN 1000-2000 10 100 210 --ping-host 192.0.2.1 --max-rtt 80 --max-loss 1% ' +
      "--load 'https://host.example/large?a=1&b=2' --load https://host.example/more --streams 2 --framing docsis",
  );
});

it('repeats only the load of the direction that is searched', () => {
  const typed: RawOptions = { load: ['https://host.example/down'], loadUp: ['https://host.example/up'] };
  expect(printed(ETHERNET, typed, 'up').next).toMatch(/ 1710 --load-up https:\/\/host\.example\/up$/);
  expect(printed(ETHERNET, typed).next).toMatch(/ 210 --load https:\/\/host\.example\/down$/);
});

it('does not repeat what the configuration file says', () => {
  const typed: RawOptions = { maxRtt: '80' };
  const words = 'eth0 DOWN 1000-2000 10 100 210'.split(' ');
  const { settings } = checkArguments(
    words,
    { ...typed, pingHost: '192.0.2.1', framing: 'pppoe-llcsnap' },
    { typed, configured: PPPOE },
  );
  expect(settings?.framing).toMatchObject({ framing: 'pppoe-llcsnap', configured: PPPOE });
  expect(printed(PPPOE, settings?.typed, 'down', PPPOE).next).toMatch(/ 210 --max-rtt 80$/);
});
