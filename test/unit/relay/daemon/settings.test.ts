import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../../../src/cli/iprelay.ts';
import { UserErrors, type UserError } from '../../../../src/core/errors.ts';
import { AccessList } from '../../../../src/relay/clients/access.ts';
import { SILENT } from '../../../../src/relay/log.ts';
import { Relay } from '../../../../src/relay/forwarding/relay.ts';
import { parseConfig } from '../../../../src/relay/daemon/config.ts';
import { OWN_KEYS } from '../../../../src/relay/daemon/ownKeys.ts';
import { reload } from '../../../../src/relay/daemon/reload.ts';

const FILE = 'bandwidth_up = 200000\nbandwidth_down = 100000\n';
let folder: string;
let config: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'iprelay-settings-'));
  config = join(folder, 'relay.toml');
  await writeFile(config, FILE);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the limits of the command line', () => {
  it.each([
    [{ b: '512' }, { up: 512, down: 512 }],
    [
      { b: '512', up: '64' },
      { up: 64, down: 512 },
    ],
    [{ down: '64' }, { up: 200_000, down: 64 }],
    [
      { b: '512', set: ['bandwidth_down=99'] },
      { up: 512, down: 99 },
    ],
  ])('%j: stand above those of the file, also when it is read again: %j', async (flags, limits) => {
    const settings = await readSettings({ config, allow: [], set: [], ...flags }, ['8080:localhost:80']);
    const relay = new Relay({ log: SILENT, access: new AccessList([]), descriptorLimit: 1000 });
    const inForce = (): unknown => ({ up: relay.limit('up'), down: relay.limit('down') });
    for (const parsed of settings.variables) relay.setVariable(parsed);
    expect(inForce()).toEqual(limits);
    await reload(relay, parseConfig(FILE, config), settings);
    expect(inForce()).toEqual(limits);
    await relay.close(0);
  });
});

describe('the numbers of forwarders in the file', () => {
  it('have one form each: none can take the place of another unnoticed', () => {
    const text = '[forwarder.1]\nproxy = "8080:a:80"\n[forwarder.01]\nproxy = "8081:b:80"\n';
    expect(() => parseConfig(text, '/relay.toml')).toThrow(
      '/relay.toml:3:1: [forwarder.01]: a forwarder has',
    );
    const numbers = parseConfig(text.replace('01', '10'), '/relay.toml').forwarders.map(
      (each) => each.number,
    );
    expect(numbers).toEqual([1, 10]);
  });
});

describe('slips in the form of the file', () => {
  const faults = (text: string): string[] => {
    try {
      parseConfig(text, 'f');
      return [];
    } catch (error) {
      const all = error instanceof UserErrors ? error.errors : [error as UserError];
      return all.map(({ message, hint }) => (hint === undefined ? message : `${message} | ${hint}`));
    }
  };

  it('are told together, each with its place and what to type', () => {
    const text = [
      'bandwidth = 10k',
      'latency = 5',
      'latency = 6',
      '[forwarder.1]',
      'proxy = 10001:mail.example:110',
      '[forwarder.1]',
      'burst : 4',
    ].join('\n');
    expect(faults(text)).toEqual([
      expect.stringMatching(/^f:1:\d+: .* \| text stands in quotes: bandwidth = "10k"$/),
      'f:3:1: latency stands twice, first in line 2 | leave one of them out',
      expect.stringMatching(/^f:5:\d+: .* \| text stands in quotes: proxy = "10001:mail.example:110"$/),
      'f:6:2: the section forwarder.1 stands twice, first in line 4 | leave one of them out',
    ]);
  });
  it('that are no usual ones show what a forwarder looks like', () => {
    expect(faults('[forwarder.1]\nburst : 4')).toEqual([
      expect.stringContaining('a forwarder begins with [forwarder.1], a setting is written as: proxy = "'),
    ]);
  });
  it('a byte order mark is none', () => {
    expect(faults('\uFEFFbandwidth = 1\n')).toEqual([]);
  });
});

describe.each(['docs/man/iprelay.1', 'docs/iprelay-reference.md', 'templates/iprelay.toml'])(
  '%s',
  (document) => {
    it('names each key that the file alone has', async () => {
      const text = await readFile(new URL(`../../../../${document}`, import.meta.url), 'utf8');
      for (const key of OWN_KEYS) expect(text).toMatch(new RegExp(`(^| |\`|# )${key}(\`| = | ,|$)`, 'm'));
    });
  },
);
