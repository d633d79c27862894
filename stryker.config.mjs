/**
 * Mutation testing: does a test notice when the program computes something else? `npm run mutation`, see
 * docs/reliability.md. A folder alone: npm run mutation -- --mutate 'src/tc/*.ts'
 */
export default {
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutation/vitest.config.ts' },
  mutate: ['src/plan/**/*.ts', 'src/tc/*.ts', 'src/firewall/*.ts', 'src/relay/scheduler/*.ts'],
  // Tables that are made once at the start would need all tests for each of their mutants.
  ignoreStatic: true,
  concurrency: 1,
  timeoutMS: 20_000,
  tempDirName: '.lab/mutation',
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: '.lab/mutation.json' },
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  checkers: [],
  ignorePatterns: ['dist', '.lab', 'coverage', 'docs'],
};
