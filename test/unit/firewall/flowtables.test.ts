/** Flowtables as several versions of nft show them. */
import { expect, it } from 'vitest';
import { parseFlowtables } from '../../../src/firewall/flowtables.ts';

it.each([
  [
    '0.9.8 and 1.0.6',
    `table inet fw4 {
	flowtable ft {
		hook ingress priority filter
		devices = { g0, lan0 }
		counter
	}
}
table ip x {
	flowtable f {
		hook ingress priority 0
		devices = { lan1 }
		flags offload;
	}
}
`,
    [
      { name: 'inet fw4 ft', devices: ['g0', 'lan0'] },
      { name: 'ip x f', devices: ['lan1'] },
    ],
  ],
  [
    '1.1',
    'table inet fw4 {\n\tflowtable ft {\n\t\thook ingress priority filter\n\t\tdevices = { "br-lan", "eth1" }\n\t}\n}\n',
    [{ name: 'inet fw4 ft', devices: ['br-lan', 'eth1'] }],
  ],
  ['none', '', []],
  ['without devices', 'table inet x {\n\tflowtable f {\n\t\thook ingress priority filter\n\t}\n}\n', []],
])('%s', (_, shown, found) => {
  expect(parseFlowtables(shown)).toEqual(found);
});
