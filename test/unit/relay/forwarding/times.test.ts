/** Limits by time of a running relay, with a wall clock that the test sets. */
import type { Server, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseConfig } from '../../../../src/relay/daemon/config.ts';
import { reload } from '../../../../src/relay/daemon/reload.ts';
import type { Log } from '../../../../src/relay/log.ts';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { metricsOf } from '../../../../src/relay/statistics/metrics.ts';
import { collectSummary } from '../../../../src/relay/statistics/stats.ts';
import { until } from '../../../hang.ts';
import { connectTo, listen, type Network, portOf, startRelay } from './network.ts';

const lines: string[] = [];
const log: Log = {
  debug: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setDebug: () => undefined,
  info: (fields, message) => lines.push(`${message} ${JSON.stringify(fields)}`),
};

let zone: string | undefined;
let network: Network;
let server: Server;
let client: Socket;

beforeEach(async () => {
  zone = process.env['TZ'];
  process.env['TZ'] = 'Europe/Berlin';
  server = await listen((socket) => socket.resume());
  network = await startRelay(portOf(server), undefined, { log });
  client = await connectTo(network.port);
  await until(() => [...network.relay.connections.values()][0]?.lanes !== undefined);
  // Only what the wall clock says and the timers; sockets go on in their own time.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  // A Friday, 17:59:30 in Berlin.
  vi.setSystemTime('2026-11-27T16:59:30Z');
  lines.length = 0;
});

