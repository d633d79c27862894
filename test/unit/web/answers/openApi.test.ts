/** The description of the API is OpenAPI 3.1, and answers are as it says. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../../../src/conditions/find.ts';
import { CONDITIONS } from '../../../../src/conditions/table.ts';
import { pingFigures } from '../../../../src/report/watch/pings.ts';
import { answerTo, changedAnswer, sampleEvent } from '../../../../src/web/answers/answers.ts';
import { reportsJson } from '../../../../src/web/answers/reports.ts';
import { openApi } from '../../../../src/web/answers/openApi.ts';
import { Histories } from '../../../../src/web/feed/histories.ts';
import type { Snapshot } from '../../../../src/web/feed/snapshot.ts';
import { someSnapshot, type SnapshotLine } from '../someSnapshot.ts';

const description = openApi('1.2.3');
const ajv = new Ajv2020({ strict: true, allErrors: true });
ajv.addVocabulary(['components', 'openapi', 'info', 'servers', 'security', 'paths']);
ajv.addSchema({ $id: 'https://inetgw.invalid/openapi', ...description });

/** What is wrong with the value; empty: it is as described. */
function faults(pointer: string, value: unknown): string {
  const validate = ajv.getSchema(`https://inetgw.invalid/openapi#${pointer}`);
  if (validate === undefined) throw new Error(`no schema at ${pointer}`);
  return validate(value) === true ? '' : ajv.errorsText(validate.errors);
}

const escaped = (text: string): string => text.replaceAll('~', '~0').replaceAll('/', '~1');
const AT_MS = 1_795_743_852_972;

function ask(
  path: string,
  snapshot: Snapshot | undefined,
  changes?: boolean,
): { status: number; value: unknown } {
  const histories = new Histories();
  if (snapshot !== undefined) histories.add(snapshot);
  histories.decide({ kind: 'decision', device: 'ppp0', atMs: AT_MS, text: 'down 20 Mbit/s → 4 Mbit/s' });
  const { status = 0, body = '' } = answerTo(path, snapshot, histories, changes) ?? {};
  return { status, value: JSON.parse(body) };
}

it('it is OpenAPI 3.1', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(description));
  expect([result.valid, result.errors]).toEqual([true, undefined]);
  expect(validator.version).toBe('3.1');
});

const RATE = { bitPerSec: 4e6, phase: 'hold', since: '2026-11-27T12:00:00.000Z' } as const;
const LIMITS = { leastBitPerSec: 3e6, mostBitPerSec: 20e6 };
const LINES: Record<string, SnapshotLine> = {
  'with window pacing': {},
  'shaped by a queue': { ingress: 'cake' },
  policed: { ingress: 'police', options: { pacing: 'off' } },
  'with a condition': {
    conditions: [{ id: 'mtu-lowered', severity: 'warning', text: 'it is', remedy: 'set it up again' }],
  },
  followed: { following: { limits: { up: LIMITS, down: LIMITS }, pid: 7, up: RATE, down: RATE } },
};

it('reports of searchbw are as described', () => {
  const directions = [
    { direction: 'down', recommendedBitPerSec: 17e5 },
    { direction: 'up', recommendedBitPerSec: null },
  ] as const;
  const report = {
    name: 'a b.json',
    device: 'ppp0',
    finishedAtMs: AT_MS,
    directions,
    page: '<!DOCTYPE html>',
  };
  for (const reports of [[], [report]]) {
    const json = reportsJson(reports);
    expect(faults('/paths/~1api~1v1~1reports/get/responses/200/content/application~1json/schema', json)).toBe(
      '',
    );
  }
});

describe.each(Object.entries(LINES))('answers of a device %s', (_, line) => {
  const snapshot = someSnapshot(AT_MS, line);
  it.each([
    '/api/v1/devices',
    '/api/v1/devices/{dev}',
    '/api/v1/hosts/{dev}',
    '/api/v1/history/{dev}',
    '/api/v1/openapi.json',
  ])('%s is as described', (path) => {
    const { status, value } = ask(path.replace('{dev}', 'ppp0'), snapshot);
    const schema = `/paths/${escaped(path)}/get/responses/${String(status)}/content/application~1json/schema`;
    expect([status, faults(schema, value)]).toEqual([200, '']);
  });
  it('an event is as described', () => {
    expect(faults('/components/schemas/SampleEvent', sampleEvent(snapshot))).toBe('');
  });
  it.each([
    [{ host: '192.0.2.1', reason: null }, [3, 5]],
    [{ host: '192.0.2.1', reason: '192.0.2.1: it does not answer any longer' }, []],
    [{ host: null, reason: null }, []],
  ])('an event with pings to %j, of %j ms, is as described', (hop, roundTripsMs) => {
    const answers = roundTripsMs.map((roundTripMs, index) => ({ atMs: 1000 * index, roundTripMs }));
    const ping = pingFigures(answers, 2000, hop);
    const devices = snapshot.devices.map((each) =>
      'figures' in each ? { ...each, figures: { ...each.figures, ping } } : each,
    );
    const event = sampleEvent({ ...snapshot, devices });
    expect(event).toMatchObject({ devices: [{ figures: { ping } }] });
    expect(faults('/components/schemas/SampleEvent', event)).toBe('');
  });
});

