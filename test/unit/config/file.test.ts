import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { parseConfiguration, requireFaultless } from '../../../src/config/file.ts';
import { FILE_KEY_NAMES, SHAPER_KEY_NAMES } from '../../../src/config/keys.ts';
import { locator } from '../../../src/core/locate.ts';
import { checkTuning } from '../../../src/config/settings.ts';
import { environmentName, layered, valuesFromEnvironment } from '../../../src/config/values.ts';
import { EXIT, UserError, UserErrors } from '../../../src/core/errors.ts';
import { DEFAULT_SETTINGS } from '../../../src/plan/input/settings.ts';

/** Messages and hints of everything that is wrong with a text; all of them are bad configuration. */
function faults(text: string): string[] {
  try {
    requireFaultless(parseConfiguration(text, 'f'));
  } catch (error) {
    const errors = error instanceof UserErrors ? error.errors : error instanceof UserError ? [error] : [];
    if (errors.length === 0) throw error;
    for (const each of errors) expect(each.exitCode).toBe(EXIT.config);
    return errors.map(({ message, hint }) => (hint === undefined ? message : `${message} | ${hint}`));
  }
  return [];
}

const example = await readFile(new URL('../../../templates/inetgw.conf.example', import.meta.url), 'utf8');
/** The example with every setting switched on. */
const uncommented = example.replaceAll(/^#(?=\[|[a-z-]+ = )/gm, '');

describe('the example file', () => {
  it('parses as it is, and says nothing', () => {
    expect(parseConfiguration(example, 'f').sections).toEqual([]);
  });
  it('names every key that there is, and no other', () => {
    const named = [...example.matchAll(/^#([a-z-]+) = /gm)].map((match) => match[1]);
    expect([...named].sort()).toEqual([...FILE_KEY_NAMES].sort());
  });
  it('is right with everything switched on, the framing once by name and once by its parts', () => {
    expect(faults(uncommented.replaceAll(/^(linklayer|overhead|mpu) = .*$/gm, ''))).toEqual([]);
    expect(faults(uncommented.replaceAll(/^framing = .*$/gm, ''))).toEqual([]);
  });
  it('shows the defaults where it says so', () => {
    const withoutExamples = uncommented.replaceAll(
      /^(framing|linklayer|overhead|mpu|(?:down|up)-(?:min|max)|[a-z]+-hosts|interactive-ports) = .*$/gm,
      '',
    );
    const section = parseConfiguration(withoutExamples, 'f').sections[0];
    expect(checkTuning(section?.values ?? new Map()).tuning).toEqual(DEFAULT_SETTINGS);
    expect(section?.search).toEqual({ pingHost: '192.0.2.1', maxRttMs: 100, maxLossPercent: 2 });
  });
});

describe('errors in the file', () => {
  it('are told all at once, each with line, column and what may be meant', () => {
    const text = [
      '# a comment',
      '[ppp0]',
      'up = 0',
      'down = "fast"',
      '  farming = "raw"',
      'framing = "pppoe-llcsnp"',
      'mark = true',
      'large_packet = 1000',
      'large-downloads = "no"',
      'bulk-ports = [25, 99999, "ftp", "9-5"]',
      'interactive-dscp = ["eff", "ab"]',
      'interactive-hosts = ["nas.example"]',
      'max-loss = 200',
    ].join('\n');
    expect(faults(text)).toEqual([
      'f:3:6: up is 0 bit/s; it must be between 64 kbit/s and 10 Gbit/s',
      "f:4:8: down is 'fast', which is no rate | plain numbers are kbit/s; 1.7mbit, 16Mbit/s and 1gbit are understood too",
      'f:5:3: "farming" is not known | did you mean framing?',
      expect.stringMatching(
        /^f:6:11: framing pppoe-llcsnp is not known \| did you mean pppoe-llcsnap\? known: dsl, adsl,/,
      ),
      'f:7:8: mark must be a text in quotes or a number',
      'f:8:1: "large_packet" is not known | did you mean large-packet?',
      'f:9:19: large-downloads must be true or false, without quotes',
      expect.stringMatching(/^f:10:14: bulk-ports: '99999', 'ftp' are no ports; '9-5' ends before it begins/),
      "f:11:20: interactive-dscp: 'eff', 'ab' are no DSCP | for example ef, af21, cs1 or 46",
      expect.stringMatching(/^f:12:21: interactive-hosts: 'nas.example' is no address/),
      "f:13:12: max-loss is '200'; it must be per cent, from 0 to below 100",
    ]);
  });
  it.each([
    [
      '[a]\nup = 20mbit',
      'f:2:8: illegal character in numeric literal | text stands in quotes: up = "20mbit"',
    ],
    ['[a]\nup = 10 mbit # x', 'text stands in quotes: up = "10 mbit"'],
    ['[a]\nup = “20mbit”', 'text stands in quotes: up = "20mbit"'],
    ['[a]\nbulk-ports = [25, udp/443]', 'texts in a list stand in quotes: bulk-ports = [25, "udp/443"]'],
    ['[a]\nlarge-downloads = No', 'it is: large-downloads = false'],
    [
      '[a]\nup = 1\n\nup = 2',
      'f:4:1: up stands twice in its section, first in line 2 | leave one of them out',
    ],
    ['["a.b"]\n[c]\n["a.b"]', 'f:3:2: the section a.b stands twice, first in line 1'],
    ['[a]\nup : 1', 'a setting is written as: up = 210'],
  ])('of form say what to type: %j', (text, expected) => {
    expect(faults(text)).toEqual([expect.stringContaining(expected)]);
  });
  it('of form are told together, whatever stands between them', () => {
    const text =
      '[a]\nup = 20mbit\ndown = 5\ndown = 6\n[b]\nbulk-ports = [25, x/1]\nup = fast\n[a]\nmark = no mark';
    expect(faults(text).map((fault) => fault.split(':')[1])).toEqual(['2', '4', '6', '7', '8']);
  });
  it('of syntax have their place too', () => {
    expect(faults('[ppp0]\nup = 210\nframing = raw\n')).toEqual([
      expect.stringMatching(/^f:3:\d+: .* \| text stands in quotes/),
    ]);
    expect(faults('[ppp0\n')[0]).toMatch(/^f:1:\d+: /);
  });
  it.each([
    ['up = 210', 'f:1:1: up stands outside a section'],
    ['[ppp0]\nup = 210', 'f:1:1: down is missing in the section ppp0'],
    ['[eth0.7]\nup = 210', 'quote it: ["eth0.7"]'],
    ['["a b"]', 'f:1:1: "a b" is no device name'],
    ['[ppp0]\noverhead = 4', 'f:2:12: overhead needs a linklayer'],
    ['[ppp0]\nframing = "raw"\nmpu = 4', 'f:3:7: framing already says'],
    ['[ppp0]\ninteractive-ports = [25]', '25 would be both interactive and bulk'],
    ['ppp0 = { up = 210, down = "x" }', 'f:1:27: down is'],
    ['ppp0.up = 210\nppp0.down = 1e9', 'f:2:13: down is'],
  ])('%j', (text, expected) => {
    expect(faults(text).join('\n')).toContain(expected);
  });
  it('never come as anything but a user error, whatever the text', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '[ppp0]',
        '["e.7"]',
        'up = 210',
        'down = 1710',
        'mark = 2024-01-01',
        'x = [[1], {a=1}]',
        '[ppp0.x]',
      ),
      fc
        .tuple(fc.constantFrom(...FILE_KEY_NAMES), fc.jsonValue())
        .map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        for (const fault of faults(lines.join('\n'))) expect(fault).toMatch(/^f:\d+:\d+: /);
      }),
    );
  });
});

