import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * Folders that hold pure code, with all below them: values in, values out. No clock, no files, no programs.
 * docs/architecture.md says so of them, and test/unit/purity.test.ts that the rule bites there.
 */
const pureFolders = [
  'src/core/**',
  'src/plan/**',
  'src/tc/**',
  'src/firewall/**',
  'src/linkHooks/**',
  'src/conditions/**',
  'src/config/**',
  'src/report/**',
  'src/line/samples/**',
  'src/search/decide/**',
  'src/follow/decide/**',
  'src/relay/scheduler/**',
  'src/relay/times/**',
  'src/web/feed/**',
  'src/web/answers/**',
];

/** Modules of Node that only compute. */
const pureModules = ['node:net', 'node:crypto', 'node:path'];

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
        {
          patterns: [
            {
              group: ['node:*', ...pureModules.map((name) => `!${name}`)],
              message: 'Pure code knows no system.',
            },
            { group: ['execa', 'pino', 'ping', 'commander', '**/system/**', '**/cli/**'] },
            {
              group: ['node:net'],
              allowImportNames: ['isIP', 'isIPv4', 'isIPv6'],
              message: 'Pure code opens no sockets.',
            },
            {
              group: ['node:crypto'],
              allowImportNames: ['createHash'],
              message: 'Pure code draws no random numbers.',
            },
          ],
        },
      ],
      'no-restricted-globals': [
        'error',
        'process',
        'require',
        'setImmediate',
        'setTimeout',
        'setInterval',
        'fetch',
        'performance',
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random' },
        { object: 'Date', property: 'now' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector:
            "NewExpression[callee.name='Date'][arguments.length=0], CallExpression[callee.name='Date']",
          message: 'Pure code knows no clock.',
        },
        { selector: 'ImportExpression', message: 'Pure code loads nothing by itself.' },
      ],
    },
  },
  {
    files: ['src/**'],
    // What a process that stays hands its log to runs beside it, and is not waited for.
    ignores: ['src/system/**', 'src/service/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'execa', message: 'Only src/system/ and src/service/ run programs.' },
            { name: 'node:child_process', message: 'Only src/system/ and src/service/ run programs.' },
          ],
        },
      ],
    },
  },
  {
    // A function of more than two screens has parts that want a name. Titles and tables of tests are long by nature.
    files: ['src/**', 'scripts/**'],
    rules: {
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
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
