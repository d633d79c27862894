/**
 * What several versions of iproute2 print of our own plans: test/fixtures/tc/VERSION/PLAN, recorded in the lab on
 * Debian 12's kernel by the tc of Debian 11 (5.10), 12 (6.1) and 13 (6.15), after 20 pings. The indices of the actions
 * were given their present numbers (plan/numbers/actionIndex.ts) afterwards. Classes and their filters (class.txt,
 * ifb-class.txt, ifb-filter.txt) were made of the plan shape-htb on loopback, without queues in them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { statisticsOf } from '../../../src/report/statistics/statistics.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';
import { DEFAULT_SETTINGS } from '../../../src/plan/input/settings.ts';
import {
  batchReason,
  failedBatchLine,
  parseFilters,
  parseTcView,
  UnreadableOutput,
} from '../../../src/tc/parse.ts';
import {
  actionsStanding,
  classesStand,
  filtersAt,
  isPlanned,
  classFiltersStand,
} from '../../../src/tc/standing.ts';
import { parseActionStatistics, parseQdiscStatistics } from '../../../src/tc/statistics.ts';

const folder = new URL('../../fixtures/tc/', import.meta.url);
const PLANS = {
  police: { ingress: 'police', pacing: 'off' },
  'shape-cake': { ingress: 'cake', pacing: 'off' },
  'shape-htb': { ingress: 'htb', pacing: 'off' },
  pacing: { ingress: 'police', pacing: 'bpf' },
} as const;
const recorded = readdirSync(folder).flatMap((version) =>
  (Object.keys(PLANS) as (keyof typeof PLANS)[]).map((plan) => ({ version, plan })),
);

/** The number of the device in the recording stands in the index of its actions. */
function ifindexOf(ingress: string): number {
  const [, police, other] = /police (0x4[0-9a-f]{7}) |index (\d{10})/.exec(ingress) ?? [];
  return (Number(police ?? other) & 0x3fff_ffff) >> 3;
}

function isJson(text: string): boolean {
  try {
    parseActionStatistics(text);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(UnreadableOutput);
    return false;
  }
}

it('are three, from 2020 to 2025', () => {
  expect(readdirSync(folder).sort()).toEqual(['5.10', '6.1', '6.15']);
});

