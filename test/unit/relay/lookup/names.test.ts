import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Address,
  askGetent,
  Names,
  parseGetent,
  parseHosts,
} from '../../../../src/relay/lookup/names.ts';
import { run } from '../../../../src/system/exec/run.ts';
import { HANG_MS } from '../../../hang.ts';

const ONE: Address = { address: '192.0.2.1', family: 4 };

/** Look-ups that are answered when the test says so. */
function resolver(): {
  names: Names;
  asked: string[];
  answer: (name: string, addresses: readonly Address[]) => void;
} {
  const asked: string[] = [];
  const waiting = new Map<string, (addresses: readonly Address[]) => void>();
  const ask = (name: string): Promise<readonly Address[]> => {
    asked.push(name);
    return new Promise((resolve) => waiting.set(name, resolve));
  };
  return {
    names: new Names(ask, '/nonexistent'),
    asked,
    answer: (name, addresses) => waiting.get(name)?.(addresses),
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
const until = (done: () => boolean): Promise<void> => expect.poll(done, { timeout: HANG_MS }).toBe(true);

describe('looking names up', () => {
  it('asks once for a name that many wait for, and again later', async () => {
    const { names, asked, answer } = resolver();
    const many = Promise.all(Array.from({ length: 50 }, () => names.addresses('a.example')));
    await until(() => asked.length > 0);
    await settled();
    expect(asked).toEqual(['a.example']);
    answer('a.example', [ONE]);
    expect(await many).toEqual(Array.from({ length: 50 }, () => [ONE]));
    await expect
      .poll(
        () => {
          void names.addresses('a.example');
          return settled().then(() => asked.length);
        },
        { timeout: HANG_MS },
      )
      .toBe(2);
  });

  it('lets no name wait for another that is not answered, and needs none for an address', async () => {
    const { names, asked, answer } = resolver();
    for (let i = 0; i < 40; i++) void names.addresses(`silent${i}.example`);
    expect(await names.addresses('2001:db8::1')).toEqual([{ address: '2001:db8::1', family: 6 }]);
    const quick = names.addresses('quick.example');
    await until(() => asked.includes('quick.example'));
    answer('quick.example', [ONE]);
    expect(await quick).toEqual([ONE]);
  });

  it('starts no more than 64 at a time, and the others in their turn', async () => {
    const { names, asked, answer } = resolver();
    for (let i = 0; i < 70; i++) void names.addresses(`n${i}.example`);
    await until(() => asked.length >= 64);
    await settled();
    expect(asked).toHaveLength(64);
    answer('n0.example', [ONE]);
    await expect.poll(() => asked.at(-1)).toBe('n64.example');
  });

  it('rejects for an unknown name and, at the end, for all that wait', async () => {
    const { names, asked, answer } = resolver();
    const unknown = names.addresses('unknown.example');
    await until(() => asked.length > 0);
    answer('unknown.example', []);
    await expect(unknown).rejects.toMatchObject({ code: 'ENOTFOUND' });
    for (let i = 0; i < 64; i++) void names.addresses(`n${i}.example`).catch(() => undefined);
    await until(() => asked.length >= 65);
    const queued = names.addresses('queued.example');
    await settled();
    names.close();
    await expect(queued).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('gives an address of the family that is asked for', async () => {
    const { names, asked, answer } = resolver();
    const found = new Promise((resolve) => {
      names.lookup('both.example', { family: 6 }, (error, address) => {
        resolve([error, address]);
      });
    });
    await until(() => asked.length > 0);
    answer('both.example', [ONE, { address: '2001:db8::1', family: 6 }]);
    expect(await found).toEqual([null, '2001:db8::1']);
  });
});

describe('getent', () => {
  const asking = (...argv: [string, ...string[]]): Promise<readonly Address[]> =>
    askGetent((_argv, options) => run(argv, options))('localhost', new AbortController().signal);

  it('that knows no ahosts, or is missing, is done without', async () => {
    for (const script of ['exit 1', 'exit 3', 'exit 127'])
      expect(await asking('sh', '-c', script)).toContainEqual({ address: '127.0.0.1', family: 4 });
    expect(await asking('no-such-program')).toContainEqual({ address: '127.0.0.1', family: 4 });
  });

  it('that does not find the name, or is ended, is not asked over', async () => {
    expect(await asking('sh', '-c', 'exit 2')).toEqual([]);
    expect(await asking('sh', '-c', 'kill -TERM $$')).toEqual([]);
  });
});

describe('/etc/hosts', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'iprelay-names-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is read before anybody is asked, and again when it has changed', async () => {
    const file = join(folder, 'hosts');
    await writeFile(file, '192.0.2.1 mail.example Mail\n');
    const names = new Names(() => Promise.resolve([]), file);
    expect(await names.addresses('MAIL')).toEqual([ONE]);
    await writeFile(file, '192.0.2.77 mail.example\n');
    expect(await names.addresses('mail.example')).toEqual([{ address: '192.0.2.77', family: 4 }]);
    await expect(names.addresses('mail')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('has names in any case, comments, both families, and lines that are none', () => {
    const hosts = parseHosts('127.0.0.1\tlocalhost a # b\n::1 LocalHost\n\nnonsense x\n#1.2.3.4 c\n');
    expect([...hosts]).toEqual([
      [
        'localhost',
        [
          { address: '127.0.0.1', family: 4 },
          { address: '::1', family: 6 },
        ],
      ],
      ['a', [{ address: '127.0.0.1', family: 4 }]],
    ]);
  });
});

it('reads what getent prints: each address once, in its order', () => {
  const text = '2001:db8::1     STREAM a.example\n2001:db8::1     DGRAM  \n192.0.2.1       STREAM \n\n';
  expect(parseGetent(text)).toEqual([{ address: '2001:db8::1', family: 6 }, ONE]);
});