afterEach(async () => {
  vi.useRealTimers();
  client.destroy();
  await network.end();
  server.close();
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const say = async (line: string): Promise<string> => (await execute(network.relay, line)).text;
const pass = (seconds: number): void => void vi.advanceTimersByTime(seconds * 1000);
const logged = (): string[] => lines.filter((line) => line.startsWith('limit by time'));

describe('a limit by time', () => {
  it('is in force from its minute on, and the log tells', async () => {
    const { relay } = network;
    await say('set bandwidth 1000');
    await say('set times mon-fri 18:00-23:00 up 500');
    expect([relay.limit('up'), relay.limit('down')]).toEqual([1000, 1000]);
    pass(29);
    expect(relay.limit('up')).toBe(1000);
    pass(1);
    expect([relay.limit('up'), relay.limit('down')]).toEqual([500, 1000]);
    pass(5 * 3600 - 1);
    expect(relay.limit('up')).toBe(500);
    pass(1);
    expect(relay.limit('up')).toBe(1000);
    expect(logged()).toEqual([
      'limit by time {"inForce":"up 500","until":"Fri 2026-11-27 23:00"}',
      'limit by time {"inForce":"as set","until":"Mon 2026-11-30 18:00"}',
    ]);
  });

  it('follows a clock that is set within a minute, forwards and back', async () => {
    const { relay } = network;
    await say('set times mon-fri 18:00-23:00 500');
    vi.setSystemTime('2026-11-27T19:00:00Z');
    pass(60);
    expect(relay.limit('up')).toBe(500);
    vi.setSystemTime('2026-11-27T12:00:00Z');
    pass(60);
    expect(relay.limit('up')).toBeUndefined();
    // To a day before.
    vi.setSystemTime('2026-11-26T21:59:30Z');
    pass(60);
    expect(relay.limit('up')).toBeUndefined();
    vi.setSystemTime('2026-11-26T21:30:00Z');
    pass(60);
    expect(relay.limit('up')).toBe(500);
  });

  it('follows another time zone within a minute', async () => {
    await say('set times fri 18:30-19:30 500');
    expect(network.relay.limit('up')).toBeUndefined();
    process.env['TZ'] = 'Europe/Kyiv';
    pass(60);
    expect(network.relay.limit('up')).toBe(500);
  });

  it('is one of forwarders, groups, connections and clients too, and connections stay', async () => {
    const { relay } = network;
    await say('set group web bandwidth 9000');
    await say('set forwarder 1 bandwidth 8000 conn_up 70 group web');
    await say('set client_bandwidth 6000');
    await say('set times fo 1 18:00-18:10 down 800 conn_bandwidth 7');
    await say('set times group web 18:00-18:20 900; 18:20-18:30 0');
    await say('set times 18:00-18:10 client_bandwidth 600');
    const forwarder = relay.forwarders.get(1);
    const shown = (): unknown[] => [
      forwarder?.limit('up'),
      forwarder?.limit('down'),
      forwarder?.connectionLimit('up'),
      relay.groups.limit('web', 'up'),
      relay.clientLimit,
    ];
    expect(shown()).toEqual([8000, 8000, 70, 9000, 6000]);
    pass(30);
    expect(shown()).toEqual([8000, 800, 7, 900, 600]);
    pass(600);
    expect(shown()).toEqual([8000, 8000, 70, 900, 6000]);
    pass(600);
    expect(shown()).toEqual([8000, 8000, 70, undefined, 6000]);
    expect(relay.connections.size).toBe(1);
    expect(client.destroyed).toBe(false);
  });

  it('is shown at the prompt, in JSON and in metrics, and who sets another limit meanwhile hears of it', async () => {
    const { relay } = network;
    await say('set bandwidth 1000');
    expect(await say('show times')).toBe('No times are set.');
    await say('set times forwarder 1 fri 18:00-20:00 down 5; sat,sun 7');
    await say('set times mon-fri 17:00-23:00 500k');
    expect(await say('show times')).toBe(
      [
        'It is Fri 2026-11-27 17:59, Europe/Berlin.',
        '  times mon-fri 17:00-23:00 bandwidth 500000',
        '    now bandwidth 500000 until Fri 2026-11-27 23:00',
        '  times forwarder 1 fri 18:00-20:00 down 5; sat,sun bandwidth 7',
        '    now as set until Fri 2026-11-27 18:00',
      ].join('\n'),
    );
    pass(30);
    expect(await say('show stats')).toContain(
      'Bandwidth set to: 500000 bytes / sec.\nLimit by time of the process: bandwidth 500000 until Fri 2026-11-27 23:00\n',
    );
    expect(await say('show all')).toContain('\n  times mon-fri 17:00-23:00 bandwidth 500000\n');
    expect(collectSummary(relay, '1')).toMatchObject({
      limit: { up: 500_000, down: 500_000 },
      times: [
        {
          of: 'process',
          times: ['mon-fri 17:00-23:00 bandwidth 500000'],
          inForce: 'bandwidth 500000',
          until: '2026-11-27T22:00:00.000Z',
          untilLocal: 'Fri 2026-11-27 23:00',
        },
        { of: 'forwarder 1', inForce: 'down 5' },
      ],
      forwarders: [{ limitInForce: { up: null, down: 5 } }],
    });
    expect(metricsOf(relay)).toContain('\niprelay_limit_bytes_per_second{direction="up"} 500000\n');
    expect(metricsOf(relay)).toMatch(/\niprelay_forwarder_limit_bytes_per_second\{.*direction="down"\} 5\n/);
    expect(await say('set bandwidth 2000')).toBe(
      'bandwidth\t2000\nNow another limit holds, by time: bandwidth 500000 until Fri 2026-11-27 23:00',
    );
    expect(await say('set forwarder 1 up 3')).toBe('forwarder 1 set.');
    expect(await say('set forwarder 1 bandwidth 3')).toContain('Now another limit holds');
    await say('set times off');
    expect(relay.limit('up')).toBe(2000);
    expect(await say('set bandwidth 3000')).toBe('bandwidth\t3000');
  });

  it('is not set by a line that is wrong', async () => {
    expect(await say('set times mon-fri 18-23 5')).toBe(
      'Bad time: "mon-fri 18-23 5": not from one minute of the day to another: 18-23 (as in: 18:00-23:00), try: set times ?',
    );
    expect(await say('set times ;')).toContain('Bad time: "": no time, as in: mon-fri 18:00-23:00 500k');
    expect(await say('set times forwarder 7 fri 5')).toBe('Bad forwarder: 7, try: set forwarder ?');
    expect(await say('set times group web fri 5')).toBe('No such group: web, try: set group ?');
    expect(await say('set times forwarder x fri 5')).toBe('Bad forwarder: x, try: set times ?');
    process.env['TZ'] = 'Europe/Berln';
    expect(await say('set times fri 5')).toBe(
      'TZ is no time zone: Europe/Berln, and limits by time go by it (as in: TZ=Europe/Berlin)',
    );
    expect(network.relay.timed.times).toEqual([]);
  });

  it('is what the file says after it was read again, but for what the command line has set', async () => {
    const { relay, port } = network;
    const text = `times = ["17:00-18:00 up 1 down 2", "18:00-19:00 5"]\n[group.web]\ntimes = "fri 6"\n[forwarder.1]\nproxy = "127.0.0.1:${port}:127.0.0.1:9"\ntimes = ["fri 7"]\n`;
    const started = { fromCommandLine: [], allowFromCommandLine: [], timesFromCommandLine: undefined };
    relay.fromFile.add(1);
    await reload(relay, parseConfig(text, '/relay.toml'), started);
    const shown = (): unknown[] => [
      relay.limit('up'),
      relay.limit('down'),
      relay.groups.limit('web', 'up'),
      relay.forwarders.get(1)?.limit('up'),
    ];
    expect(shown()).toEqual([1, 2, 6, 7]);
    pass(30);
    expect(shown()).toEqual([5, 5, 6, 7]);
    await reload(relay, parseConfig(text, '/relay.toml'), { ...started, fromCommandLine: ['bandwidth_up'] });
    expect(shown()).toEqual([undefined, 5, 6, 7]);
    await reload(relay, parseConfig(text.replaceAll(/^times.*$/gm, ''), '/relay.toml'), started);
    expect(shown()).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('the configuration file', () => {
  it('tells each wrong time with its place', () => {
    const text =
      'times = ["mon 1", "mon-fry 2"]\n[group.web]\ntimes = ["fri conn_up 3"]\n[forwarder.1]\nproxy = "1:h:2"\ntimes = 5\ntime = "x"\n';
    let said = '';
    try {
      parseConfig(text, 'relay.toml');
    } catch (error) {
      said = (error as { errors: Error[] }).errors.map(({ message }) => message).join('\n');
    }
    expect(said).toBe(
      [
        'relay.toml:1:1: times: "mon-fry 2": not a day: fry (mon, tue, wed, thu, fri, sat, sun, as mon-fri or sat,sun)',
        'relay.toml:3:1: [group.web]: times: "fri conn_up 3": no limit that has times here: conn_up (bandwidth, up, down)',
        'relay.toml:7:1: [forwarder.1]: unknown key time, did you mean times?',
        'relay.toml:6:1: [forwarder.1]: times: must be a list, as ["mon-fri 18:00-23:00 500k"]',
      ].join('\n'),
    );
  });
});
