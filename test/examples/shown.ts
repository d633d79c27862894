/** Every command that the project shows, with the places. */
import { readdir, readFile } from 'node:fs/promises';
import { makeProgram as inetgw } from '../../src/cli/inetgw/words/program.ts';
import { makeProgram as iprelay } from '../../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../../src/cli/searchbw.ts';
import { commandsInHelp, commandsInManual, commandsInMarkdown, isForm } from './extract.ts';

const root = new URL('../../', import.meta.url);
const text = (name: string): Promise<string> => readFile(new URL(name, root), 'utf8');

/** A history, in which commands stand as they once were. */
const HISTORIES = ['CHANGELOG.md'];

/** Forms such as `inetgw DEV clear` are left out: they are explained, not typed. */
export async function shownCommands(): Promise<Map<string, string[]>> {
  const shown = new Map<string, string[]>();
  const add = (place: string, commands: readonly string[]): void => {
    for (const command of commands) {
      if (!isForm(command)) shown.set(command, [...(shown.get(command) ?? []), place]);
    }
  };
  const markdown = async (folder: string): Promise<string[]> =>
    (await readdir(new URL(folder, root)))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}${name}`);
  const pages = [
    ...(await markdown('./')),
    ...(await markdown('docs/')),
    ...(await markdown('docs/benchmarks/')),
  ].map((name) => name.replace('./', ''));
  for (const name of pages.filter((each) => !HISTORIES.includes(each)))
    add(name, commandsInMarkdown(await text(name)));
  for (const name of await readdir(new URL('docs/man', root)))
    add(`docs/man/${name}`, commandsInManual(await text(`docs/man/${name}`)));
  for (const program of [inetgw(() => undefined), searchbw(), iprelay()]) {
    let help = '';
    program.configureOutput({ writeOut: (part) => (help += part) }).outputHelp();
    add(`${program.name()} --help`, commandsInHelp(help));
  }
  return shown;
}
