/** What searchbw takes from /etc/inetgw.conf. */
import { expect, it } from 'vitest';
import { configuredFraming, searchOptions } from '../../../src/cli/inetgw/words/configured.ts';
import { parseConfiguration, type DeviceSection } from '../../../src/config/file.ts';

function sectionWith(text: string): DeviceSection {
  const [section] = parseConfiguration(`[ppp0]\nup = 215\ndown = 1715\n${text}\n`, 'f').sections;
  if (section === undefined) throw new Error('no section');
  expect(section.errors).toEqual([]);
  return section;
}

it.each([
  ['', undefined],
  ['pacing = "auto"', undefined],
  ['pacing = "off"', 'off'],
  ['ingress = "shape-cake"', 'off'],
  ['ingress = "police"', undefined],
])('searchbw tries window pacing exactly where inetgw would use it: %s', (text, pacing) => {
  expect(searchOptions(sectionWith(text), {}).pacing).toBe(pacing);
});

it('searchbw measures with the framing that inetgw takes from the file, the shortest frame included', () => {
  const section = sectionWith('linklayer = "ethernet"\noverhead = 22\nmpu = 72');
  expect(searchOptions(section, {})).toEqual({ linklayer: 'ethernet', overhead: '22', mpu: '72' });
  expect(searchOptions(section, { mpu: '64' })).toEqual({});
  expect(configuredFraming(section)).toMatchObject({
    linkLayer: 'ethernet',
    overheadBytes: 22,
    mpuBytes: 72,
  });
  expect(configuredFraming(sectionWith(''))).toBeUndefined();
});
