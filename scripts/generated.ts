/** The files that are made from the source: their names, below the checkout, and what they must contain. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMPLETED } from './completed.ts';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts';
import { dashboard } from './dashboard.ts';
import { conditionsPage } from './conditionsPage.ts';
import { DEFAULT_SETTINGS } from '../src/plan/input/settings.ts';
import { egressRules, ingressRules } from '../src/plan/classes/rules.ts';
import { healPath, healService } from '../src/linkHooks/heal.ts';
import type { HookKind } from '../src/linkHooks/kinds.ts';
import { hookFiles, systemdUnit } from '../src/linkHooks/render.ts';
import { metricsService, metricsTimer } from './metricsUnits.ts';
import { layoutModule } from './programLayout.ts';
import { shellSnippet } from '../src/firewall/snippet.ts';

/** The hooks as templates: for ppp0, with the rates of the article's example. */
function hookTemplates(): [string, string][] {
  const program = ['/usr/bin/inetgw'];
  const settings = { device: 'ppp0', program, apply: [undefined, '210', '1710'] };
  const texts = (kind: HookKind): string[] => hookFiles(kind, settings).map(({ text }) => text);
  const [pppUp = '', pppDown = ''] = texts('ppp');
  const [ifUp = '', ifDown = ''] = texts('ifupdown');
  const [networkManager = ''] = texts('networkmanager');
  return [
    ['templates/hooks/ppp-ip-up', pppUp],
    ['templates/hooks/ppp-ip-down', pppDown],
    ['templates/hooks/networkmanager', networkManager],
    ['templates/hooks/ifupdown-if-up', ifUp],
    ['templates/hooks/ifupdown-if-down', ifDown],
    ['templates/systemd/inetgw-heal.path', healPath(program)],
    ['templates/systemd/inetgw-heal.service', healService(program, '/usr/share/inetgw/heal.sh')],
    ['templates/systemd/inetgw-metrics.service', metricsService()],
    ['templates/systemd/inetgw-metrics.timer', metricsTimer()],
    ['templates/inetgw@.service', systemdUnit({ device: '%I', program, apply: ['apply', undefined] })],
  ];
}

function completions(): [string, string][] {
  return COMPLETED.flatMap((command): [string, string][] => {
    const name = command.program.name();
    return [
      [`templates/completions/bash/${name}`, bashCompletion(command)],
      [`templates/completions/zsh/_${name}`, zshCompletion(command)],
      [`templates/completions/fish/${name}.fish`, fishCompletion(command)],
    ];
  });
}

const PACING_OBJECT = fileURLToPath(new URL('../bpf/pacing.o', import.meta.url));

function pacingDigest(): string {
  const digest = createHash('sha256').update(readFileSync(PACING_OBJECT)).digest('hex').slice(0, 16);
  return `/** The first 64 bits of bpf/pacing.o's SHA-256. Made by \`npm run generate\`. */
export const PACING_DIGEST = '${digest}';
`;
}

export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ...hookTemplates(),
    ...completions(),
    ['templates/iptables-egress', shellSnippet('egress', egressRules(DEFAULT_SETTINGS))],
    ['docs/conditions.md', conditionsPage()],
    ['templates/grafana/inetgw.json', dashboard()],
    ['src/plan/pacing/pacingDigest.ts', pacingDigest()],
    ['src/plan/pacing/pacingLayout.ts', layoutModule(PACING_OBJECT)],
    ['templates/iptables-ingress', shellSnippet('ingress', ingressRules(DEFAULT_SETTINGS))],
  ]);
}
