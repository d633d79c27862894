import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hardening } from '../../../src/linkHooks/hardening.ts';

/** All units of ours, by name. */
const UNITS = ['templates', 'templates/systemd'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.service'))
    .map((name): [string, string] => [name, readFileSync(join(folder, name), 'utf8')]),
);

describe('a unit that is to write the maps of window pacing', () => {
  const writers = UNITS.filter(([, text]) => /^ReadWritePaths=.*\/sys\/fs\/bpf/m.test(text));

  it.each([...writers, ['install-hook', hardening(['/usr/bin/inetgw']).join('\n')]])(
    'may: %s (systemd has them read-only with ProtectKernelTunables, whatever else is said)',
    (_, text) => {
      expect(text).toMatch(/^ReadWritePaths=.*\/sys\/fs\/bpf$/m);
      expect(text).not.toMatch(/^ProtectKernelTunables=/m);
      expect(text).toMatch(/^ReadOnlyPaths=\/sys \/proc\/sys /m);
    },
  );

  it.each(UNITS.filter(([name]) => name === 'inetgw.service'))('may run ping: %s', (_, text) => {
    expect(text).toMatch(/^SystemCallFilter=(?=.*\bcapset\b)(?=.*\bsetuid\b)/m);
    expect(text).toMatch(/^CapabilityBoundingSet=.*\bCAP_NET_RAW\b/m);
  });

  it('is each that runs inetgw', () => {
    const runners = UNITS.filter(([, text]) => text.includes('CAP_BPF')).map(([name]) => name);
    expect(writers.map(([name]) => name)).toEqual(runners);
    expect(runners.length).toBeGreaterThan(3);
  });
});