describe('doubts about the file', () => {
  const warnings = (text: string): string[] =>
    parseConfiguration(text, 'f').sections.flatMap((section) => section.warnings);
  it.each([
    [
      '[eth0]\nup = 100\ndown = 100',
      'if Mbit/s are meant: up = "100mbit", down = "100mbit"; if not: up = "100kbit"',
    ],
    ['[eth0]\nup = 100\ndown = "50mbit"', 'up = "100mbit", down = "50mbit"'],
    ['[lo]', 'f: lo: lo is this machine itself and no line'],
    ['[ppp0]\nup = 1710\ndown = 210', 'are they swapped?'],
  ])('%j', (text, expected) => {
    expect(warnings(text)).toEqual([expect.stringContaining(expected)]);
  });
  it('are none where the line may be as slow', () => {
    expect(warnings('[ppp0]\nup = 100\ndown = 500')).toEqual([]);
  });
});

describe('the place of a key', () => {
  it('is where it stands, in whatever form', () => {
    const text = '[a]\nup = 1\n["b.c"] # x\n  "up" = 2\nmark=3\n';
    const locate = locator(text);
    expect(locate(['a', 'up'])).toEqual({ key: { line: 2, column: 1 }, value: { line: 2, column: 6 } });
    expect(locate(['b.c', 'up'])).toEqual({
      key: { line: 4, column: 3 },
      value: { line: 4, column: 10 },
    });
    expect(locate(['b.c', 'mark']).value).toEqual({ line: 5, column: 6 });
    expect(locate(['b.c', 'absent']).key).toEqual({ line: 3, column: 1 });
  });
});

describe('layers', () => {
  const values = (source: Record<string, string>) => valuesFromEnvironment(source);
  it('flags come before the environment, the environment before the file', () => {
    const top = values({ INETGW_MARK: '1' });
    const below = values({ INETGW_MARK: '2', INETGW_FIREWALL: 'nft', INETGW_LARGE_PACKET: '' });
    const merged = layered(top, below);
    expect([...merged].map(([key, { text }]) => [key, text])).toEqual([
      ['mark', '1'],
      ['firewall', 'nft'],
    ]);
  });
  it('a framing by name and one by its parts replace each other', () => {
    const byName = values({ INETGW_FRAMING: 'raw' });
    const byParts = values({ INETGW_LINKLAYER: 'atm', INETGW_OVERHEAD: '40' });
    expect([...layered(byName, byParts).keys()]).toEqual(['framing']);
    expect([...layered(byParts, byName).keys()]).toEqual(['linklayer', 'overhead']);
  });
  it('every key has a variable in the environment', () => {
    for (const key of SHAPER_KEY_NAMES) expect(environmentName(key)).toMatch(/^INETGW_[A-Z_]+$/);
  });
});

describe('a file with very many errors', () => {
  it('is read with work that grows with its length only', () => {
    const text = `[ppp0]\n${Array.from({ length: 10_000 }, (_, n) => `k${n}=1`).join('\n')}`;
    const searches = vi.spyOn(RegExp.prototype, 'exec');
    const found = faults(text);
    const { length: searched } = searches.mock.calls;
    searches.mockRestore();
    expect(found).toHaveLength(10_000);
    // Some for each line. Millions, and 35 s, when each key was looked for from the beginning.
    expect(searched).toBeGreaterThan(10_000);
    expect(searched).toBeLessThan(100_000);
  });
  it('tells where in an inline table, and names a key of any length in short', () => {
    expect(faults(`ppp0 = { up = 1000, x = 1, down = 2000 }\n`)[0]).toMatch(/^f:1:21: "x" is not known/);
    expect(faults(`[ppp0]\n${'k'.repeat(100_000)} = 1`)[0]?.length).toBeLessThan(600);
  });
});