describe.each(recorded)('iproute2 $version, $plan', ({ version, plan: name }) => {
  const { ingress, pacing } = PLANS[name];
  const read = (file: string): string => readFileSync(new URL(`${version}/${name}/${file}`, folder), 'utf8');

  it('what stands at root and ingress is seen, in JSON and in text', () => {
    const view = {
      root: { kind: 'htb', handle: '1:' },
      ingress: { kind: pacing === 'bpf' ? 'clsact' : 'ingress', handle: 'ffff:' },
    };
    expect(parseTcView(read('qdisc.json'))).toMatchObject(view);
    expect(parseTcView(read('qdisc.txt'))).toMatchObject(view);
    expect(parseTcView(read('qdisc-statistics.txt'))).toMatchObject(view);
  });

  const planFor = (ifindex: number) =>
    makePlan(
      { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 215_000, downBitPerSec: 1_500_000, pacing },
      { device: 'ppp0', ifindex, kind: 'ppp', mtuBytes: 1492 },
      // Recorded when nothing was done about IPsec.
      { leafQdisc: 'fq_codel', ingress, pacingObjectFile: '/run/inetgw/ppp0.pacing.o', hasIpsec: false },
      undefined,
    );

  it('the counters of the classes, the stages and the ifb are found', () => {
    const text = read('ingress.txt');
    const actions = read('ingress.json');
    const counters = parseQdiscStatistics(read('statistics.json'));
    const statistics = statisticsOf(
      planFor(ifindexOf(text)),
      '2026-01-01T00:00:00Z',
      {
        qdiscs: counters,
        actions: parseActionStatistics(isJson(actions) ? actions : text),
        rules: new Map(),
        queue: ingress === 'police' ? undefined : counters,
      },
      [],
    );
    expect(statistics.ingress.seenPackets).toBeGreaterThanOrEqual(20);
    if (name === 'police') expect(statistics.egress[0]?.sentPackets).toBeGreaterThanOrEqual(20);
    if (ingress !== 'police') expect(statistics.ingress.queue?.sentPackets).toBeGreaterThanOrEqual(20);
  });

  it('the actions at ingress are seen to stand, to be gone, and to be those of another device', () => {
    const text = read('ingress.txt');
    const plan = planFor(ifindexOf(text));
    // Recorded when there was no program behind the stages yet, and no action behind the one before them.
    const recordedOf = ({ tc }: Plan) =>
      filtersAt(tc, 'ppp0', 'ingress').flatMap((each): (typeof each)[] => {
        if (each.type === 'filter') return [each];
        return each.type === 'program' && each.section === 'ingress' ? [{ ...each, actions: [] }] : [];
      });
    const planned = recordedOf(plan);
    expect(actionsStanding(planned, text)).toBe('yes');
    expect(actionsStanding(planned, '')).toBe('no');
    expect(actionsStanding(planned, 'rubbish')).toBe('open');
    const other = planFor(plan.link.ifindex + 1);
    expect(actionsStanding(recordedOf(other), text)).toBe('no');
    const changes = [text.replace(/continue\/pipe/, 'pipe'), text.replace(/(\d+)Kbit/, '7Kbit')];
    if (version !== '5.10') changes.push(text.replace(/(skbedit .*) \w+ *$/m, '$1 drop'));
    for (const changed of ingress === 'police' ? changes : []) {
      expect(changed).not.toBe(text);
      expect(actionsStanding(planned, changed)).toBe('changed');
    }
    const lines = parseFilters(text);
    for (const line of lines.slice(0, 2)) expect(isPlanned(line, planned, true)).toBe(true);
    // The stages hand on what they do not decide on, except for the last one.
    expect(lines.at(-1)?.ends).toBe(true);
  });

  it('text and JSON of the actions say the same; only 5.10 prints police actions that are no JSON', () => {
    const json = read('ingress.json');
    if (version === '5.10' && ingress === 'police') expect(isJson(json)).toBe(false);
    else expect(parseActionStatistics(json)).toEqual(parseActionStatistics(read('ingress.txt')));
  });

  it('a batch that fails names its line and the reason', () => {
    const said = read('batch-error.txt');
    expect(failedBatchLine(said)).toBe(2);
    expect(batchReason(said)).toMatch(/exist|Exclusivity/);
  });
});

it.each(readdirSync(folder))('iproute2 %s: classes and filters that were changed are seen', (version) => {
  const read = (file: string): string =>
    readFileSync(new URL(`${version}/shape-htb/${file}`, folder), 'utf8');
  const { tc } = makePlan(
    { ...DEFAULT_SETTINGS, device: 'ppp0', upBitPerSec: 215_000, downBitPerSec: 1_500_000, pacing: 'off' },
    { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 },
    { leafQdisc: 'fq_codel', ingress: 'htb' },
    undefined,
  );
  for (const [device, shown] of [
    ['ppp0', read('class.txt')],
    ['igw-ppp0', read('ifb-class.txt')],
  ] as const) {
    expect(classesStand(tc, device, shown)).toBe(true);
    // With a queue in it a class is printed with its handle.
    expect(classesStand(tc, device, shown.replaceAll(' prio', ' leaf 10: prio'))).toBe(true);
    for (const changed of [
      shown.replace(/ rate \d+/, ' rate 7'),
      shown.replace(/ ceil \d+/, ' ceil 7'),
      shown.replace(/^class htb 1:20 .*\n/m, ''),
    ]) {
      expect(changed).not.toBe(shown);
      expect(classesStand(tc, device, changed)).toBe(false);
      // Where rates follow the line, others than those of the plan may stand there; the classes must.
      expect(classesStand(tc, device, changed, true)).toBe(changed.includes('class htb 1:20 '));
    }
    expect(classesStand(tc, device, 'what nobody can read')).toBe(true);
  }
  const filters = read('ifb-filter.txt');
  expect(classFiltersStand(tc, 'igw-ppp0', filters)).toBe(true);
  for (const changed of [
    '',
    filters.replace(/flowid 1:10/, 'flowid 1:20'),
    filters.replace('0000ff00', '0000f000'),
    filters.replace('01bb0000', '01bc0000'),
    filters.replace('00200000/00200000', '00100000/00100000'),
    filters.replace(/flowid 1:20/, 'flowid 1:10'),
    filters.replace(/^filter parent 1: protocol ipv6 [^]*$/m, ''),
  ])
    expect(classFiltersStand(tc, 'igw-ppp0', changed)).toBe(false);
});
