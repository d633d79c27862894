/** `inetgw completion SHELL [COMMAND]`: what a shell needs to complete the commands. */
import { closest } from '../config/suggest.ts';
import { EXIT, usageError } from '../errors.ts';
import { readTemplate } from '../system/templates.ts';

const FILES = {
  bash: (command: string) => `completions/bash/${command}`,
  zsh: (command: string) => `completions/zsh/_${command}`,
  fish: (command: string) => `completions/fish/${command}.fish`,
} as const;

const COMMANDS = ['inetgw', 'searchbw', 'iprelay'] as const;

const USAGE = 'for example: source <(inetgw completion bash), in zsh: source <(inetgw completion zsh)';

/** Without a command, those of all three one after the other: a shell that reads them knows all. */
export async function completionCommand(words: readonly string[]): Promise<number> {
  const [shellWord = '', command, ...rest] = words;
  const shell = (['bash', 'zsh', 'fish'] as const).find((each) => each === shellWord);
  if (shell === undefined) {
    const meant = closest(shellWord, Object.keys(FILES));
    throw usageError(
      `completion knows bash, zsh, fish${shellWord === '' ? '' : `, not '${shellWord}'`}`,
      meant === undefined ? USAGE : `did you mean ${meant}?`,
    );
  }
  const commands = command === undefined ? COMMANDS : COMMANDS.filter((each) => each === command);
  if (commands.length === 0 || rest.length > 0)
    throw usageError(`completion ${shell} takes one of ${COMMANDS.join(', ')}, or nothing for all`, USAGE);
  const texts = await Promise.all(commands.map((each) => readTemplate(FILES[shell](each))));
  process.stdout.write(texts.join('\n'));
  return EXIT.ok;
}