describe('a device that is paused', () => {
  const paused = { sinceMs: AT_MS, untilMs: null, upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
  const conditions = conditionsOf(
    { device: 'ppp0', link: undefined, record: undefined, paused: { ...paused, isOver: false } },
    CONDITIONS,
  );
  const reading = { phase: undefined, conditions, statistics: undefined, isWhole: false };
  const devices = [{ device: 'ppp0', reading, paused }];
  const snapshot: Snapshot = { kind: 'snapshot', atMs: AT_MS, devices };
  it('is told as described, as not in force, with the condition that says so', () => {
    const list = ask('/api/v1/devices', snapshot, true);
    const at = `/paths/${escaped('/api/v1/devices')}/get/responses/200/content/application~1json/schema`;
    expect([list.status, faults(at, list.value)]).toEqual([200, '']);
    expect(list.value).toMatchObject({ changes: true, devices: [{ device: 'ppp0', paused }] });
    const one = ask('/api/v1/devices/ppp0', snapshot);
    expect([one.status, faults('/components/schemas/NotInForce', one.value)]).toEqual([200, '']);
    expect(faults('/components/schemas/SampleEvent', sampleEvent(snapshot))).toBe('');
    expect(one.value).toMatchObject({ inForce: false, conditions: [{ id: 'paused' }] });
    const hosts = ask('/api/v1/hosts/ppp0', snapshot);
    expect([hosts.status, hosts.value]).toEqual([503, { error: 'it is paused' }]);
    const metrics = answerTo('/metrics', snapshot, new Histories())?.body.split('\n') ?? [];
    expect(metrics.filter((line) => /^inetgw_condition\{device="ppp0".* [1-9]/.test(line))).toEqual([
      'inetgw_condition{device="ppp0",code="paused",severity="broken"} 1',
    ]);
    expect(metrics).toContain('inetgw_in_force{device="ppp0"} 0');
  });
});

it.each(['rates', 'pause', 'resume', 'clear'] as const)('%s is answered as described', (word) => {
  const path = `/paths/${escaped(`/api/v1/devices/{dev}/${word}`)}/post/responses`;
  const said = { kind: 'changed', id: 1, message: 'it is', warnings: ['but'] } as const;
  const body = (status: 200 | 409): unknown =>
    JSON.parse(changedAnswer({ device: 'ppp0', word }, { ...said, status }).body);
  for (const status of [200, 409] as const)
    expect(faults(`${path}/${status}/content/application~1json/schema`, body(status))).toBe('');
});

it.each([
  [404, someSnapshot(AT_MS), 'eth9'],
  [404, undefined, 'ppp0'],
  [404, someSnapshot(AT_MS), '%ff'],
  [503, { kind: 'snapshot', atMs: AT_MS, devices: [{ device: 'ppp0', error: 'no tc' }] }, 'ppp0'],
] as const)('%i is told as described', (wanted, snapshot, device) => {
  const { status, value } = ask(`/api/v1/devices/${device}`, snapshot);
  const schema = `/paths/${escaped('/api/v1/devices/{dev}')}/get/responses/${String(wanted)}/content/application~1json/schema`;
  expect([status, faults(schema, value)]).toEqual([wanted, '']);
});

it('a device that is not in force is told as inetgw DEV --json tells it', () => {
  const conditions = [{ id: 'x', severity: 'broken', text: 'gone', remedy: 'set it up' }] as const;
  const reading = { phase: 'active', conditions, statistics: undefined, isWhole: false } as const;
  const figures = { device: 'ppp0', isWhole: false, overMs: null, line: null, ping: null, conditions };
  const snapshot = {
    kind: 'snapshot',
    atMs: AT_MS,
    devices: [{ device: 'ppp0', reading, figures }],
  } as const;
  const { status, value } = ask('/api/v1/devices/ppp0', snapshot);
  expect([status, value]).toEqual([200, { device: 'ppp0', inForce: false, conditions }]);
  expect(faults('/components/schemas/NotInForce', value)).toBe('');
  expect(faults('/components/schemas/SampleEvent', sampleEvent(snapshot))).toBe('');
});
