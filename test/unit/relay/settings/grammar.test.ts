import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseVariable } from '../../../../src/relay/settings/variables.ts';
import { complete } from '../../../../src/relay/prompt/complete.ts';
import { execute } from '../../../../src/relay/prompt/execute.ts';
import { parseCommand } from '../../../../src/relay/settings/grammar.ts';
import { parseSchedule, stepAt } from '../../../../src/relay/settings/schedule.ts';
import { formatSpec, parseSpec, specOf } from '../../../../src/relay/settings/spec.ts';
import { freePort } from '../../../freePort.ts';
import { type Network, startRelay } from '../forwarding/network.ts';

describe('proxy specifications', () => {
  it.each([
    ['110:1.2.3.4:110', undefined, 110, '1.2.3.4', 110],
    ['10080:www.microsoft.com:80', undefined, 10_080, 'www.microsoft.com', 80],
    ['127.0.0.1:8080:host:80', '127.0.0.1', 8080, 'host', 80],
    ['[::1]:8080:[2001:db8::1]:80', '::1', 8080, '2001:db8::1', 80],
    ['*:8080:host:80', '::', 8080, 'host', 80],
  ])('%s', (text, bindAddress, localPort, remoteHost, remotePort) => {
    expect(parseSpec(text)).toEqual({ ok: true, spec: { bindAddress, localPort, remoteHost, remotePort } });
  });

  it.each([
    ['65536:h:1', 'ports are from 1 to 65535, not 65536'],
    ['1:h:0', 'ports are from 1 to 65535, not 0'],
    ['1:h:x', /^no TCP service x in \/etc\/services; type its number$/],
    ['-1:h:1', 'not a port: -1 (type 80, http or 8000-8010)'],
    ['1.5:h:2', 'not a port: 1.5 (type 80, http or 8000-8010)'],
    [':h:1', 'not a port:  (type 80, http or 8000-8010)'],
    ['0-2:h:1', 'ports are from 1 to 65535, not 0-2'],
    ['3-2:h:1', 'the range 3-2 runs backwards: type 2-3'],
    ['1-1001:h:1', '1001 ports, at most 1000 are one forwarder'],
    ['1-3:h:1-2', '1-3 and 1-2 are ranges of different length'],
    ['5:h:1-2', '5 and 1-2 are ranges of different length'],
  ])('%s has bad ports', (text, why) => {
    const matching: unknown = typeof why === 'string' ? why : expect.stringMatching(why);
    expect(parseSpec(text)).toEqual({ ok: false, problem: 'ports', why: matching });
  });

  it.each([
    ['8080:h:http', { localPort: 8080, remotePort: 80 }],
    ['http-alt:h:https', { localPort: 8080, remotePort: 443 }],
    ['HTTP-ALT:h:Https', { localPort: 8080, remotePort: 443 }],
    ['0:h:1', { localPort: 0, remotePort: 1 }],
    ['8000-8010:h:9000', { localPort: 8000, lastLocalPort: 8010, remotePort: 9000 }],
    ['8000-8010:h:80-90', { localPort: 8000, lastLocalPort: 8010, remotePort: 80, lastRemotePort: 90 }],
    ['7-7:h:8-8', { localPort: 7, remotePort: 8 }],
  ])('%s: services, any port, ranges', (text, ports) => {
    expect(parseSpec(text)).toEqual({
      ok: true,
      spec: { bindAddress: undefined, remoteHost: 'h', ...ports },
    });
  });

  it('leads each port of a range where it says', () => {
    const target = (text: string, port: number): unknown => {
      const result = parseSpec(text);
      return result.ok && formatSpec(specOf(result.spec, port));
    };
    expect(target('8000-8010:h:9000', 8003)).toBe('8003:h:9000');
    expect(target('8000-8010:h:90-100', 8003)).toBe('8003:h:93');
  });

  it.each(['', 'x', '1:2', '1::2', '1:-oProxy:2', '1:a b:2', '1:2001:db8::1:2', '1:h;rm:2'])(
    '%j is none',
    (text) => {
      expect(parseSpec(text)).toMatchObject({ ok: false });
    },
  );

  it('prints what it reads', () => {
    for (const text of [
      '8080:host:80',
      '[::1]:8080:[2001:db8::1]:80',
      '127.0.0.1:1:h:2',
      '1-3:h:2',
      '1-3:[::1]:5-7',
    ]) {
      const result = parseSpec(text);
      expect(result.ok && formatSpec(result.spec)).toBe(text);
    }
  });
});

