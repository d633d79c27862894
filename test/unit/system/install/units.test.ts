import { expect, it } from 'vitest';
import { parseUnits } from '../../../../src/system/install/units.ts';

it('units are read as systemctl show prints them, also those without a file', () => {
  const text =
    'Id=inetgw-heal.path\nActiveState=active\nUnitFileState=enabled\n\n' +
    'Id=inetgw@wan\\x2d1.service\nActiveState=failed\nUnitFileState=\n';
  expect(parseUnits(text)).toEqual([
    { unit: 'inetgw-heal.path', active: 'active', enabled: 'enabled' },
    { unit: 'inetgw@wan\\x2d1.service', active: 'failed', enabled: null },
  ]);
  expect(parseUnits('\n')).toEqual([]);
});
