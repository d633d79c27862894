/** `inetgw report`: what an inventory reads of a gateway, whatever is wrong there. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Report } from '../../src/cli/inetgw/show/report.ts';
import { inetgw, inNamespace, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

const command = `${process.execPath} ${ROOT}/dist/bin/inetgw.js report`;
/** In a network namespace of its own, with this machine's kernel and no configuration of it. */
const reported = async (script: string): Promise<{ code: number; report: Report }> => {
  const { code, stdout } = await inNamespace(`cd /run\n${script}`);
  return { code, report: JSON.parse(stdout) as Report };
};

describe('inetgw report', () => {
  beforeAll(build);

  it('of a machine where nothing is set up, has versions and no devices', async () => {
    const { code, report } = await reported(`echo >empty; ${command} --config empty`);
    expect([code, report.devices]).toEqual([0, []]);
    expect(report).toMatchObject({
      node: process.versions.node,
      privileged: true,
      configuration: { file: 'empty', ok: true, errors: [] },
      units: null,
    });
    expect(report.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('has what the file says of each device, and that it is not in force, with exit code 0', async () => {
    const { code, report } = await reported(
      `printf '[wan0]\\nup = 210\\ndown = "1.7mbit"\\nframing = "adsl"\\n' >file
       ip link add wan0 type ifb; ip link set wan0 up; ${command} --config file`,
    );
    expect(code).toBe(0);
    expect(report.devices).toMatchObject([
      {
        device: 'wan0',
        link: 'up',
        inForce: false,
        configured: 'not in force',
        section: { up: '210', down: '1.7mbit', framing: 'adsl' },
        error: null,
      },
    ]);
  });

  it('names what is wrong with the file, and has devices all the same', async () => {
    const { code, report } = await reported(
      `printf '[wan0]\\nup = 210\\ndwon = 1\\n' >file; ${command} --config file`,
    );
    expect(code).toBe(0);
    expect(report.configuration).toMatchObject({ ok: false });
    expect(report.configuration?.errors.join('\n')).toContain('"dwon" is not known');
    expect(report.devices).toMatchObject([{ device: 'wan0', configured: 'wrong' }]);
  });

  it('a file that is not there is told, with exit code 1, and does not hide what is set up', async () => {
    const { code, report } = await reported(
      `record=/run/inetgw/netns-$(stat -Lc %i /proc/self/ns/net)/lo.json
       mkdir -p \${record%/*}; echo '{}' >$record; ${command} --config nowhere`,
    );
    expect(code).toBe(1);
    expect(report.configuration).toEqual({
      file: 'nowhere',
      ok: false,
      errors: ['there is no file nowhere'],
    });
    expect(report.devices).toMatchObject([{ device: 'lo', inForce: false, error: null }]);
    expect(JSON.stringify(report.devices)).toContain('"record-damaged"');
  });

  it('takes no device, and nothing that would set one up', async () => {
    expect((await inetgw('report', 'ppp0')).stderr).toContain('report takes no device');
    expect((await inetgw('report', '--dry-run')).stderr).toContain('--dry-run does not go with report');
  });
});
