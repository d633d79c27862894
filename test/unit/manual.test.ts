/** The manual pages say what the commands are: options, keys, exit codes, examples. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { makeProgram as inetgw, type Options } from '../../src/cli/inetgw/words/program.ts';
import { makeProgram as iprelay } from '../../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../../src/cli/searchbw.ts';
import { parseConfiguration, requireFaultless } from '../../src/config/file.ts';
import { settingsFromArguments, valuesFromFlags } from '../../src/config/fromArguments.ts';
import { FILE_KEY_NAMES } from '../../src/config/keys.ts';
import { checkTuning } from '../../src/config/settings.ts';
import { EXIT } from '../../src/core/errors.ts';
import { parseSpec } from '../../src/relay/settings/spec.ts';
import { checkArguments } from '../../src/search/arguments/arguments.ts';
import type { RawOptions } from '../../src/search/arguments/rawOptions.ts';

const page = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/man/${name}`, import.meta.url), 'utf8');
const pages = {
  inetgw: await page('inetgw.8'),
  searchbw: await page('searchbw.1'),
  iprelay: await page('iprelay.1'),
  conf: await page('inetgw.conf.5'),
};

/** Long options described in a page: `.It Fl -mark Ar N`, or several after each other. */
function described(text: string): string[] {
  const items = text.split('\n').filter((line) => line.startsWith('.It Fl '));
  return items.flatMap((line) => [...line.matchAll(/Fl -([a-z-]+)/g)].map((match) => `--${match[1] ?? ''}`));
}

/** The lines of the page's literal displays that begin with the command. */
function examples(text: string, command: string): string[][] {
  return [...text.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$/gm)]
    .flatMap((match) => (match[1] ?? '').split('\n'))
    .filter((line) => line.startsWith(`${command} `))
    .map((line) => line.split(' ').slice(1));
}

const programs: [keyof typeof pages, Command][] = [
  ['inetgw', inetgw(() => undefined)],
  ['searchbw', searchbw()],
  ['iprelay', iprelay()],
];

describe.each(programs)('the page of %s', (name, program) => {
  it('describes every option that there is, and no other', () => {
    const options = program.createHelp().visibleOptions(program);
    const long = options.flatMap((option) => (option.long == null ? [] : [option.long]));
    expect(described(pages[name]).sort()).toEqual(long.sort());
  });
  it('has the exit codes of the one table', () => {
    const status = /^\.Sh EXIT STATUS\n([^]*?)^\.Sh/m.exec(pages[name])?.[1] ?? '';
    const codes = [...status.matchAll(/^\.It (\S+)$/gm)].map((match) => match[1]);
    const own = Object.values(EXIT).filter((code) => name === 'inetgw' || code !== EXIT.notInForce);
    expect(codes).toEqual([...own.map(String), '128+n']);
  });
});

it('the page of the configuration names every key, and its example is right', () => {
  const keys = [...pages.conf.matchAll(/^\.It Cm (.*)$/gm)].flatMap((match) => (match[1] ?? '').split(' , '));
  expect(keys.sort()).toEqual([...FILE_KEY_NAMES].sort());
  const example = /^\.Sh EXAMPLES\n\.Bd .*\n([^]*?)^\.Ed$/m.exec(pages.conf)?.[1] ?? '';
  const config = parseConfiguration(example, 'example');
  requireFaultless(config);
  expect(config.sections.map(({ device }) => device)).toEqual(['ppp0', 'eth0.7']);
});

describe('examples in the pages are taken by the commands', () => {
  it.each(examples(pages.inetgw, 'inetgw').map((words) => [words.join(' '), words] as const))(
    'inetgw %s',
    (_, argv) => {
      let parsed: { words: string[]; options: Options } | undefined;
      inetgw((words, options) => {
        parsed = { words, options };
      }).parse(argv, { from: 'user' });
      const { words, options } = parsed ?? { words: [], options: {} };
      expect(checkTuning(valuesFromFlags(options)).errors).toEqual([]);
      const [device = '', up, down] = words[0] === 'install-hook' ? words.slice(2) : words;
      if (up !== undefined && down !== undefined && !['rules', 'config'].includes(words[0] ?? '')) {
        expect(settingsFromArguments(device, up, down, options).warnings).toEqual([]);
      }
    },
  );
  it.each(
    examples(pages.searchbw, 'searchbw')
      .filter(([first]) => first !== 'show')
      .map((words) => [words.join(' '), words] as const),
  )('searchbw %s', (_, argv) => {
    const program = searchbw();
    program.parse([...argv], { from: 'user' });
    expect(checkArguments(program.args, program.opts<RawOptions>()).errors).toEqual([]);
  });
  it.each(examples(pages.iprelay, 'iprelay').map((words) => [words.join(' '), words] as const))(
    'iprelay %s',
    (_, argv) => {
      const program = iprelay();
      program.parse([...argv], { from: 'user' });
      expect(program.args.map((spec) => parseSpec(spec).ok)).toEqual([true]);
    },
  );
});
