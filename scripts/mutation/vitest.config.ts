/** The tests that mutants are tried against: the pure parts only, a few seconds for all of them. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'test/unit/{shaper,tc,firewall,config,report}/**/*.test.ts',
      'test/unit/units.test.ts',
      'test/unit/iprelay/scheduler/**/*.test.ts',
      'test/unit/iprelay/{relay,streams,lane}.test.ts',
      'test/golden/**/*.test.ts',
    ],
    testTimeout: 30_000,
  },
});
