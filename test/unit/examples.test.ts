/** Every command that is shown is run by a test, or listed with the reason why it is not. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { EXAMPLES, matches, treatmentsOf } from '../examples/commands.ts';
import { commandsInHelp, commandsInManual, commandsInMarkdown, isForm } from '../examples/extract.ts';
import { shownCommands } from '../examples/shown.ts';

const shown = await shownCommands();
const root = new URL('../../', import.meta.url);

describe('test/examples/commands.ts', () => {
  it('has each command that a document, a manual page or a help text shows, once', () => {
    const missing = [...shown].filter(([command]) => treatmentsOf(command).length !== 1);
    expect(missing.map(([command, places]) => `${command}   (${places.join(', ')})`)).toEqual([]);
  });
  it('has none that is not shown any more', () => {
    const gone = EXAMPLES.filter((each) => ![...shown.keys()].some((command) => matches(each, command)));
    expect(gone.map(({ command }) => String(command))).toEqual([]);
  });
  it('names tests that are there and hold what is said', async () => {
    for (const { treatment } of EXAMPLES) {
      if (treatment.by !== 'test') continue;
      expect(await readFile(new URL(treatment.file, root), 'utf8'), treatment.file).toContain(
        treatment.holds,
      );
    }
  });
  it('names documents and scripts that are there', () => {
    for (const command of shown.keys()) {
      for (const [file] of command.matchAll(/(?<![\w/])(?:scripts|test)\/[\w./-]+\.(?:ts|mjs|sh)\b/g))
        expect(existsSync(new URL(file, root)), command).toBe(true);
    }
  });
  it('runs scripts that package.json has', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const command of shown.keys()) {
      const name = /^npm run (\S+)/.exec(command)?.[1];
      if (name !== undefined) expect(scripts, command).toHaveProperty([name]);
    }
  });
});

describe('commands are found', () => {
  it('in fenced blocks, without comments, and within sentences', () => {
    const text = `See \`inetgw status\`, \`status\` and \`inetgw\`.

\`\`\`
$ inetgw ppp0 1 2   # set it
ppp0: up
$ ls
\`\`\`
\`\`\`sh
cat /etc/hosts \\
  /etc/fstab    # both
\`\`\`
\`\`\`
a picture ─► of boxes
npm test        # all
\`\`\`
\`\`\`toml
inetgw = 1
\`\`\`
`;
    expect(commandsInMarkdown(text)).toEqual([
      'inetgw ppp0 1 2',
      'ls',
      'cat /etc/hosts /etc/fstab',
      'npm test',
      'inetgw status',
    ]);
  });
  it('in the displays of manual pages', () => {
    const page =
      '.Bd -literal -offset indent\ninetgw a \\-n\n.Ed\nx\n.EX\nsearchbw b\n[toml]\n.EE\n.Bd -literal\nup = 1\n.Ed\n';
    expect(commandsInManual(page)).toEqual(['inetgw a -n', 'searchbw b']);
  });
  it('in help texts', () => {
    const help =
      'Usage: inetgw DEV\n  --mark <N>  inetgw x\n  inetgw ppp0 1 2    sets it\n    iprelay -d 1:a:2\n';
    expect(commandsInHelp(help)).toEqual(['inetgw ppp0 1 2', 'iprelay -d 1:a:2']);
  });
  it('and told from forms', () => {
    expect(
      ['inetgw DEV clear', 'inetgw ppp0 UP DOWN', 'inetgw apply [DEV]', 'searchbw show FILE'].every(isForm),
    ).toBe(true);
    expect(['inetgw ppp0 1 2', 'searchbw ppp0 DOWN 1-2 3 4 5', 'DEV=ppp0 source x'].some(isForm)).toBe(false);
  });
});
