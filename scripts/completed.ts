/** What the commands' definitions do not tell about their words: see completions.ts. */
import { definitionOf, SHAPER_KEY_NAMES, type ShaperKey } from '../src/config/keys.ts';
import { HOOK_KINDS } from '../src/hooks/render.ts';
import { COMMAND_WORDS } from '../src/cli/inetgwWords.ts';
import { makeProgram as inetgw } from '../src/cli/inetgwProgram.ts';
import { makeProgram as iprelay } from '../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../src/cli/searchbw.ts';
import type { CompletedCommand, Words } from './completions.ts';

const DEVICES: Words = { devices: true };
const wordsOf = (key: ShaperKey): Words => ({ words: definitionOf(key).words ?? [] });
/** Of the options that are keys, by the option's name. */
const KEY_WORDS = Object.fromEntries(
  SHAPER_KEY_NAMES.filter((key) => definitionOf(key).words !== undefined).map((key) => [
    `--${key}`,
    wordsOf(key),
  ]),
);

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
    after: {
      apply: DEVICES,
      // Of `inetgw check DEV` and `inetgw config check FILE`.
      check: { devices: true, files: true },
      config: { words: ['check', 'example'] },
      completion: { words: ['bash', 'zsh', 'fish'] },
      ...Object.fromEntries(
        ['bash', 'zsh', 'fish'].map((shell) => [shell, { words: ['inetgw', 'searchbw', 'iprelay'] }]),
      ),
      rules: { words: ['egress', 'ingress'] },
      egress: DEVICES,
      ingress: DEVICES,
      'install-hook': { words: HOOK_KINDS },
      ...Object.fromEntries(HOOK_KINDS.map((kind) => [kind, DEVICES])),
    },
    afterFirst: { clear: DEVICES, status: DEVICES, uninstall: {} },
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
    first: { words: ['attach', 'ctl', 'list', 'reload', 'status', 'stop'] },
    after: {},
    second: {},
  },
];
