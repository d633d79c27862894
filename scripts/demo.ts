/**
 * The main job on a real kernel: a loaded line without and with `inetgw`, side by side. Boots the virtual
 * line; the host's own network is not touched.
 */
import { Command, InvalidArgumentError } from 'commander';
import { parseDurationMs, parseRateBitPerSec } from '../src/core/units.ts';
import { table } from '../src/report/statistics/table.ts';
import { terminalPlot } from '../src/report/plot/terminalPlot.ts';
import { Guest } from '../test/lab/guest.ts';
import { inetgwOk } from '../test/lab/inetgw.ts';
import { ADSL_LINE, ATM_LLC_SNAP, ETHERNET, setUpLine, type LineOptions } from '../test/lab/line.ts';
import { summarise, type MeasureResult } from '../test/lab/measure.ts';
import { downloads, measure, uploads } from '../test/lab/traffic.ts';

interface DemoOptions {
  up: number;
  down: number;
  linklayer: 'atm' | 'ethernet';
  buffer: { upMs: number; downMs: number };
  path: number;
  downloads: number;
  uploads: number;
}

/** What the shaper is told of the raw rates: a little less, so that the queue moves into the gateway. */
const UP_SHARE = 0.975;
const DOWN_SHARE = 0.98;

function optionsOf(argv: readonly string[]): DemoOptions {
  const program = new Command('npm run demo --')
    .description('A loaded line without and with inetgw, on a real kernel in an emulated machine.')
    .option('--up <rate>', 'raw uplink of the line', rate, ADSL_LINE.upBitPerSec)
    .option('--down <rate>', 'raw downlink of the line', rate, ADSL_LINE.downBitPerSec)
    .option('--linklayer <atm|ethernet>', 'framing of the line', linkLayer, 'atm')
    .option('--buffer <up[,down]>', 'depth of the buffers of modem and provider', buffers, {
      upMs: ADSL_LINE.upBufferMs,
      downMs: ADSL_LINE.downBufferMs,
    })
    .option('--path <time>', 'round trip of the idle line', duration, ADSL_LINE.pathMs)
    .option('--downloads <n>', 'downloads at once', count, 4)
    .option('--uploads <n>', 'uploads at once', count, 2);
  return program.parse(argv, { from: 'user' }).opts<DemoOptions>();
}

function rate(text: string): number {
  const bitPerSec = parseRateBitPerSec(text);
  if (bitPerSec === undefined || bitPerSec < 64_000 || bitPerSec > 200e6) {
    throw new InvalidArgumentError('a rate from 64 kbit/s to 200 Mbit/s: 220, 1.75mbit, 16mbit.');
  }
  return bitPerSec;
}

function linkLayer(text: string): 'atm' | 'ethernet' {
  if (text !== 'atm' && text !== 'ethernet') throw new InvalidArgumentError('atm or ethernet.');
  return text;
}

function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms > 10_000) throw new InvalidArgumentError('a time up to 10 s: 10, 250ms, 2s.');
  return ms;
}

function buffers(text: string): { upMs: number; downMs: number } {
  const [up = '', down = up] = text.split(',');
  return { upMs: duration(up), downMs: duration(down) };
}

function count(text: string): number {
  if (!/^\d{1,2}$/.test(text)) throw new InvalidArgumentError('a whole number up to 99.');
  return Number(text);
}

async function main(argv: readonly string[]): Promise<void> {
  const options = optionsOf(argv);
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  say('demo: booting a machine with Debian’s kernel …');
  const guest = await Guest.boot();
  try {
    const access = options.linklayer === 'atm' ? 'pppoe' : 'ethernet';
    const line: Partial<LineOptions> = {
      upBitPerSec: options.up,
      downBitPerSec: options.down,
      framing: options.linklayer === 'atm' ? ATM_LLC_SNAP : ETHERNET,
      upBufferMs: options.buffer.upMs,
      downBufferMs: options.buffer.downMs,
      pathMs: options.path,
      access,
    };
    const load = { flows: [downloads(options.downloads), uploads(options.uploads)], pings: 100 };
    const { device } = await setUpLine(guest, line);
    say(`demo: loading the line (${options.downloads} downloads, ${options.uploads} uploads) …`);
    const before = await measure(guest, load);
    // A line of its own, so that nothing is left in the buffers.
    await setUpLine(guest, line);
    const kbit = (bitPerSec: number): string => String(Math.round(bitPerSec / 1000));
    const words = [device, kbit(options.up * UP_SHARE), kbit(options.down * DOWN_SHARE)];
    const said = await inetgwOk(guest, ...words);
    say('demo: the same load with inetgw …');
    const after = await measure(guest, load);
    const statistics = await inetgwOk(guest, device);
    process.stdout.write(report(before, after, `inetgw ${words.join(' ')}`, said, statistics));
  } finally {
    await guest.close();
  }
}

function report(
  before: MeasureResult,
  after: MeasureResult,
  command: string,
  said: string,
  statistics: string,
): string {
  const row = (name: string, { ping, downBitPerSec, upBitPerSec }: MeasureResult): string[] => {
    const { mean, median, p95, max } = summarise(ping.timesMs);
    const lost = ((ping.sent - ping.timesMs.length) / ping.sent) * 100;
    const figures = [mean, median, p95, max].map((ms) => ms.toFixed(0));
    const rates = [downBitPerSec, upBitPerSec].map((bitPerSec) => (bitPerSec / 1000).toFixed(0));
    return [name, ...figures, `${lost.toFixed(0)} %`, ...rates];
  };
  const head = ['', 'average', 'median', '95 %', 'max ms', 'lost', 'user data down', 'up kbit/s'];
  const points = ({ ping }: MeasureResult): { x: number; y: number }[] =>
    ping.timesMs.map((ms, n) => ({ x: n / 5, y: ms }));
  return [
    '',
    `$ ${command}`,
    said,
    'Answer time and user data of the loaded line:',
    '',
    table(head, [row('without inetgw', before), row('with inetgw', after)]),
    '',
    terminalPlot(
      [
        { name: 'without', points: points(before), mark: 'x', colorCode: 31, joined: false },
        { name: 'with inetgw', points: points(after), mark: 'o', colorCode: 32, joined: false },
      ],
      {
        title: 'answer time',
        xLabel: 'seconds',
        yLabel: 'ms',
        logY: true,
        color: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
      },
    ),
    `$ ${command.split(' ').slice(0, 2).join(' ')}`,
    statistics,
  ].join('\n');
}

await main(process.argv.slice(2));
