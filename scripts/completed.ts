/** What the commands' definitions do not tell about their words: see completions.ts. */
import { FRAMING_KEYWORDS, FRAMING_WORDS } from '../src/shaper/framing.ts';
import { HOOK_KINDS } from '../src/hooks/render.ts';
import { COMMAND_WORDS } from '../src/cli/inetgwWords.ts';
import { makeProgram as inetgw } from '../src/cli/inetgwProgram.ts';
import { makeProgram as iprelay } from '../src/cli/iprelay.ts';
import { makeProgram as searchbw } from '../src/cli/searchbw.ts';
import type { CompletedCommand, Words } from './completions.ts';

const DEVICES: Words = { devices: true };
const FRAMING: Words = { words: [...FRAMING_WORDS, ...FRAMING_KEYWORDS] };
const LINK_LAYERS: Words = { words: ['atm', 'ptm', 'ethernet'] };

export const COMPLETED: readonly CompletedCommand[] = [
  {
    program: inetgw(() => undefined),
    values: {
      '--framing': FRAMING,
      '--linklayer': LINK_LAYERS,
      '--firewall': { words: ['auto', 'nft', 'iptables', 'none'] },
      '--ingress': { words: ['auto', 'police', 'shape', 'shape-cake', 'shape-htb'] },
      '--pacing': { words: ['auto', 'bpf', 'off'] },
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
    values: { '--framing': FRAMING, '--linklayer': LINK_LAYERS, '--pacing': { words: ['auto', 'off'] } },
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
