/** Words as people put them: understood, or answered with what to type. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMMAND_WORDS } from '../../../../../src/cli/inetgw/words/commands.ts';
import {
  bareDevice,
  refuseRateFirst,
  understoodWords,
  type NamedRates,
} from '../../../../../src/cli/inetgw/words/words.ts';
import { EXIT, UserError } from '../../../../../src/core/errors.ts';

const understood = (line: string, named: NamedRates = {}): string =>
  understoodWords(line.split(' '), named).join(' ');

/** The two lines of the error. */
function answer(line: string, named: NamedRates = {}): string {
  try {
    return `understood as ${understood(line, named)}`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.exitCode).toBe(EXIT.usage);
    return `${error.message} | ${error.hint ?? ''}`;
  }
}

describe('what can mean one thing only', () => {
  it.each([
    ['ppp0', 'ppp0'],
    ['ppp0 clear', 'ppp0 clear'],
    ['ppp0 210 1710', 'ppp0 210 1710'],
    ['clear ppp0', 'ppp0 clear'],
    ['show ppp0', 'ppp0'],
    ['stats ppp0', 'ppp0'],
    ['ppp0 show', 'ppp0'],
    ['ppp0 status', 'ppp0'],
    ['status ppp0', 'ppp0'],
    ['status', 'status'],
    ['ppp0 10mbit up 50mbit down', 'ppp0 10mbit 50mbit'],
    ['ppp0 50mbit download 10mbit upload', 'ppp0 10mbit 50mbit'],
    ['ppp0 check', 'check ppp0'],
    ['ppp0 apply', 'apply ppp0'],
    ['ppp0 10 mbit 50 mbit', 'ppp0 10mbit 50mbit'],
    ['ppp0 10 Mbit/s 50mbit', 'ppp0 10Mbit/s 50mbit'],
    ['ppp0 up 10mbit down 50mbit', 'ppp0 10mbit 50mbit'],
    ['ppp0 download 50mbit upload 10mbit', 'ppp0 10mbit 50mbit'],
    ['ppp0 down=50mbit up=10mbit', 'ppp0 10mbit 50mbit'],
    ['ppp0 DOWN:50mbit 10mbit', 'ppp0 10mbit 50mbit'],
    ['eth0@if5 20mbit 100mbit', 'eth0 20mbit 100mbit'],
    ['eth0.7@eth0: clear', 'eth0.7 clear'],
    ['ppp0:', 'ppp0'],
    ['check eth0@if5', 'check eth0'],
    ['rules egress eth0@if5', 'rules egress eth0'],
    ['apply eth0@if5:', 'apply eth0'],
    ['config check a@b', 'config check a@b'],
    ['install-hook ppp ppp* 210 1710', 'install-hook ppp ppp* 210 1710'],
    ['install-hook ppp ppp0 10 mbit 50 mbit', 'install-hook ppp ppp0 10mbit 50mbit'],
    ['install-hook systemd eth1', 'install-hook systemd eth1'],
  ])('%s is %s', (line, words) => {
    expect(understood(line)).toBe(words);
  });
  it.each([
    ['ppp0', { up: '10mbit', down: '50mbit' }, 'ppp0 10mbit 50mbit'],
    ['ppp0 10mbit', { down: '50mbit' }, 'ppp0 10mbit 50mbit'],
    ['ppp0 50mbit', { up: '10mbit' }, 'ppp0 10mbit 50mbit'],
    ['ppp0 down 50mbit', { up: '10mbit' }, 'ppp0 10mbit 50mbit'],
    ['install-hook ppp ppp0', { up: '10mbit', down: '50mbit' }, 'install-hook ppp ppp0 10mbit 50mbit'],
  ])('%s with %o is %s', (line, named, words) => {
    expect(understood(line, named)).toBe(words);
  });
  it('leaves alone what is in order, whatever it says', () => {
    const word = fc.stringMatching(/^[a-z]{3}[0-9]{1,2}$/);
    const rate = fc.stringMatching(/^[1-9][0-9]{1,4}(mbit|kbit|Mbps)?$/);
    fc.assert(
      fc.property(word, rate, rate, (device, up, down) => {
        expect(understoodWords([device, up, down], {})).toEqual([device, up, down]);
        expect(understoodWords([device], { up, down })).toEqual([device, up, down]);
        expect(understoodWords([device, 'down', down, 'up', up], {})).toEqual([device, up, down]);
      }),
    );
  });
});

