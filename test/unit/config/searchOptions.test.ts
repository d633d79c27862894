/** What searchbw takes from /etc/inetgw.conf. */
import { expect, it } from 'vitest';
import { searchOptions } from '../../../src/cli/configured.ts';
import { parseConfiguration } from '../../../src/config/file.ts';

it.each([
  ['', undefined],
  ['pacing = "auto"', undefined],
  ['pacing = "off"', 'off'],
  ['ingress = "shape-cake"', 'off'],
  ['ingress = "police"', undefined],
])('searchbw tries window pacing exactly where inetgw would use it: %s', (text, pacing) => {
  const [section] = parseConfiguration(`[ppp0]\nup = 215\ndown = 1715\n${text}\n`, 'f').sections;
  if (section === undefined) throw new Error('no section');
  expect(section.errors).toEqual([]);
  expect(searchOptions(section, {}).pacing).toBe(pacing);
});