describe('the prompt, with the words of the original', () => {
  let network: Network;
  let spare: number;
  const say = async (line: string): Promise<string> => (await execute(network.relay, line)).text;

  beforeAll(async () => {
    network = await startRelay(9);
    spare = await freePort();
  });
  afterAll(() => network.end());

  it('shows variables with a tab between name and value, and forwarders after them', async () => {
    const text = await say('show all');
    expect(text).toContain(
      'local_addrs\t127.0.0.1,::1\nforce_from\t0.0.0.0\ndebug\t1\ndump_traff\t0\nidle_out\t0\n',
    );
    expect(text).toContain('dead_count\t10\ndata_size\t500\nbandwidth\t0\n');
    expect(text.split('\n').at(-1)).toBe(`  forwarder 1 127.0.0.1:${network.port}:127.0.0.1:9`);
  });

  it('echoes a variable that is set', async () => {
    expect(await say('set bandwidth 512')).toBe('bandwidth\t512');
    expect(await say('sh st')).toBe(
      'Total connections: 0\nOpen connections: 0\nBandwidth set to: 512 bytes / sec.',
    );
    expect(await say('set b 0')).toBe('bandwidth\t0');
    expect(await say('show stats')).toBe('Total connections: 0\nOpen connections: 0\nBandwidth is not set.');
    expect(await say('show idle_out')).toBe('idle_out\t0');
  });

  it('sets and deletes forwarders', async () => {
    expect(await say(`set forwarder 7 127.0.0.1:${spare}:localhost:80 bandwidth 1024`)).toBe(
      'forwarder 7 set.',
    );
    expect(await say('show forwarders')).toContain(
      `  forwarder 7 127.0.0.1:${spare}:localhost:80 bandwidth 1024`,
    );
    expect(await say('set forwarder 7')).toBe('forwarder 7 deleted.');
    expect(await say('set forwarder 7')).toBe('Bad forwarder: 7, try: set forwarder ?');
  });

  it('gives a word the same meaning wherever it stands in JSON', async () => {
    const kinds = new Map<string, Set<string>>();
    const kindOf = (value: unknown): string =>
      Array.isArray(value) ? 'list' : value === null || typeof value === 'number' ? 'number' : typeof value;
    const look = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(look);
      else if (typeof value === 'object' && value !== null) {
        for (const [word, each] of Object.entries(value)) {
          kinds.set(word, (kinds.get(word) ?? new Set()).add(kindOf(each)));
          look(each);
        }
      }
    };
    for (const what of ['all', 'stats', 'version', 'forwarders', 'faults', 'bandwidth'])
      look(JSON.parse(await say(`show ${what} --json`)));
    // `up` and `down` are the two directions of whatever stands above them; the path of the file is null without one.
    const several = [...kinds].filter(([word, each]) => each.size > 1 && word !== 'up' && word !== 'down');
    expect(several).toEqual([]);
    expect([...kinds.keys()]).toEqual(expect.arrayContaining(['openConnections', 'connections', 'limit']));
    expect([...(kinds.get('connections') ?? [])]).toEqual(['list']);
  });

  it.each([
    ['show', 'Incomplete or incorrect command, try: show ?'],
    ['show nonsense', 'Incomplete or incorrect command, try: show ?'],
    ['frobnicate', 'Incomplete or incorrect command, try: ?'],
    [
      'set forwarder 2 99999:h:1',
      'Bad port values, forwarder not set. (ports are from 1 to 65535, not 99999)',
    ],
    ['set forwarder x 1:h:2', 'Bad forwarder: x, try: set forwarder ?'],
    ['set forwarder 2 nonsense:x', 'Bad forwarder: nonsense:x, try: set forwarder ?'],
    ['kill CONN000009', 'No such connection: CONN000009'],
    ['set forwarder 1 conn_up 0.1', 'Bad value for conn_up: 0.1 (the least is 1)'],
    ['set bandwith 5', 'Incomplete or incorrect command, did you mean bandwidth? Or try: set ?'],
    ['shwo stats', 'Incomplete or incorrect command, did you mean show? Or try: ?'],
    ['show stast', 'Incomplete or incorrect command, did you mean stats? Or try: show ?'],
    [
      'set forwarder 1 bandwith 5',
      'Unknown limit: bandwith, did you mean bandwidth? Or try: set forwarder ?',
    ],
    ['set d 1', 'd could be debug, dump_traff, dead_count, data_size, drain_time, try: set ?'],
  ])('%s: %s', async (line, message) => {
    const reply = await execute(network.relay, line);
    expect(reply).toEqual({ ok: false, text: message });
  });

  it.each(['-5', '0.1', 'fast', '1e3', '20gb', 'NaN', '0x10'])(
    'refuses a bandwidth of %s and keeps the old',
    async (value) => {
      await say('set bandwidth 777');
      expect((await execute(network.relay, `set bandwidth ${value}`)).ok).toBe(false);
      expect(await say('show bandwidth')).toBe('bandwidth\t777');
    },
  );

  it('keeps the old forwarder when the new one cannot listen', async () => {
    const other = await startRelay(9);
    const reply = await execute(network.relay, `set forwarder 1 127.0.0.1:${other.port}:h:1`);
    expect(reply.ok).toBe(false);
    expect(reply.text).toMatch(new RegExp(`^port ${other.port} is in use \\(by this relay itself\\)$`));
    expect(await say('show forwarders')).toContain(`:${network.port}:127.0.0.1:9`);
    await other.end();
  });

  it('never throws and never changes anything for a line that is no command', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(show|set|kill|se|sh) [ -~]{0,60}$/)), (line) => {
        expect(parseCommand(line)).toHaveProperty('kind');
      }),
      { numRuns: 2000 },
    );
  });

  it('completes commands, variables, forwarders and connections', () => {
    const names = { forwarders: [1, 99], connections: ['CONN000001'] };
    expect(complete('sh', names)).toEqual([['show '], 'sh']);
    expect(complete('set band', names)[0]).toEqual(['bandwidth', 'bandwidth_up', 'bandwidth_down']);
    expect(complete('set forwarder ', names)[0]).toEqual(['1', '99']);
    expect(complete('kill C', names)[0]).toEqual(['CONN000001 ']);
    expect(complete('set fault 1 down la', names)[0]).toEqual(['latency ']);
  });
});

