/**
 * The tutorials and recipes of docs/iprelay.md, as they stand there: each command is run, and says what the document shows. The hosts
 * that they name are namespaces of this machine.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { commandsInMarkdown } from '../examples/extract.ts';
import { until } from '../hang.ts';
import { build } from './helpers/buildOnce.ts';
import { isRoot } from './helpers/built.ts';
import { debianProgram } from './helpers/debianProgram.ts';
import { type Machines, startMachines } from './helpers/machines.ts';

const document = await readFile(new URL('../../docs/iprelay.md', import.meta.url), 'utf8');

/** The mirror: a front page of a line, and a file of 20 MB of which parts can be asked for. */
const MIRROR = `const big = Buffer.alloc(20e6, 46);
require('node:http').createServer(({ url, headers }, answer) => {
  const part = /bytes=(\\d+)-(\\d+)/.exec(headers.range ?? '');
  const body = url === '/' ? Buffer.from('hello\\n') : part ? big.subarray(Number(part[1]), Number(part[2]) + 1) : big;
  answer.writeHead(part ? 206 : 200, { 'content-length': body.length });
  answer.end(body);
}).listen(80, '10.9.9.9');`;

/** What is another time another one. All else has to be as shown. */
const VARYING = [
  String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`,
  String.raw`\d+ bytes/s`,
  String.raw`\d\.\d+ s`,
  String.raw`after \d+ milliseconds`,
  String.raw`127\.0\.0\.1:\d+ ->`,
  String.raw`\d:\d\d:\d\d`,
  String.raw`(?:in|out) +\d+ bytes, [\d.]+ kB/s overall, [\d.]+ kB/s \(5 s\), [\d.]+ kB/s`,
  String.raw`/web/\d+-[0-9a-f]+`,
];

/** True if it is the shown text, but for what varies. */
function isAsShown(text: string, shown: string): boolean {
  const fixed = (each: string): string =>
    VARYING.reduce((all, varying, n) => all.replaceAll(new RegExp(varying, 'g'), `<${n}>`), each).trim();
  return fixed(text) === fixed(shown);
}

interface Step {
  readonly command: string;
  readonly machines: readonly string[];
  readonly shown: string;
}

/** The part of the document below a heading. */
function section(heading: string): string {
  const [, text = expect.unreachable()] = document.split(`\n## ${heading}\n`);
  return text.split('\n## ')[0] ?? '';
}

/** The commands of the terminals in a section, each with what is shown below it; `# on a and b` says where it is typed. */
function steps(text: string): Step[] {
  const blocks = [...text.matchAll(/^```console\n([^]*?)^```/gm)].map((match) => match[1] ?? '');
  return blocks
    .flatMap((block) => block.split(/^\$ /m).slice(1))
    .map((part) => {
      const [line = '', ...shown] = part.split('\n');
      const [, command = line, where = 'a'] = /^(.*?)\s+# on (.*)$/.exec(line) ?? [];
      return { command, machines: where.split(' and '), shown: shown.join('\n') };
    });
}

/** What shows a state that comes about by and by, and is asked for again until then; each time takes a tenth of a second or more. */
const SHOWS_STATE = / show (?:stats|share)$/;
const MOST_TRIES = 300;

let machines: Machines;

async function take({ command, machines: where, shown }: Step): Promise<string> {
  let text = '';
  for (const machine of where) {
    const once = async (): Promise<boolean> => {
      ({ text } = await machines.run(machine, command));
      return isAsShown(text, shown);
    };
    const tries = SHOWS_STATE.test(command) ? MOST_TRIES : 1;
    let isRight = false;
    for (let n = 0; n < tries && !isRight; n++) isRight = await once();
    if (!isRight) expect(text, `${command} on ${machine}`).toBe(shown);
  }
  return text;
}

/** All of a section, in its order; resolves to the commands with what they said. */
async function takeAll(text: string): Promise<[command: string, said: string][]> {
  const taken: [string, string][] = [];
  for (const step of steps(text)) taken.push([step.command, await take(step)]);
  return taken;
}

/** The numbers that curl has printed with `-w`. */
const measured = (taken: readonly [string, string][]): number[] =>
  taken.filter(([command]) => command.includes(' -w ')).map(([, said]) => Number.parseFloat(said));

async function start(): Promise<void> {
  const redis = await debianProgram('/usr/bin/redis-server', ['redis-server', 'redis-tools']);
  const libraries = redis.env['LD_LIBRARY_PATH'] ?? '';
  const run = (name: string): string =>
    `LD_LIBRARY_PATH=${libraries} exec ${join(redis.root, 'usr/bin', name)} "$@"`;
  const folder = await mkdtemp(join(tmpdir(), 'mirror-'));
  folders.push(folder);
  await writeFile(join(folder, 'mirror.cjs'), MIRROR);
  machines = await startMachines(
    {
      mirror: {
        names: ['deb.debian.org'],
        address: '10.9.9.9',
        script: `${process.execPath} ${folder}/mirror.cjs`,
      },
      engine: { names: ['engine.example.net'], address: '10.9.9.8' },
      a: { address: '10.9.9.1' },
      b: { address: '10.9.9.2' },
    },
    { 'redis-server': run('redis-server'), 'redis-cli': run('redis-cli') },
  );
  await until(async () => (await machines.run('a', 'curl -s http://deb.debian.org/')).text === 'hello\n');
}
const folders: string[] = [];

describe.skipIf(!isRoot)('docs/iprelay.md', () => {
  beforeAll(build);
  afterEach(async () => {
    await machines.close();
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  it('1. Limit a port', async () => {
    await start();
    const [rate = Number.NaN] = measured(await takeAll(section('1. Limit a port')));
    expect(rate).toBeLessThan(105_000);
  });

  it('2. Test your client against a bad network', async () => {
    await start();
    const [far = 0, toxic = 0] = measured(
      await takeAll(section('2. Test your client against a bad network')),
    );
    expect(far).toBeGreaterThanOrEqual(0.4);
    expect(toxic).toBeGreaterThanOrEqual(1);
  });

  it('3. Share one limit between machines', async () => {
    await start();
    const text = section('3. Share one limit between machines');
    const [, file = expect.unreachable()] = /^```toml\n([^]*?)^```/m.exec(text) ?? [];
    for (const machine of ['a', 'b'])
      expect((await machines.run(machine, `cat >web.toml <<'END'\n${file}END`)).code).toBe(0);
    expect(await takeAll(text)).toHaveLength(12);
  });

  it('How to', async () => {
    await start();
    const relays = commandsInMarkdown(section('How to')).filter((command) => command.includes(' -d '));
    expect(relays).toHaveLength(7);
    for (const command of relays)
      expect(await machines.run('a', command), command).toEqual({ code: 0, text: '' });
    const { text } = await machines.run('a', 'iprelay list');
    for (const port of [110, 8000, 8083, 8084, 8085, 8086, 8087])
      expect(text).toMatch(new RegExp(`^${port}\t`, 'm'));
    for (const port of [8000, 8010, 8084, 8085, 8086, 8087])
      expect((await machines.run('a', `curl -s http://localhost:${port}/`)).text).toBe('hello\n');
    expect((await machines.run('b', 'curl -s http://10.9.9.1:8083/')).code).not.toBe(0);
    expect((await machines.run('a', 'iprelay ctl 8087 show times')).text).toMatch(
      /^It is .*\n {2}times mon-fri 18:00-23:00 bandwidth 500000; sat,sun bandwidth 4000000\n/,
    );
  });
});
