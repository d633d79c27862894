/** `inetgw completion SHELL [COMMAND]`: what a shell needs to complete the commands. */
import { closest } from '../../../core/suggest.ts';
import { EXIT, usageError } from '../../../core/errors.ts';
import { readTemplate } from '../../../system/install/templates.ts';
import { COMPLETED_COMMANDS, SHELLS } from '../words/commands.ts';

const FILES = {
  bash: (command: string) => `completions/bash/${command}`,
  zsh: (command: string) => `completions/zsh/_${command}`,
  fish: (command: string) => `completions/fish/${command}.fish`,
} as const satisfies Record<(typeof SHELLS)[number], (command: string) => string>;

const COMMANDS = COMPLETED_COMMANDS;

const USAGE = 'for example: source <(inetgw completion bash), in zsh: source <(inetgw completion zsh)';

/** Without a command, those of all three one after the other: a shell that reads them knows all. */
export async function completionCommand(words: readonly string[]): Promise<number> {
  const [shellWord = '', command, ...rest] = words;
  const shell = SHELLS.find((each) => each === shellWord);
  if (shell === undefined) {
    const meant = closest(shellWord, SHELLS);
    throw usageError(
      `completion knows ${SHELLS.join(', ')}${shellWord === '' ? '' : `, not '${shellWord}'`}`,
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
