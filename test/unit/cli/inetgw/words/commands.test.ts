/** A command that is in the table is in everything that tells of commands, and what it takes is offered by the Tab key. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { COMPLETED } from '../../../../../scripts/completed.ts';
import {
  COMMAND_WORDS,
  commandOf,
  COMPLETED_COMMANDS,
  SHELLS,
} from '../../../../../src/cli/inetgw/words/commands.ts';
import { HELP_TEXT } from '../../../../../src/cli/inetgw/words/help.ts';
import { makeProgram as iprelay, REMOTE_COMMANDS } from '../../../../../src/cli/iprelay.ts';
import { generatedFiles } from '../../../../../scripts/generated.ts';

const page = (name: string): Promise<string> =>
  readFile(new URL(`../../../../../docs/man/${name}`, import.meta.url), 'utf8');
const manual = await page('inetgw.8');
const section = (title: string): string =>
  new RegExp(`^\\.S[hs] ${title}\\n([^]*?)(?=^\\.S[hs] )`, 'm').exec(manual)?.[1] ?? '';

describe.each(COMMAND_WORDS)('the command %s', (word) => {
  it('is in the help', () => {
    expect(HELP_TEXT).toMatch(new RegExp(`inetgw ${word}( |\\n|\\))`));
  });
  it('is in the synopsis of the manual page and explained in it', () => {
    expect(section('SYNOPSIS')).toMatch(new RegExp(`^\\.Cm ${word}( |$)`, 'm'));
    expect(section('Commands')).toMatch(new RegExp(`^\\.It Cm ${word}( |$)`, 'm'));
  });
  it('is completed, with what may come next', () => {
    const [inetgw] = COMPLETED;
    expect(inetgw?.first.words).toContain(word);
    const place = commandOf(word).isFirstOnly === true ? inetgw?.afterFirst : inetgw?.after;
    expect(place?.[word]).toMatchObject(commandOf(word).next);
  });
});

it('the commands of iprelay are in its help, its manual page and its completions', async () => {
  const text = await page('iprelay.1');
  let help = '';
  iprelay()
    .configureOutput({ writeOut: (part) => (help += part) })
    .outputHelp();
  for (const word of REMOTE_COMMANDS) {
    expect(help).toMatch(new RegExp(`iprelay ${word}( |\\n)`));
    expect(text).toMatch(new RegExp(`^\\.It Cm ${word}( |$)`, 'm'));
    expect(COMPLETED[2]?.first.words).toContain(word);
  }
});

it('there is a file of completions for each command in each shell', () => {
  const files = [...generatedFiles().keys()].filter((name) => name.startsWith('templates/completions/'));
  expect(files).toHaveLength(SHELLS.length * COMPLETED_COMMANDS.length);
  expect(COMPLETED.map(({ program }) => program.name())).toEqual([...COMPLETED_COMMANDS]);
});
