import { configDefaults, defineConfig } from 'vitest/config';
import { HANG_MS } from './test/hang.ts';
import LongestFirst from './test/longestFirst.ts';

/** Each fault at each call takes many minutes: `npm run faults`, not part of `npm test`. */
const withFaults = process.env['INETGW_FAULTS'] !== undefined;

/** Stops in real time for a test that hangs; a test that takes its time on a busy machine is no failure. */
const patient = {
  testTimeout: 2 * HANG_MS,
  hookTimeout: 2 * HANG_MS,
  expect: { poll: { timeout: HANG_MS, interval: 20 } },
};

/**
 * One kind of test after the other (`groupOrder`); `npm test` runs the lab beside the others (scripts/test.ts). The
 * numbers of workers stand here, since vitest's own depend on the machine.
 */
export default defineConfig({
  test: {
    teardownTimeout: HANG_MS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/golden/**/*.test.ts'],
          ...patient,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'cli',
          include: ['test/cli/**/*.test.ts'],
          ...patient,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'packages',
          include: ['test/packages/**/*.test.ts'],
          // The first run makes a Debian root, from an archive as far away as it may be.
          ...patient,
          hookTimeout: 3600_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...(withFaults ? [] : ['test/lab/faults*.test.ts'])],
          // Two guests, each in a process of its own that serves one file of the lab after another.
          pool: 'forks',
          maxWorkers: 2,
          isolate: false,
          sequence: { groupOrder: 3 },
          globalSetup: ['test/lab/globalTeardown.ts'],
          // For a test that hangs; the limits proper count the guest's time (test/lab/limits.ts).
          testTimeout: 3 * 3600_000,
          hookTimeout: 3 * 3600_000,
        },
      },
    ],
  },
});
