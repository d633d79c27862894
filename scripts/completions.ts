/** Completions for bash, zsh and fish, made from the commands' own definitions. Pure. */
import type { Command, Option } from 'commander';
import type { Words } from '../src/cli/inetgw/words/commands.ts';

export interface CompletedCommand {
  program: Command;
  /** Values of options that commander does not know, by the option's long name. */
  values: Readonly<Record<string, Words>>;
  /** The first word. */
  first: Words;
  /** The word after a certain one. */
  after: Readonly<Record<string, Words>>;
  /** The second word after a certain first one, which means something else further on. */
  afterFirst?: Readonly<Record<string, Words>>;
  /** The second word, after any other first one. */
  second: Words;
}

interface Flag {
  names: string[];
  /** Undefined: the option takes no value. */
  value: Words | undefined;
  description: string;
}

const DEVICES = '/sys/class/net';

function flagOf(option: Option, values: CompletedCommand['values']): Flag {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  return { names, value: valueOf(option, values[option.long ?? '']), description: option.description };
}

function valueOf({ flags, required, optional }: Option, known: Words | undefined): Words | undefined {
  if (!required && !optional) return undefined;
  if (known !== undefined) return known;
  const placeholder = /[<[](.*)[>\]]/.exec(flags)?.[1] ?? '';
  if (placeholder.includes('|') && !placeholder.includes('[')) return { words: placeholder.split('|') };
  return /^(file|dir|target)$/i.test(placeholder) ? { files: true } : {};
}