describe('what to type instead', () => {
  it.each([
    ...['stop', 'off', 'remove', 'del', 'delete', 'reset', 'disable', 'down'].flatMap((verb) => [
      [`ppp0 ${verb}`, `inetgw has no word '${verb}' | to take everything away: inetgw ppp0 clear`],
      [`${verb} ppp0`, `inetgw has no word '${verb}' | to take everything away: inetgw ppp0 clear`],
    ]),
    ['ppp0 210 1710 off', "inetgw has no word 'off' | to take everything away: inetgw ppp0 clear"],
    [
      'ppp0 210 1710 clear',
      "'ppp0 210 1710 clear' would both set up and clear | to take everything away: inetgw ppp0 clear",
    ],
    ['ppp0 claer', "'ppp0 claer' is not understood | did you mean: inetgw ppp0 clear?"],
    ['clear', 'clear which device? | for example: inetgw ppp0 clear; all devices: inetgw clear --all'],
    ['show', 'show what? | all devices: inetgw status; one of them: inetgw ppp0'],
    [
      'start ppp0',
      "inetgw has no word 'start' | type: inetgw ppp0 UP DOWN, or inetgw apply ppp0 for what the file says",
    ],
    ['set ppp0 10mbit 50mbit', "inetgw has no word 'set' | type: inetgw ppp0 10mbit 50mbit"],
    ['apply ppp0 10mbit 50mbit', 'apply takes its rates from the file | type: inetgw ppp0 10mbit 50mbit'],
    ['uninstall-hook ppp ppp0', 'there is no uninstall-hook | type: inetgw install-hook ppp ppp0 --remove'],
    ['remove-hook', 'there is no remove-hook | type: inetgw install-hook KIND DEV --remove'],
    [
      'ppp0 210',
      "'ppp0 210': UP and DOWN are both needed, or 'clear' | for example: inetgw ppp0 210 1710, inetgw ppp0, inetgw ppp0 clear",
    ],
    [
      'ppp0 1 2 3',
      "'ppp0 1 2 3' is one word too many | for example: inetgw ppp0 210 1710, inetgw ppp0, inetgw ppp0 clear",
    ],
    ['ppp0 up 10 up 20', 'UP is said twice | for example: inetgw ppp0 --up 10mbit --down 50mbit'],
  ])('%s', (line, text) => {
    expect(answer(line)).toBe(text);
  });
  it.each([
    ['ppp0', { up: '10mbit' }, "'ppp0 --up 10mbit': UP and DOWN are both needed, or 'clear'"],
    ['ppp0 10mbit 50mbit', { up: '10mbit' }, "UP is said twice: '10mbit 50mbit' beside names"],
    ['ppp0 10mbit', { up: '10mbit', down: '50mbit' }, "a rate is said twice: '10mbit' beside names"],
    ['status', { up: '10mbit' }, '--up 10mbit does not go with status'],
    [
      'install-hook ppp ppp0',
      { up: '10mbit' },
      "'install-hook ppp ppp0 --up 10mbit': UP and DOWN are both needed",
    ],
  ])('%s with %o', (line, named, text) => {
    expect(answer(line, named)).toContain(text);
  });
  it('is words and never a crash, for any words', () => {
    const word = fc.oneof(
      fc.constantFrom(
        ...COMMAND_WORDS,
        'clear',
        'show',
        'off',
        'set',
        'up',
        'down',
        'up=1',
        'mbit',
        '10',
        'ppp0',
        '',
      ),
      fc.string({ maxLength: 8 }),
    );
    const named = fc.record({
      up: fc.option(word, { nil: undefined }),
      down: fc.option(word, { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), named, (words, rates) => {
        try {
          const result = understoodWords(words, rates);
          expect(result.length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
    );
  });
});

it('takes off a device what ip link prints around its name', () => {
  expect(['eth0@if5', 'eth0@if5:', 'ppp0:', 'eth0.7@eth0', 'ppp*', 'eth0:1'].map(bareDevice)).toEqual([
    ...['eth0', 'eth0', 'ppp0', 'eth0.7', 'ppp*', 'eth0:1'],
  ]);
});

describe('a rate in the place of the device', () => {
  it.each([
    ['10mbit 50mbit eth0', 'type: inetgw eth0 10mbit 50mbit'],
    ['10 mbit 50 mbit eth0', 'type: inetgw eth0 10mbit 50mbit'],
    ['10mbit up 50mbit down eth0', 'type: inetgw eth0 10mbit 50mbit'],
    ['10mbit eth0 50mbit', 'type: inetgw eth0 10mbit 50mbit'],
    ['10mbit up 50mbit down', 'type: inetgw DEV 10mbit 50mbit'],
    ['210 1710', 'type: inetgw DEV 210 1710'],
    ['10mbit eth0', 'type: inetgw eth0 UP DOWN'],
  ])('%s', (line, hint) => {
    expect(() => {
      refuseRateFirst(line.split(' '), {});
    }).toThrow(expect.objectContaining({ exitCode: EXIT.usage, hint }));
  });
});
