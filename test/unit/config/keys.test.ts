/** A key is one entry of a table: nothing that is made of it, or written about it, can be forgotten. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { makeProgram } from '../../../src/cli/inetgw/words/program.ts';
import { parseConfiguration } from '../../../src/config/file.ts';
import { settingsFromArguments, valuesFromFlags } from '../../../src/config/fromArguments.ts';
import {
  definitionOf,
  FILE_KEYS,
  optionName,
  SEARCH_KEY_NAMES,
  SHAPER_KEY_NAMES,
  type SearchKey,
  type ShaperKey,
  type ShaperOptions,
} from '../../../src/config/keys.ts';
import { checkTuning } from '../../../src/config/settings.ts';
import { valuesFromEnvironment } from '../../../src/config/values.ts';
import { firstKind } from '../../../src/plan/input/ingressKinds.ts';
import { DEFAULT_SETTINGS } from '../../../src/plan/input/settings.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';

/** For each key options that say something else than its default, with the keys that it needs beside it. */
const SAMPLES: Readonly<Record<ShaperKey, ShaperOptions>> = {
  framing: { framing: 'vdsl' },
  linklayer: { linklayer: 'ptm', overhead: '30' },
  overhead: { linklayer: 'atm', overhead: '44' },
  mpu: { linklayer: 'atm', overhead: '40', mpu: '64' },
  'down-min': { downMin: '1mbit' },
  'down-max': { downMax: '2mbit' },
  'up-min': { upMin: '100kbit' },
  'up-max': { upMax: '300kbit' },
  mark: { mark: '21' },
  'large-packet': { largePacket: '1000' },
  'large-downloads': { largeDownloads: false },
  'large-download': { largeDownload: '5mb' },
  'large-download-ports': { largeDownloadPorts: '80' },
  'interactive-ports': { interactivePorts: 'udp/5060' },
  'interactive-dscp': { interactiveDscp: 'af41' },
  'interactive-hosts': { interactiveHosts: '192.0.2.1' },
  'bulk-ports': { bulkPorts: '6881' },
  'bulk-dscp': { bulkDscp: 'af11' },
  'bulk-hosts': { bulkHosts: '192.0.2.2' },
  'large-upload': { largeUpload: '5mb' },
  'tunnel-ports': { tunnelPorts: 'udp/5000' },
  firewall: { firewall: 'none' },
  ingress: { ingress: 'shape' },
  pacing: { pacing: 'off' },
  fair: { fair: 'flow' },
};
const SEARCH_SAMPLES: Readonly<Record<SearchKey, string>> = {
  'ping-host': '"192.0.2.1"',
  'max-rtt': '60',
  'max-loss': '1',
};

const LINK = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;

/** The paragraph of a manual page below the item that begins so. */
function paragraph(page: string, item: RegExp): string {
  const [, text = ''] =
    new RegExp(`^\\.It (?:Fl|Cm) .*${item.source}.*\\n([^]*?)(?=^\\.It |^\\.El)`, 'm').exec(page) ?? [];
  return text;
}

const manual = await readFile(new URL('../../../docs/man/inetgw.8', import.meta.url), 'utf8');
const filePage = await readFile(new URL('../../../docs/man/inetgw.conf.5', import.meta.url), 'utf8');
const example = await readFile(new URL('../../../templates/inetgw.conf.example', import.meta.url), 'utf8');
const program = makeProgram(() => undefined);
const options = program.createHelp().visibleOptions(program);

