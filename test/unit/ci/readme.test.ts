import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readmeCommands } from '../../../scripts/ci/readme.mjs';

const texts = (markdown: string): string[] => readmeCommands(markdown).map(({ command }) => command);

describe('the commands of a README', () => {
  it('are the lines of its code blocks, without their comments', () => {
    const markdown = [
      'Say `npm run no` in the text.',
      '```',
      'npm run demo    # a table',
      '',
      '# all of it',
      'npm test',
      '```',
      'and',
      '  ~~~ sh',
      "  echo 'a # b' x#y  # c",
      '  ~~~',
    ].join('\n');
    expect(readmeCommands(markdown)).toEqual([
      { command: 'npm run demo', line: 3, notRun: undefined },
      { command: 'npm test', line: 6, notRun: undefined },
      { command: "echo 'a # b' x#y", line: 10, notRun: undefined },
    ]);
  });
  it('are, where there are prompts, what stands after them', () => {
    expect(texts('```console\n$ inetgw ppp0 215 1715\nppp0: up 215 kbit/s\n$ true\n```')).toEqual([
      'inetgw ppp0 215 1715',
      'true',
    ]);
  });
  it('go on in the next line after a backslash', () => {
    expect(texts('```\ninetgw ppp0 \\\n   210 1710\nnpm test\n```')).toEqual([
      'inetgw ppp0 210 1710',
      'npm test',
    ]);
  });
  it('are not what other languages say', () => {
    expect(texts('```toml\nup = 210\n```\n```ts\nimport x\n```\n')).toEqual([]);
  });
  it('are not run where the comment right before their block says so, and for that block only', () => {
    const markdown = '<!-- not run by CI: it needs a line -->\n\n```\na\nb\n```\n\n```\nc\n```\n';
    expect(readmeCommands(markdown).map(({ notRun }) => notRun)).toEqual([
      'it needs a line',
      'it needs a line',
      undefined,
    ]);
    expect(readmeCommands('<!-- not run by CI: why -->\ntext\n```\na\n```')[0]?.notRun).toBeUndefined();
  });
  it('are those of this README: demo first, then the tests; what is not run says why', () => {
    const commands = readmeCommands(readFileSync('README.md', 'utf8'));
    const run = commands.filter(({ notRun }) => notRun === undefined).map(({ command }) => command);
    expect(run.slice(0, 2)).toEqual(['npm run demo', 'npm test']);
    for (const { notRun, command } of commands)
      if (notRun !== undefined) expect(notRun, command).toMatch(/\w+ \w+/);
  });
});