describe('bandwidth schedules', () => {
  it('reads steps and begins anew after the last', () => {
    const steps = parseSchedule('# a train journey\n10 50000\n5s 0   # tunnel\n\n2.5 off\n');
    expect(steps).toEqual([
      { lastsMs: 10_000, rateBytesPerSec: 50_000 },
      { lastsMs: 5000, rateBytesPerSec: 0 },
      { lastsMs: 2500, rateBytesPerSec: undefined },
    ]);
    if (typeof steps === 'string') return;
    expect(stepAt(steps, 12_000)).toEqual({ step: steps[1], nextInMs: 3000 });
    expect(stepAt(steps, 17_500)).toEqual({ step: steps[0], nextInMs: 10_000 });
  });

  it.each([
    ['10 50000\nnonsense', "line 2: expected 'SECONDS BYTES_PER_SECOND', got 'nonsense'"],
    ['10 0.1', "line 1: expected 'SECONDS BYTES_PER_SECOND', got '10 0.1' (the least is 1)"],
    ['0 5', "line 1: a step lasts from 1 ms to a day, not '0'"],
    ['# nothing', 'no steps in it'],
  ])('%j: %s', (text, message) => {
    expect(parseSchedule(text)).toBe(message);
  });
});

describe('limits that are none', () => {
  it.each([
    ['off', / \(0 is no limit\)$/],
    ['unlimited', / \(0 is no limit\)$/],
    ['20gb', /: 20gb$/],
    ['100kb/s', / \(bits or bytes\? Type 100kbit, or 100kB\/s\)$/],
  ])('%s says what to type', (text, advice) => {
    expect(parseVariable('bandwidth', text)).toMatch(advice);
  });
});
