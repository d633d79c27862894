import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseServices, servicePort } from '../../../../src/system/exec/services.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'services-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('names of services', () => {
  it('are those of TCP with their aliases; the first line of a name counts', () => {
    const text = [
      '# comment 1/tcp',
      'domain 53/tcp # Domain Name Server',
      'tftp\t\t69/udp',
      'http\t80/tcp\twww # WorldWideWeb',
      'http 8888/tcp',
      'odd 70000x/tcp',
      '',
    ].join('\n');
    expect([...parseServices(text)]).toEqual([
      ['domain', 53],
      ['http', 80],
      ['www', 80],
    ]);
  });

  it('are meant in whichever case, as it is written there first', async () => {
    const file = join(folder, 'services');
    await writeFile(file, 'http 80/tcp www\nKerberos 88/tcp\nWWW 8080/tcp\n');
    expect(['HTTP', 'Http', 'www', 'WWW', 'Www', 'kerberos'].map((name) => servicePort(name, file))).toEqual([
      80, 80, 80, 8080, 80, 88,
    ]);
    expect(servicePort('Htpp', file)).toBe(`no TCP service Htpp in ${file}; type its number`);
  });

  it('are told to be unknown with what to do', () => {
    expect(servicePort('http')).toBe(80);
    expect(servicePort('htpp')).toBe('no TCP service htpp in /etc/services; type its number');
    expect(servicePort('http', '/nowhere/services')).toBe(
      'the service http is not known: /nowhere/services: there is no such file (Debian: apt-get install netbase); type its number',
    );
  });
});
