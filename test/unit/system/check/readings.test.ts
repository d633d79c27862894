/** How many programs a reading starts, which docs/monitoring.md says: on a small gateway they are most of what a look costs. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../../../src/config/fromArguments.ts';
import type { KernelFacts } from '../../../../src/plan/input/link.ts';
import { makePlan } from '../../../../src/plan/plan.ts';
import { readReadings } from '../../../../src/system/check/readings.ts';

const LINK = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;
const KINDS = [
  ['with window pacing', { pacingObjectFile: '/run/p.o' }, 'tc perl', 4],
  ['with a queue that shapes', { ingress: 'cake' }, 'tc', 3],
  ['with the stages alone', { ingress: 'police' }, 'tc', 2],
] satisfies [string, Partial<KernelFacts>, programs: string, lists: number][];
const IN_WORDS = ['none', 'one', 'two'];

/**
 * Names of the programs that a reading starts, which all find nothing.
 * @param batched whether what tc prints for several lists can be taken apart
 */
async function startedFor(
  kernel: Partial<KernelFacts>,
  rulesToo: boolean,
  batched = true,
): Promise<string[]> {
  const { settings } = settingsFromArguments('ppp0', '210', '1710', {});
  const plan = makePlan(settings, LINK, { leafQdisc: 'fq_codel', ...kernel }, 'nft');
  const started: string[] = [];
  await readReadings(plan, rulesToo, ([program], { input = '\n' } = {}) => {
    started.push(program);
    const lists = batched ? input.replaceAll(/.*\n/g, '[]\n') : '[]';
    return Promise.resolve({ code: 0, stdout: program === 'tc' ? lists : '', stderr: '' });
  });
  return started.toSorted((one, other) => Number(one !== 'tc') - Number(other !== 'tc'));
}

describe.each(KINDS)('a reading of the counters %s', (_, kernel, programs, lists) => {
  it(`starts ${programs}`, async () => {
    expect((await startedFor(kernel, false)).join(' ')).toBe(programs);
  });
  it('and nft besides for what its rules counted', async () => {
    const started = await startedFor(kernel, true);
    expect(started.toSorted()).toEqual([...programs.split(' '), 'nft'].toSorted());
  });
  it('asks for each list alone where what tc prints of all cannot be taken apart', async () => {
    const started = await startedFor(kernel, false, false);
    expect(started.join(' ')).toBe(`${'tc '.repeat(lists)}${programs}`);
  });
});

it('docs/monitoring.md has the same numbers', async () => {
  const page = await readFile(new URL('../../../../docs/monitoring.md', import.meta.url), 'utf8');
  const [paced = '', queue = '', stages = ''] = KINDS.map(
    ([, , programs]) => IN_WORDS[programs.split(' ').length] ?? '',
  );
  expect(queue).toBe(stages);
  expect(page.replaceAll(/\s+/g, ' ')).toContain(
    `Each shaped device adds ${queue} program a reading, with window pacing ${paced},`,
  );
});
