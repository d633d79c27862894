import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Folders that hold pure code: values in, values out. No clock, no files, no programs. */
const pureFolders = [
  'src/shaper/**',
  'src/tc/**',
  'src/firewall/**',
  'src/units.ts',
  'src/searchbw/{auto,command,judge,lines,measurement,recommend,result,settle,statistics,sweep}.ts',
  'src/report/{scale,svg,terminalPlot}.ts',
  'src/iprelay/scheduler/**',
];

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', '.lab/', 'node_modules/'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
    },
  },
  {
    files: pureFolders,
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: ['node:*', 'execa', 'pino', 'ping', 'commander', '**/system/**', '**/cli/**'] },
      ],
      'no-restricted-globals': [
        'error',
        'Date',
        'process',
        'setTimeout',
        'setInterval',
        'fetch',
        'performance',
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
    },
  },
  {
    files: ['src/**'],
    ignores: ['src/system/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'execa', message: 'Only src/system/ runs programs.' },
            { name: 'node:child_process', message: 'Only src/system/ runs programs.' },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**', 'vitest.config.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "CallExpression[callee.property.name=/^toBeLess/] > MemberExpression.callee CallExpression[callee.object.name='performance']",
          message:
            'No bound in real time decides a test: a busy machine takes longer. Count, or wait (test/hang.ts).',
        },
        {
          selector: "Property[key.name='timeout'] > Literal.value",
          message: 'Whatever takes longer than HANG_MS (test/hang.ts) hangs; less is a busy machine.',
        },
        {
          selector: "Property[key.name='retry']",
          message: 'A second try hides what makes the first one fail.',
        },
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    files: ['scripts/**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
