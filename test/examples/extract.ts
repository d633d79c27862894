/** The commands that documents show, one line each. Pure. */

/** What a line begins with that is a command, where not every line is one. */
const COMMAND =
  /^(?:(?:[A-Z]+=\S+ )?(?:inetgw|searchbw|iprelay|npm|npx|source|systemctl|apt|apt-get|dpkg|journalctl|sudo|docker|podman) |DEV=)/;

/** Without a comment and the room before it; a `#` in a word is none. */
function withoutComment(line: string): string {
  return line.replace(/(?:^|\s+)#(?:\s.*)?$/, '').trim();
}

/** Of a block that shows a terminal the lines behind `$ `, of another those that begin with a command. */
function commandsOfBlock(text: string, every: boolean): string[] {
  const lines = text.replaceAll(/\\\n\s*/g, '').split('\n');
  const typed = lines.filter((line) => line.startsWith('$ '));
  const commands = typed.length > 0 ? typed.map((line) => line.slice(2)) : lines;
  return commands
    .map(withoutComment)
    .filter((line) => line !== '' && (every || typed.length > 0 || COMMAND.test(`${line} `)));
}

const SHELLS = ['sh', 'shell', 'bash', 'console'];

/** Fenced blocks, and code within a sentence that is a command with at least one word behind its name. */
export function commandsInMarkdown(text: string): string[] {
  const blocks: string[] = [];
  const rest = text.replaceAll(
    /^( *)```(\w*).*\n([^]*?)^\1```/gm,
    (_, indent: string, kind: string, block: string) => {
      const inner = indent === '' ? block : block.replaceAll(new RegExp(`^${indent}`, 'gm'), '');
      if (kind === '' || SHELLS.includes(kind)) blocks.push(...commandsOfBlock(inner, SHELLS.includes(kind)));
      return '';
    },
  );
  const spans = [...rest.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');
  return unique([...blocks, ...spans.filter((span) => COMMAND.test(span) && span.includes(' '))]);
}

/** The literal displays of a manual page in mdoc(7) or man(7). */
export function commandsInManual(text: string): string[] {
  const displays = [
    ...text.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$/gm),
    ...text.matchAll(/^\.(?:EX|nf)\n([^]*?)^\.(?:EE|fi)$/gm),
  ].map((match) => match[1] ?? '');
  const plain = displays.map((each) =>
    each.replaceAll('\\-', '-').replaceAll('\\&', '').replaceAll('\\e', '\\'),
  );
  return unique(plain.flatMap((each) => commandsOfBlock(each.replaceAll(/^\..*\n/gm, ''), false)));
}

/** The indented lines of a help text that begin with a command; two spaces end it. */
export function commandsInHelp(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.startsWith('  '));
  const commands = lines.map((line) => line.trim().split(/ {2,}/)[0] ?? '');
  return unique(commands.filter((command) => COMMAND.test(`${command} `)));
}

/** Something to be filled in: no command as it stands. */
export function isForm(command: string): boolean {
  const placeholder =
    /[[\]…]|\.\.\.|\b(?:DEV(?!=)|KIND|FILE|FOLDER|URL|HOST|NAME|OTHER|SHELL|COMMAND|VERSION)\b/;
  return placeholder.test(command) || (/^inetgw\b/.test(command) && /\b(?:UP|DOWN)\b|\w\|\w/.test(command));
}

function unique(all: readonly string[]): string[] {
  return [...new Set(all)];
}