describe.each(SHAPER_KEY_NAMES)('the key %s', (key) => {
  const definition = definitionOf(key);
  const sample = SAMPLES[key];

  it('changes what is set up, as a flag and as a variable of the environment', () => {
    const without = Object.fromEntries(Object.entries(sample).filter(([name]) => name !== optionName(key)));
    const { tuning, errors } = checkTuning(valuesFromFlags(sample));
    expect(errors).toEqual([]);
    expect(tuning).not.toEqual(checkTuning(valuesFromFlags(without)).tuning);
    const variables = SHAPER_KEY_NAMES.flatMap((each) => {
      const text = sample[optionName(each)];
      return text === undefined
        ? []
        : [[`INETGW_${each.toUpperCase().replaceAll('-', '_')}`, String(text)] as const];
    });
    expect(checkTuning(valuesFromEnvironment(Object.fromEntries(variables))).tuning).toEqual(tuning);
  });

  it('changes what is set up on the line', () => {
    // Which tool carries the rules is found out while they are made; whether any does, is said.
    const planOf = (options: ShaperOptions): Plan => {
      const { settings } = settingsFromArguments('ppp0', '210', '1710', options);
      const kernel = {
        leafQdisc: 'fq_codel',
        ingress: firstKind(settings.ingress, []),
        pacingObjectFile: '/run/inetgw/ppp0.pacing.o',
      } as const;
      return makePlan(settings, LINK, kernel, settings.firewall === 'none' ? undefined : 'nft');
    };
    // One of these needs the other.
    const isHalf = key === 'linklayer' || key === 'overhead';
    const without = Object.entries(sample).filter(([name]) => !isHalf && name !== optionName(key));
    expect(planOf(sample)).not.toEqual(planOf(Object.fromEntries(without)));
  });

  it('is an option whose help tells the default and all that it can be', () => {
    const option = options.find(({ long }) => long === `--${key}`);
    expect(option?.required).toBe(definition.form !== 'switch');
    if (definition.otherwise !== undefined)
      expect(option?.description).toContain(`(${definition.otherwise})`);
    // Framings are too many for a line: they stand in the text of the help, see help.test.ts.
    if (key !== 'framing')
      for (const word of definition.words ?? []) expect(option?.description).toContain(word);
  });

  it('has a default that is the one of the settings', () => {
    if (definition.otherwise === undefined) return;
    const { tuning, errors } = checkTuning(valuesFromFlags({ [optionName(key)]: definition.otherwise }));
    expect(errors).toEqual([]);
    expect(tuning).toEqual(DEFAULT_SETTINGS);
  });

  it('is explained in the manual page, with the default and all that it can be', () => {
    const item = new RegExp(`-${key}(?= |$)`, 'm');
    const all = manual.slice(manual.search(new RegExp(`^\\.It .*-${key}( |$)`, 'm')));
    const text = `${all.split('\n', 1)[0] ?? ''}\n${paragraph(manual, item)}`;
    if (definition.otherwise !== undefined) expect(text).toContain(definition.otherwise);
    for (const word of definition.words ?? [])
      expect(key === 'framing' ? all.split('.It Fl -linklayer')[0] : text).toMatch(
        new RegExp(`(^|[ ,])${word}([ ,.:]|$)`, 'm'),
      );
  });

  // Framings have a table of their own in the manual page, which that of the file refers to.
  if (key === 'framing') return;
  it('can be what the page of the file and its example name', () => {
    const ofFile = paragraph(filePage, new RegExp(`\\b${key}(?= |$)`, 'm'));
    const ofExample = example
      .slice(0, example.search(new RegExp(`^#?${key} = `, 'm')))
      .split('\n\n')
      .at(-1);
    for (const word of definition.words ?? []) {
      expect(ofFile).toContain(`\\(dq${word}\\(dq`);
      expect(ofExample).toMatch(new RegExp(`[ ,(]${word}\\b`));
    }
  });
});

it('every key of searchbw is taken from the file', () => {
  for (const key of SEARCH_KEY_NAMES) {
    const search = (text: string) =>
      parseConfiguration(`[ppp0]\nup = 210\ndown = 1710\n${text}`, 'f').sections[0]?.search;
    expect(search(`${key} = ${SEARCH_SAMPLES[key]}`)).not.toEqual(search(''));
  }
});

it('the file has the rates, the keys of the shaper and those of searchbw, and no others', () => {
  expect(Object.keys(FILE_KEYS)).toEqual(['up', 'down', ...SHAPER_KEY_NAMES, ...SEARCH_KEY_NAMES]);
});
