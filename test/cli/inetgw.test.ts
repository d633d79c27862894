/** What a user can get wrong: one clear line, the right exit code, nothing changed. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { join } from 'node:path';
import { settingsFromArguments } from '../../src/config/fromArguments.ts';
import { EXIT } from '../../src/errors.ts';
import { makePlan } from '../../src/shaper/plan.ts';
import { renderState } from '../../src/system/state.ts';
import { inNamespace, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

/** In a network namespace of its own where lo is the only device. */
const inetgw = async (...words: string[]) => {
  await build();
  const command = join(ROOT, 'dist/bin/inetgw.js');
  return execa('unshare', ['--net', process.execPath, command, ...words], { reject: false });
};

describe('inetgw', () => {
  it.each([
    [['nosuch0', '210', '1710'], EXIT.failed, 'there is no device nosuch0'],
    [['nosuch0'], EXIT.failed, 'there is no device nosuch0'],
    [['lo'], EXIT.notInForce, 'inetgw is not in force on lo'],
    [['check', 'nosuch0'], EXIT.failed, 'there is no device nosuch0'],
    [['lo', '0', '1710'], EXIT.usage, 'UP is 0 bit/s; it must be between 64 kbit/s and 10 Gbit/s'],
    [['lo', '210', '11gbit'], EXIT.usage, 'DOWN is 11 Gbit/s; it must be between 64 kbit/s and 10 Gbit/s'],
    [['lo', 'fast', '1710'], EXIT.usage, "UP is 'fast', which is no rate"],
    [['lo', '-5', '1710'], EXIT.usage, "UP is '-5', which is no rate"],
    [['lo', '210'], EXIT.usage, "'lo 210': UP and DOWN are both needed, or 'clear'"],
    [['lo', '210', '1710', '99'], EXIT.usage, "'lo 210 1710 99' is one word too many"],
    [['a-name-that-is-too-long', '210', '1710'], EXIT.usage, 'longer than 15 characters'],
    [['../etc', '210', '1710'], EXIT.usage, 'is no device name'],
    [['ppp0;id', 'clear'], EXIT.usage, 'is no device name'],
    [['lo', '210', '1710', '--framing', 'dosis'], EXIT.usage, '--framing dosis is not known'],
    [['lo', '210', '1710', '--frobnicate'], EXIT.usage, "unknown option '--frobnicate'"],
    [['lo', 'clear', '--dry-run'], EXIT.usage, 'clear has no dry run'],
  ] as const)('%j: exit code %i', async (words, code, message) => {
    const { exitCode, stdout, stderr } = await inetgw(...words);
    expect(exitCode).toBe(code);
    expect(stdout).toBe('');
    const [first, ...hints] = stderr.split('\n');
    expect(first).toMatch(/^inetgw: /);
    expect(first).toContain(message);
    expect(hints.length).toBeLessThanOrEqual(1);
    expect(existsSync('/run/inetgw/lo.json')).toBe(false);
  });

  it('tells every error of one command line', async () => {
    const { stderr, exitCode } = await inetgw('lo', '0', 'x', '--mark', '-1');
    expect(exitCode).toBe(EXIT.usage);
    expect(stderr.split('\n').filter((line) => line.includes(' is '))).toHaveLength(3);
  });

  it('suggests the framing that was meant', async () => {
    const { stderr } = await inetgw('lo', '210', '1710', '--framing', 'pppoe-llcsnp');
    expect(stderr).toContain('did you mean pppoe-llcsnap?');
  });

  it('warns of rates that look swapped, and goes on', async () => {
    const { stderr, exitCode } = await inetgw('lo', '1710', '210', '--dry-run');
    expect(exitCode).toBe(EXIT.ok);
    expect(stderr).toBe(
      'inetgw: UP (1710 kbit/s) is above DOWN (210 kbit/s): are they swapped? The uplink comes first',
    );
  });

  it('shows help with examples, and its version', async () => {
    const help = await inetgw('--help');
    expect(help.exitCode).toBe(EXIT.ok);
    expect(help.stdout).toContain('inetgw ppp0 210 1710');
    const version = await inetgw('--version');
    expect(version.stdout).toMatch(/^inetgw \d+\.\d+\.\d+$/);
  });

  it('tells a run that works on the device at this moment from one that was ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inetgw-record-'));
    const { settings } = settingsFromArguments('lo', '210', '1710', {});
    const link = { device: 'lo', ifindex: 1, kind: 'ip', mtuBytes: 65536 } as const;
    const plan = makePlan(settings, link, { leafQdisc: 'fq_codel', pacingObjectFile: undefined }, 'nft');
    const since = '2026-01-01T00:00:00.000Z';
    await writeFile(join(folder, 'lo.json'), renderState({ version: 2, phase: 'changing', plan, since }));
    const show = `"${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo`;
    const { code, stdout } = await inNamespace(`
      # Which one it is depends on whether the namespace of process 1 may be seen.
      run=/run/inetgw own=/run/inetgw/netns-$(readlink /proc/self/ns/net | tr -dc 0-9)
      mkdir -p $own
      for folder in $run $own; do cp ${folder}/lo.json $folder; done
      sleep 20 & worker=$!
      echo "$worker $(cut -d ' ' -f 22 /proc/$worker/stat)" | tee $run/lo.lock >$own/lo.lock
      ${show} 2>&1 | sed "s/$worker/N/"
      kill $worker; wait $worker
      ${show} 2>&1`);
    await rm(folder, { recursive: true });
    expect(code).toBe(3);
    expect(stdout.split('\n')).toEqual([
      'inetgw: inetgw is not in force on lo (process N is changing lo at this moment)',
      'inetgw: inetgw is not in force on lo (an earlier run was ended while it was changing lo)',
      'inetgw: set it up with: inetgw lo UP DOWN',
      '',
    ]);
  });

  it('begins nothing once a signal has come while another run is waited for', async () => {
    const { code, stdout } = await inNamespace(`
      run=/run/inetgw own=/run/inetgw/netns-$(readlink /proc/self/ns/net | tr -dc 0-9)
      mkdir -p $own
      sleep 60 & holder=$!
      echo "$holder $(cut -d ' ' -f 22 /proc/$holder/stat)" | tee $run/lo.lock >$own/lo.lock
      "${process.execPath}" "${ROOT}/dist/bin/inetgw.js" lo clear & waits=$!
      # Its own identity lies beside the lock as long as it waits; by then it has a handler for the signal.
      until ls /run/inetgw/lo.lock.$waits $own/lo.lock.$waits 2>/dev/null | grep -q .; do sleep 0.05; done
      kill -TERM $waits; sleep 0.1; kill $holder
      wait $waits`);
    expect([code, stdout]).toEqual([143, expect.not.stringContaining('lo: ')]);
  });

  it('plans with nft where it may not ask the kernel', async () => {
    // Root in name only, so that the checkout can be read wherever it lies.
    const plain = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] as const;
    const command = [process.execPath, join(ROOT, 'dist/bin/inetgw.js'), 'lo', '210', '1710', '--dry-run'];
    const { exitCode, stdout } = await execa(plain[0], [...plain.slice(1), ...command], { reject: false });
    expect(exitCode).toBe(EXIT.ok);
    expect(stdout).toContain('nft -f - <<');
    expect(stdout).not.toContain('iptables');
  });

  it('clears a device that has nothing, and one that does not exist', async () => {
    const nothing = await inetgw('lo', 'clear');
    expect([nothing.exitCode, nothing.stdout]).toEqual([EXIT.ok, 'lo: nothing to clear']);
    const gone = await inetgw('ppp7', 'clear');
    expect([gone.exitCode, gone.stdout]).toEqual([EXIT.ok, 'ppp7: the device is gone, nothing to clear']);
  });
});
