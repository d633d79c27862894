import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseHostNames } from '../../../src/core/hostNames.ts';

const namesOf = (text: string): Record<string, string> | undefined => {
  const names = parseHostNames(text);
  return names === undefined ? undefined : Object.fromEntries(names);
};

describe('names of hosts', () => {
  it('of dnsmasq: IPv4, IPv6 and hosts that gave none', () => {
    expect(
      namesOf(
        [
          '1700000000 02:00:00:00:00:14 192.168.1.20 laptop 01:02:00:00:00:00:14',
          '1700000000 02:00:00:00:00:15 192.168.1.21 * *',
          'duid 00:01:00:01:2a',
          '1700000000 1234 2001:DB8:0::14 laptop 00:01:00:01:2b',
          '',
        ].join('\n'),
      ),
    ).toEqual({ '192.168.1.20': 'laptop', '2001:db8::14': 'laptop' });
  });
  it('of Kea: by the column that is called so; the last lease of an address counts', () => {
    expect(
      namesOf(
        [
          'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id',
          '192.168.1.20,02:00:00:00:00:14,,3600,1700000000,1,0,0,old.home.,0,,0',
          '192.168.1.20,02:00:00:00:00:14,,3600,1700003600,1,0,0,tv.home.,0,,0',
          '192.168.1.21,02:00:00:00:00:15,,3600,1700003600,1,0,0,,0,,0',
        ].join('\n'),
      ),
    ).toEqual({ '192.168.1.20': 'tv.home' });
  });
  it('of dhcpd: the name that the host gave', () => {
    const lease = (address: string, more: string): string =>
      `lease ${address} {\n  starts 4 2026/11/26 10:00:00;\n  binding state active;\n${more}}\n`;
    expect(
      namesOf(
        `# The format of this file is documented in dhcpd.leases(5)\n${lease('192.168.1.20', '  client-hostname "My phone";\n')}${lease('192.168.1.21', '')}`,
      ),
    ).toEqual({ '192.168.1.20': 'My phone' });
  });
  it('of a hosts file: the first name of each line, comments are none', () => {
    expect(
      namesOf('127.0.0.1 localhost\n192.168.1.20\tnas nas.home # the box\n#192.168.1.21 gone\n'),
    ).toEqual({
      '127.0.0.1': 'localhost',
      '192.168.1.20': 'nas',
    });
  });
  it('are none where there is no lease yet, and not to be had from any other file', () => {
    expect(namesOf('')).toEqual({});
    expect(namesOf('# nothing yet\n')).toEqual({});
    expect(
      namesOf('address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n'),
    ).toEqual({});
    expect(namesOf('root:x:0:0:root:/root:/bin/bash\n')).toBeUndefined();
    expect(namesOf('{"leases": []}')).toBeUndefined();
  });
  it('write nothing elsewhere on a screen, whatever a host calls itself, and are of the length of one label', () => {
    const text = '1 02:00:00:00:00:14 192.168.1.20 \u001b[2Jevil\u202e 01\n';
    expect(namesOf(text)).toEqual({ '192.168.1.20': '\\x1b[2Jevil\\u{202e}' });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        for (const each of (parseHostNames(`10.0.0.1 ${name}`) ?? new Map<string, string>()).values())
          // eslint-disable-next-line no-control-regex
          expect(each).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
