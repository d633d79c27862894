import { describe, expect, it } from 'vitest';
import { statusExitCode, type DeviceStatus } from '../../../../../src/cli/inetgw/show/status.ts';

type Seen = Pick<DeviceStatus, 'link' | 'state' | 'configured'>;
const device = (link: Seen['link'], state: Seen['state'], configured: Seen['configured']): Seen => ({
  link,
  state,
  configured,
});

describe('the exit code of inetgw status', () => {
  it.each([
    [0, 'nothing at all', []],
    [0, 'shaped as the file says', [device('up', 'shaped', 'in force')]],
    [0, 'shaped, and in no file', [device('up', 'shaped', 'no')]],
    [0, 'a section without rates', [device('up', 'unshaped', 'without rates')]],
    [0, 'what inetgw apply leaves alone', [device('absent', 'unshaped', 'not in force')]],
    [0, 'the same for a device that is down', [device('down', 'unshaped', 'not in force')]],
    [3, 'up and not set up', [device('up', 'unshaped', 'not in force')]],
    [3, 'shaped otherwise than the file says', [device('up', 'shaped', 'not in force')]],
    [3, 'disturbed, whatever the file says', [device('up', 'disturbed', 'no')]],
    [3, 'paused', [device('up', 'paused', 'no')]],
    [3, 'a section with errors', [device('up', 'unshaped', 'wrong')]],
    [3, 'a section with errors of a device that is not there', [device('absent', 'unshaped', 'wrong')]],
    [3, 'one of several', [device('up', 'shaped', 'in force'), device('down', 'disturbed', 'in force')]],
  ] as const)('is %i: %s', (code, _, all) => {
    expect(statusExitCode(all)).toBe(code);
  });
});
