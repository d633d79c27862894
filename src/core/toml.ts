/** TOML as both files have it, `/etc/inetgw.conf` and iprelay's: every slip is told at once, with its place and what helps. Pure. */
import { parse, TomlError, type TomlTable, type TomlValue } from 'smol-toml';
import { configError, UserErrors, type UserError } from './errors.ts';

/** More slips in the form of a file than anybody wants to be told at once; each costs a reading of the whole. */
const MOST_SLIPS = 20;

/**
 * Reads TOML. The parser stops at the first slip. Where that is one line that stands alone, it is left out and the rest is
 * read, so that all slips are told; what the values say is only of interest once there are none.
 * @param file the file's name, which each message begins with, then line and column
 * @param example what a section and a setting look like in this file, the hint where no better one is known
 * @throws UserError, or UserErrors of several slips, at most twenty
 */
export function parseToml(text: string, file: string, example: string): TomlTable {
  // A byte order mark, as some editors write it, is no content.
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  const errors: UserError[] = [];
  for (let last = 0; ;) {
    try {
      const table = parse(lines.join('\n'));
      if (errors.length === 0) return table;
      break;
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const { line, column } = error;
      if (line <= last) break;
      last = line;
      const { what, hint } = tomlSlip(lines, error, example);
      errors.push(configError(`${file}:${line}:${column}: ${what}`, hint));
      const content = lines[line - 1] ?? '';
      if (errors.length === MOST_SLIPS || !standsAlone(content)) break;
      lines[line - 1] = '';
    }
  }
  const [first] = errors;
  throw errors.length === 1 && first !== undefined ? first : new UserErrors(errors);
}

/** Without it, the lines around it mean the same. */
const standsAlone = (line: string): boolean =>
  !/^\s*\[|"""|'''/.test(line) && !/[[{][^\]}]*$|^[^[{]*[\]}]/.test(line);

interface Slip {
  what: string;
  hint: string | undefined;
}

/** In the words of this file and not of TOML, where it is a usual slip of who knows other formats. */
function tomlSlip(lines: readonly string[], { line, message }: TomlError, example: string): Slip {
  const what = message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? 'not TOML';
  const content = lines[line - 1] ?? '';
  // As git and others have it: [network "guest"].
  const [, outer, inner = ''] = /^\s*\[\s*([\w-]+)\s+["']?([^"'\]\s]+)/.exec(content) ?? [];
  if (outer !== undefined) {
    const name = /^[\w-]+$/.test(inner) ? inner : `"${inner}"`;
    return { what, hint: `a section's second name stands behind a dot: [${outer}.${name}]` };
  }
  // [host.2001:db8::7], [network.192.168.2.0/24]
  const [, first, signs = ''] = /^\s*\[\s*([\w-]+)\.([^"'\]]*[^"'\]\w.-][^"'\]]*?)\s*\]/.exec(content) ?? [];
  if (first !== undefined)
    return { what, hint: `a name with such signs stands in quotes: [${first}."${signs}"]` };
  const twice = /redefine/.test(what) ? standsTwice(lines, line) : undefined;
  if (twice !== undefined) return { what: twice, hint: 'leave one of them out' };
  const [, key = '', list] = /^\s*([\w-]+)\s*=\s*\[([^[\]{}]*)\]\s*(?:#.*)?$/.exec(content) ?? [];
  if (list !== undefined)
    return {
      what,
      hint: `texts in a list stand in quotes: ${key} = [${list.split(',').map(quoted).join(', ')}]`,
    };
  const [, name = '', value = ''] = /^\s*([\w-]+)\s*=\s*([^"'#[\]{}]+?)\s*(?:#.*)?$/.exec(content) ?? [];
  if (/^(?:yes|no|on|off|true|false)$/i.test(value))
    return { what, hint: `it is: ${name} = ${/^(?:yes|on|true)$/i.test(value) ? 'true' : 'false'}` };
  if (/[^\d\s.+-]/.test(value)) return { what, hint: `text stands in quotes: ${name} = ${quoted(value)}` };
  return { what, hint: example };
}

/** As TOML has it: a number as it is, a text in its quotes, of whatever kind they were. */
function quoted(word: string): string {
  const bare = word.trim().replaceAll(/^["'“”„‘’«»]+|["'“”„‘’«»]+$/g, '');
  return /^\d+(?:\.\d+)?$/.test(word.trim()) ? bare : `"${bare}"`;
}

const SECTION = /^\s*\[\s*["']?(.*?)["']?\s*\]/;

/** What is there a second time in this line, and where the first one is. */
function standsTwice(lines: readonly string[], line: number): string | undefined {
  const before = lines.slice(0, line - 1);
  const first = (find: (content: string) => boolean, from = 0): string => {
    const at = before.findIndex((content, index) => index >= from && find(content));
    return at < 0 ? '' : `, first in line ${at + 1}`;
  };
  const content = lines[line - 1] ?? '';
  const section = SECTION.exec(content)?.[1];
  if (section !== undefined)
    return `the section ${section} stands twice${first((each) => SECTION.exec(each)?.[1] === section)}`;
  const key = /^\s*["']?([\w-]+)["']?\s*=/;
  const name = key.exec(content)?.[1];
  if (name === undefined) return undefined;
  const header = before.findLastIndex((each) => SECTION.test(each));
  const where = header < 0 ? '' : ' in its section';
  return `${name} stands twice${where}${first((each) => key.exec(each)?.[1] === name, header + 1)}`;
}

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}
