/**
 * The tests that mutants are tried against: those of the pure parts, a few seconds for all of them. Tests in real
 * time (test/unit/relay/forwarding/relay.test.ts and the like) are left out: each of thousands of runs would take them all,
 * and on a busy machine one that fails would look like a mutant found.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'test/unit/{plan,tc,firewall,config,report}/**/*.test.ts',
      'test/unit/core/units.test.ts',
      'test/unit/relay/scheduler/**/*.test.ts',
      'test/golden/**/*.test.ts',
    ],
    // Stryker has limits of its own; one that strikes in the first run of all ends it.
    testTimeout: 300_000,
  },
});
