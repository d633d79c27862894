/** What --help of the three commands looks like on a terminal of 80 columns. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { makeProgram as inetgw } from '../../../src/cli/inetgw/words/program.ts';
import { makeProgram as iprelay } from '../../../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../../../src/cli/searchbw.ts';
import { EXIT } from '../../../src/core/errors.ts';
import { FRAMING_KEYWORDS, FRAMING_WORDS } from '../../../src/plan/input/framing.ts';
import { TUNNEL_KEYWORDS } from '../../../src/plan/input/tunnels.ts';

function helpOf(program: Command): string {
  const written: string[] = [];
  program.configureOutput({ writeOut: (text) => written.push(text) });
  program.outputHelp();
  return written.join('');
}

const HELPS: [string, string, string][] = [
  ['inetgw', 'inetgw.8', helpOf(inetgw(() => undefined))],
  ['searchbw', 'searchbw.1', helpOf(searchbw())],
  ['iprelay', 'iprelay.1', helpOf(iprelay())],
];

describe.each(HELPS)('the help of %s', (name, page, help) => {
  it('fits 80 columns', () => {
    expect(help.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });
  it('begins with a sentence that says what the program does, before how it is used', () => {
    const [first = ''] = help.split('\n\n');
    expect(first).toMatch(/^[A-Z][a-z]+s [^]*\.$/);
    expect(first).not.toContain('Usage');
    expect(help.split('\n\n')[1]).toMatch(new RegExp(`^Usage: ${name} `));
  });
  it('groups the options, all of them', () => {
    const groups = [...help.matchAll(/^([A-Z][a-z ]+):\n {2}-/gm)].map((match) => match[1]);
    expect(groups.length).toBeGreaterThanOrEqual(4);
    expect(groups).not.toContain('Options');
    expect(groups.at(-1)).toBe('In general');
  });
  it('ends with examples and the exit codes of the manual page and of the table', async () => {
    const at = (title: string): number => help.indexOf(`\n${title}:\n`);
    expect(at('Examples')).toBeGreaterThan(at('In general'));
    expect(at('Exit codes')).toBeGreaterThan(at('Examples'));
    const codes = [...help.slice(at('Exit codes')).matchAll(/^ {2}(\d\S*) +\S/gm)].map((match) => match[1]);
    const text = await readFile(new URL(`../../../docs/man/${page}`, import.meta.url), 'utf8');
    const status = /^\.Sh EXIT STATUS\n([^]*?)^\.Sh/m.exec(text)?.[1] ?? '';
    expect(codes).toEqual([...status.matchAll(/^\.It (\S+)$/gm)].map((match) => match[1]));
    for (const code of codes.slice(0, -1)) expect(Object.values(EXIT).map(String)).toContain(code);
    expect(help.trimEnd().split('\n').at(-1)).toMatch(/^ {2}128\+n/);
  });
});

it('the help of inetgw names every framing', () => {
  const words = (HELPS[0]?.[2] ?? '').split(/[\s,]+/);
  for (const each of [...FRAMING_WORDS, ...FRAMING_KEYWORDS]) expect(words).toContain(each);
  const overIpv6 = TUNNEL_KEYWORDS.filter((each) => each.endsWith('6'));
  for (const each of TUNNEL_KEYWORDS.filter((keyword) => !overIpv6.includes(keyword)))
    expect(words).toContain(each);
  // That many of the list may have a 6 behind them.
  expect(HELPS[0]?.[2]).toContain('the first nine');
  expect(overIpv6).toEqual(
    TUNNEL_KEYWORDS.filter((each) => !each.endsWith('6'))
      .slice(0, 9)
      .map((each) => `${each}6`),
  );
});