function flagsOf({ program, values }: CompletedCommand): Flag[] {
  return program
    .createHelp()
    .visibleOptions(program)
    .map((option) => flagOf(option, values));
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function header(name: string, shell: string): string {
  return `# ${name}: completion for ${shell}. Generated from the command's own definition (npm run generate).`;
}

// ---------------------------------------------------------------------------------------------------- bash

function bashReply({ words = [], devices, files, list: isList }: Words): string {
  const list = [...words, ...(devices === true ? [`$(command ls ${DEVICES} 2>/dev/null)`] : [])].join(' ');
  if (isList === true)
    return `[[ $cur == *,* ]] && last=\${cur%,*},; mapfile -t COMPREPLY < <(compgen -P "$last" -W "${list}" -- "\${cur##*,}")`;
  const options = `${files === true ? '-f ' : ''}-W "${list}"`;
  return `mapfile -t COMPREPLY < <(compgen ${options} -- "$cur")`;
}

export function bashCompletion(command: CompletedCommand): string {
  const name = command.program.name();
  const flags = flagsOf(command);
  const takers = flags.filter(({ value }) => value !== undefined);
  return [
    header(name, 'bash'),
    `_${name}() {`,
    '  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} count=0 last="" at',
    '  COMPREPLY=()',
    '  case $prev in',
    ...takers.map(({ names, value = {} }) => `    ${names.join('|')}) ${bashReply(value)}; return ;;`),
    '  esac',
    '  if [[ $cur == -* ]]; then',
    `    ${bashReply({ words: flags.flatMap(({ names }) => names) })}; return`,
    '  fi',
    '  for ((at = 1; at < COMP_CWORD; at++)); do',
    '    case ${COMP_WORDS[at]} in',
    `      ${takers.flatMap(({ names }) => names).join('|')}) at=$((at + 1)) ;;`,
    '      -*) ;;',
    '      *) count=$((count + 1)) last=${COMP_WORDS[at]} ;;',
    '    esac',
    '  done',
    '  case $count:$last in',
    `    0:*) ${bashReply(command.first)} ;;`,
    ...Object.entries(command.after).map(([word, words]) => `    *:${word}) ${bashReply(words)} ;;`),
    ...Object.entries(command.afterFirst ?? {}).map(
      ([word, words]) => `    1:${word}) ${bashReply(words)} ;;`,
    ),
    `    1:*) ${bashReply(command.second)} ;;`,
    '  esac',
    '}',
    `complete -F _${name} ${name}`,
    '',
  ].join('\n');
}

// ----------------------------------------------------------------------------------------------------- zsh

function zshReply({ words = [], devices, files, list }: Words): string {
  const parts = [
    ...(list === true ? ["compset -P '*,'"] : []),
    ...(words.length > 0 ? [`compadd -- ${words.map(quoted).join(' ')}`] : []),
    ...(devices === true ? [`compadd -- ${DEVICES}/*(N:t)`] : []),
    ...(files === true ? ['_files'] : []),
  ];
  return parts.length === 0 ? 'true' : parts.join('; ');
}

function zshFlags({ names, value, description }: Flag): string[] {
  const escaped = description.replaceAll(/[[\]\\:]/g, '\\$&');
  const action = value === undefined ? '' : `:value:{ ${zshReply(value)} }`;
  // An option may be given again: some add up, and the last of the others counts.
  return names.map((name) => quoted(`*${name}[${escaped}]${action}`));
}

export function zshCompletion(command: CompletedCommand): string {
  const name = command.program.name();
  return [
    `#compdef ${name}`,
    header(name, 'zsh'),
    `_${name}() {`,
    '  local -a line',
    '  local curcontext=$curcontext state state_descr',
    '  typeset -A opt_args',
    '  _arguments -C \\',
    ...flagsOf(command).flatMap((flag) => zshFlags(flag).map((text) => `    ${text} \\`)),
    "    '*:word:->word' && return",
    '  [[ $state == word ]] || return',
    '  # The words so far, the one being typed included, without options and their values.',
    '  case $#line:$line[-2] in',
    `    0:*|1:*) ${zshReply(command.first)} ;;`,
    ...Object.entries(command.after).map(([word, words]) => `    *:${word}) ${zshReply(words)} ;;`),
    ...Object.entries(command.afterFirst ?? {}).map(
      ([word, words]) => `    2:${word}) ${zshReply(words)} ;;`,
    ),
    `    2:*) ${zshReply(command.second)} ;;`,
    '  esac',
    '}',
    `if [ "$funcstack[1]" = _${name} ]; then _${name} "$@"; else`,
    '  # Where it is read and not found by zsh, the system of completions may not have been started.',
    '  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }',
    `  compdef _${name} ${name}`,
    'fi',
    '',
  ].join('\n');
}

// ---------------------------------------------------------------------------------------------------- fish

function fishList({ words = [], devices, list }: Words): string {
  if (list === true) return `(__fish_append , ${words.join(' ')})`;
  return [...words, ...(devices === true ? [`(command ls ${DEVICES} 2>/dev/null)`] : [])].join(' ');
}

function fishLine(name: string, condition: string, words: Words): string {
  const files = words.files === true ? '-F' : '-f';
  const list = fishList(words);
  return `complete -c ${name} -n ${quoted(condition)} ${files}${list === '' ? '' : ` -a ${quoted(list)}`}`;
}

export function fishCompletion(command: CompletedCommand): string {
  const name = command.program.name();
  const flags = flagsOf(command);
  const takers = flags.flatMap(({ names, value }) => (value === undefined ? [] : names));
  const helper = `__${name}_place`;
  const { afterFirst = {} } = command;
  return [
    header(name, 'fish'),
    `# How many words stand before the one being typed, and the last of them; options do not count.`,
    `function ${helper}`,
    '  set -l count 0; set -l last; set -l skip 0',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skip = 1; set skip 0; continue; end',
    `    if contains -- $word ${takers.join(' ')}; set skip 1; continue; end`,
    "    if string match -q -- '-*' $word; continue; end",
    '    set count (math $count + 1); set last $word',
    '  end',
    '  switch "$argv[1]"',
    '    case count; test $count = $argv[2]',
    '    case after; test "$last" = $argv[2]',
    '    case first; test $count = 1; and test "$last" = $argv[2]',
    '    case other; test $count = 1; and not contains -- "$last" $argv[2..-1]',
    '  end',
    'end',
    `complete -c ${name} -f`,
    fishLine(name, `${helper} count 0`, command.first),
    ...Object.entries(command.after).map(([word, words]) => fishLine(name, `${helper} after ${word}`, words)),
    ...Object.entries(afterFirst).map(([word, words]) => fishLine(name, `${helper} first ${word}`, words)),
    fishLine(
      name,
      `${helper} other ${Object.keys({ ...command.after, ...afterFirst }).join(' ')}`,
      command.second,
    ),
    ...flags.map(({ names, value, description }) => {
      const parts = names.map((each) =>
        each.startsWith('--') ? `-l ${each.slice(2)}` : `-s ${each.slice(1)}`,
      );
      const takes =
        value === undefined ? '' : value.files === true ? ' -r -F' : ` -x${fishValues(fishList(value))}`;
      return `complete -c ${name} ${parts.join(' ')}${takes} -d ${quoted(description)}`;
    }),
    '',
  ].join('\n');
}

const fishValues = (list: string): string => (list === '' ? '' : ` -a ${quoted(list)}`);
