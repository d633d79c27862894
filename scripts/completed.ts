/** What the commands' definitions do not tell about their words: see completions.ts. */
import { definitionOf, SHAPER_KEY_NAMES, type ShaperKey } from '../src/config/keys.ts';
import { COMMAND_WORDS, commandOf, type Words } from '../src/cli/inetgw/words/commands.ts';
import { makeProgram as inetgw } from '../src/cli/inetgw/words/program.ts';
import { makeProgram as iprelay, REMOTE_COMMANDS } from '../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../src/cli/searchbw.ts';
import type { CompletedCommand } from './completions.ts';
const wordsOf = (key: ShaperKey): Words => ({
  words: definitionOf(key).words ?? [],
  ...(definitionOf(key).form === 'list' ? { list: true } : {}),
});
/** Of the options that are keys, by the option's name. */
const KEY_WORDS = Object.fromEntries(
  SHAPER_KEY_NAMES.filter((key) => definitionOf(key).words !== undefined).map((key) => [
    `--${key}`,
    wordsOf(key),
  ]),
);

const FIRST_ONLY = COMMAND_WORDS.filter((word) => commandOf(word).isFirstOnly === true);

/** What comes after which word: a word of two commands (`check DEV`, `config check FILE`) has what either takes. */
function afterWords(): Record<string, Words> {
  const after: Record<string, Words> = {};
  for (const word of COMMAND_WORDS) {
    const { next, then = {}, isFirstOnly } = commandOf(word);
    const own = isFirstOnly === true ? {} : { [word]: next };
    for (const [each, words] of Object.entries({ ...own, ...then }))
      after[each] = { ...after[each], ...words };
  }
  return after;
}

export const COMPLETED: readonly CompletedCommand[] = [
  {
    program: inetgw(() => undefined),
    values: {
      ...KEY_WORDS,
      '--format': { words: ['sh', 'iptables-restore', 'ip6tables-restore', 'nft'] },
    },
    first: {
      words: [...COMMAND_WORDS, 'clear'].sort(),
      devices: true,
    },
    after: afterWords(),
    afterFirst: {
      clear: { devices: true },
      ...Object.fromEntries(FIRST_ONLY.map((word) => [word, commandOf(word).next])),
    },
    second: { words: ['clear'] },
  },
  {
    program: searchbw(),
    values: {
      '--framing': wordsOf('framing'),
      '--linklayer': wordsOf('linklayer'),
      '--pacing': { words: ['auto', 'off'] },
    },
    first: { words: ['show'], devices: true },
    after: { show: { files: true } },
    second: { words: ['DOWN', 'UP', 'AUTO'] },
  },
  {
    program: iprelay(),
    values: {
      '--log': { words: ['none', 'stderr', 'syslog', 'journal'], files: true },
      '--log-format': { words: ['readable', 'json'] },
    },
    first: { words: [...REMOTE_COMMANDS].sort() },
    after: {},
    second: {},
  },
];
