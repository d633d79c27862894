/** What may be asked to be changed: anything else is refused in one line. */
import { describe, expect, it } from 'vitest';
import { changePlace, parseChange, type ChangeWord } from '../../../../src/web/feed/change.ts';
import { parseBackLine } from '../../../../src/web/feed/snapshot.ts';

const problem = (word: ChangeWord, body: unknown): string => {
  const parsed = parseChange(word, body);
  return 'problem' in parsed ? parsed.problem : '';
};

it('each change has its place', () => {
  expect(changePlace('/api/v1/devices/ppp0/rates')).toEqual({ device: 'ppp0', word: 'rates' });
  expect(changePlace('/api/v1/devices/wan%2Fx/clear')).toEqual({ device: 'wan/x', word: 'clear' });
  for (const path of ['/api/v1/devices/ppp0', '/api/v1/devices/ppp0/reboot', '/api/v1/devices/%ff/clear'])
    expect(changePlace(path)).toBeUndefined();
});

describe('rates', () => {
  it.each([
    [{ up: 210, down: '1.7mbit' }, 210_000, 1_700_000],
    [{ up: '300' }, 300_000, undefined],
    [{ down: '16 Mbit/s' }, undefined, 16_000_000],
  ])('%j, as on the command line', (body, upBitPerSec, downBitPerSec) => {
    expect(parseChange('rates', body)).toEqual({ word: 'rates', upBitPerSec, downBitPerSec });
  });
  it.each([
    [{}, 'rates takes up, down, or both: {"up": 210, "down": "1.7mbit"}'],
    [
      { up: '--yes' },
      'up is "--yes", which is no rate: numbers are kbit/s; 1.7mbit, 16Mbit/s and 1gbit are understood too',
    ],
    [
      { up: -1 },
      'up is "-1", which is no rate: numbers are kbit/s; 1.7mbit, 16Mbit/s and 1gbit are understood too',
    ],
    [
      { down: '2MB/s' },
      `down is "2MB/s", which is no rate: 'MB/s' is bytes: type 16mbit, or 2mbit if bits are meant`,
    ],
    [{ up: null }, 'up is no number and no short text'],
    [{ up: '1'.repeat(33) }, 'up is no number and no short text'],
    [{ up: 1, upp: 2 }, '"upp" is nothing that rates takes: up, down'],
    [[], 'the body has to be a JSON object, {} at least'],
    [null, 'the body has to be a JSON object, {} at least'],
  ])('%j: %s', (body, wanted) => {
    expect(problem('rates', body)).toBe(wanted);
  });
});

it('a pause has an end, or none; nothing else takes anything', () => {
  expect(parseChange('pause', { minutes: 5 })).toEqual({ word: 'pause', minutes: 5 });
  expect(parseChange('pause', {})).toEqual({ word: 'pause', minutes: undefined });
  for (const minutes of [0, 1.5, 1441, '5', null])
    expect(problem('pause', { minutes })).toBe('minutes is a whole number from 1 to 1440');
  expect(parseChange('resume', {})).toEqual({ word: 'resume' });
  expect(problem('clear', { all: true })).toBe('"all" is nothing that clear takes');
});

it('a line of the process that listens is a change only with all its parts', () => {
  const line = { kind: 'change', id: 1, from: 'x', token: 't', device: 'ppp0', word: 'clear', body: {} };
  expect(parseBackLine(JSON.stringify(line))).toEqual(line);
  for (const part of ['id', 'from', 'token', 'device', 'word'])
    expect(parseBackLine(JSON.stringify({ ...line, [part]: null }))).toBeUndefined();
  expect(parseBackLine(JSON.stringify({ ...line, word: 'reboot' }))).toBeUndefined();
});
