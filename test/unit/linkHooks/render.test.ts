import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord, systemdEscape, systemdWord } from '../../../src/core/shellWords.ts';
import { HOOK_KINDS } from '../../../src/linkHooks/kinds.ts';
import { HOOK_PLACES, hookFiles, hookProgram, systemdUnit } from '../../../src/linkHooks/render.ts';
import { isUnedited, seal } from '../../../src/linkHooks/seal.ts';

const program = ['/usr/bin/inetgw'];

describe('the seal', () => {
  it('is whole on what was written, and broken by any change', () => {
    fc.assert(
      fc.property(fc.string(), fc.boolean(), fc.nat(), (body, script, at) => {
        const sealed = seal(script ? `#!/bin/sh\n${body}\n` : `${body}\n`);
        expect(isUnedited(sealed)).toBe(true);
        const place = at % sealed.length;
        expect(isUnedited(`${sealed.slice(0, place)}\u0001${sealed.slice(place)}`)).toBe(false);
        expect(isUnedited(sealed + ' ')).toBe(false);
      }),
    );
  });
  it('leaves the first line of a script the first', () => {
    expect(seal('#!/bin/sh\nexit\n')).toMatch(/^#!\/bin\/sh\n# inetgw-hook sha256:[0-9a-f]{64}\nexit\n$/);
    expect(isUnedited('#!/bin/sh\nexit\n')).toBe(false);
  });
});

describe('hook files', () => {
  it('for run-parts have names without a dot, also for devices that have one', () => {
    for (const kind of ['ppp', 'ifupdown'] as const) {
      for (const { path } of hookFiles(kind, { device: 'eth0.7', program, apply: [] }))
        expect(path).toMatch(/\/inetgw-eth0_7$/);
    }
  });
  it('name programs by absolute paths only, for there may be no PATH', () => {
    for (const kind of ['ppp', 'ifupdown', 'networkmanager'] as const) {
      for (const { text } of hookFiles(kind, {
        device: 'ppp0',
        program,
        apply: [undefined, '210', '1710'],
      })) {
        expect(text).toMatch(/^#!\/bin\/sh\n/);
        expect(text).not.toMatch(/^\s*(cat|sleep|logger|inetgw|setsid|ip|tc) /m);
        expect(text).toContain('/usr/bin/inetgw "$dev"');
      }
    }
  });
  it('do nothing where the program is gone, whatever its path', () => {
    const settings = { device: 'ppp0', program: ['/opt/node', '/opt/my program 100%'], apply: [] };
    for (const kind of ['ppp', 'ifupdown', 'networkmanager'] as const) {
      for (const { text } of hookFiles(kind, settings))
        expect(text.split('\n').find((line) => !line.startsWith('#'))).toBe(
          `[ -x '/opt/my program 100%' ] || exit 0`,
        );
    }
    expect(systemdUnit(settings)).toContain('\nConditionFileIsExecutable=/opt/my program 100%%\n');
  });
  it('tell which program they call', () => {
    const path = fc.string().map((text) => `/opt/${text.replaceAll(/[\n\r\u2028\u2029]/g, '')}`);
    fc.assert(
      fc.property(path, fc.constantFrom(...HOOK_KINDS), (own, kind) => {
        for (const { text } of hookFiles(kind, { device: 'ppp0', program: ['/opt/node', own], apply: [] }))
          expect(hookProgram(text)).toBe(own);
      }),
    );
    expect(hookProgram('#!/bin/sh\nexit 0\n')).toBe(undefined);
  });
  it('are all found again without knowing the device', () => {
    for (const kind of HOOK_KINDS) {
      for (const { path } of hookFiles(kind, { device: 'ppp0', program, apply: [] }))
        expect(
          HOOK_PLACES.filter(({ folder, prefix }) => path.startsWith(`${folder}/${prefix}`)),
        ).toHaveLength(1);
    }
  });
  it('of systemd are bound to the device, by the name that systemd gives it', () => {
    const text = systemdUnit({ device: 'dsl-0', program, apply: ['apply', undefined] });
    expect(text).toContain('BindsTo=sys-subsystem-net-devices-dsl\\x2d0.device');
    expect(text).toContain('ExecStart=/usr/bin/inetgw apply dsl-0\n');
    expect(text).toContain('ExecStop=/usr/bin/inetgw dsl-0 clear\n');
    expect(text).toContain('ProtectHome=yes\nPrivateTmp=yes\n');
    const atHome = systemdUnit({ device: 'dsl-0', program: ['/root/node', '/tmp/inetgw.js'], apply: [] });
    expect(atHome).toContain('ProtectHome=read-only\nPrivateDevices=yes\n');
    expect(hookFiles('systemd', { device: 'dsl-0', program, apply: [] })[0]?.path).toBe(
      '/etc/systemd/system/inetgw@dsl\\x2d0.service',
    );
  });
});

it('words are quoted for who reads them', () => {
  expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(shellWord('10mbit')).toBe('10mbit');
  expect(systemdWord('100% $x "y"')).toBe('"100%% $$x \\"y\\""');
  expect(systemdEscape('.a-b.c')).toBe('\\x2ea\\x2db.c');
});
