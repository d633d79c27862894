import { existsSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  COMMAND_TURNS,
  commandPathOf,
  FIRST_FILES,
  LONG_FILES,
  pathOf,
  turnOfTheDay,
  TURNS,
} from '../../labFiles.ts';

test('each file of the lab is run by npm test, in one turn, or in the long form; and each that is named is there', () => {
  const there = readdirSync('test/lab').filter((name) => name.endsWith('.test.ts'));
  const named = new Set([...FIRST_FILES, ...TURNS.flat(), ...LONG_FILES].map(pathOf));
  expect([...named].toSorted()).toEqual(there.map((name) => `test/lab/${name}`).toSorted());
  for (const names of [FIRST_FILES, TURNS.flat(), LONG_FILES]) expect(names).toEqual([...new Set(names)]);
});

test('each file beside the lab that npm test leaves out is there, and has a turn', () => {
  for (const name of COMMAND_TURNS) expect(existsSync(commandPathOf(name))).toBe(true);
  expect(COMMAND_TURNS.length).toBeLessThanOrEqual(TURNS.length);
});

test('each turn has its day within as many days as there are', () => {
  const days = TURNS.map((_, n) => turnOfTheDay(new Date(Date.UTC(2026, 11, 30 + n, 12))));
  expect(days.toSorted()).toEqual([...TURNS.keys()]);
});
