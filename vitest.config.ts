import { configDefaults, defineConfig } from 'vitest/config';

/** Each fault at each call takes many minutes: `npm run faults`, not part of `npm test`. */
const withFaults = process.env['INETGW_FAULTS'] !== undefined;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/golden/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 90_000, retry: 1 } },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...(withFaults ? [] : ['test/lab/faults.test.ts'])],
          // One guest serves all files of the lab: they run one after another in one process.
          pool: 'forks',
          maxWorkers: 1,
          isolate: false,
          fileParallelism: false,
          globalSetup: ['test/lab/globalTeardown.ts'],
          // Limits in real time, for a host that is busy with other things as well; a test that a limit struck
          // is tried once more.
          testTimeout: 400_000,
          hookTimeout: 400_000,
          retry: 1,
        },
      },
    ],
  },
});
