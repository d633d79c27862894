/**
 * The commands that a README shows in its code blocks. Pure, and of Node alone: it runs before any package is there.
 *
 * A block is run unless a comment right before it says that it is not, and why:
 *
 *     <!-- not run by CI: it needs a line of its own -->
 */

const MARK = /^<!--\s*not run by CI:\s*(.*?)\s*-->$/;
const FENCE = /^(\s*)(`{3,}|~{3,})\s*([\w-]*)/;
/** Blocks of other languages hold no commands. */
const SHELLS = new Set(['', 'sh', 'bash', 'shell', 'console']);

/** All commands of the text in order: `{ command, line, notRun }`; `notRun` is the reason, undefined if it is run. */
export function readmeCommands(markdown) {
  const commands = [];
  const lines = markdown.split('\n');
  let notRun;
  for (let at = 0; at < lines.length; at += 1) {
    const fence = FENCE.exec(lines[at]);
    if (fence === null) {
      const mark = MARK.exec(lines[at].trim());
      if (mark !== null) notRun = mark[1];
      else if (lines[at].trim() !== '') notRun = undefined;
      continue;
    }
    const [, indent, ticks, language] = fence;
    const from = at + 1;
    for (at = from; at < lines.length && !lines[at].trim().startsWith(ticks); at += 1);
    const block = lines.slice(from, at).map((text) => text.slice(indent.length));
    if (SHELLS.has(language)) {
      for (const { command, line } of commandsOf(block))
        commands.push({ command, line: from + line + 1, notRun });
    }
    notRun = undefined;
  }
  return commands;
}

/** Each line is one, or with prompts (`$ …`) those after a prompt; `\` at the end goes on in the next line. */
function commandsOf(block) {
  const prompted = block.some((text) => text.startsWith('$ '));
  const commands = [];
  for (let at = 0; at < block.length; at += 1) {
    const line = at;
    let text = block[at];
    while (text.endsWith('\\') && at + 1 < block.length)
      text = `${text.slice(0, -1)}${block[(at += 1)].trimStart()}`;
    if (prompted && !text.startsWith('$ ')) continue;
    const command = withoutComment(prompted ? text.slice(2) : text).trim();
    if (command !== '') commands.push({ command, line });
  }
  return commands;
}

/** Without what a shell takes for a comment. */
function withoutComment(text) {
  let quote;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (quote !== undefined) {
      if (sign === quote) quote = undefined;
    } else if (sign === '"' || sign === "'") quote = sign;
    else if (sign === '#' && (at === 0 || /\s/.test(text[at - 1]))) return text.slice(0, at);
  }
  return text;
}
