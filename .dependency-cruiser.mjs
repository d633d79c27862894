/**
 * Which folder of src/ may import which: `npm run lint` and test/unit/floors.test.ts. Types count. A folder that is not named
 * here may import nothing and be imported by nobody, so that a new one has to be given its floor.
 */

/** From the lowest floor to the highest; `.` is the files of src/ itself. Each may import itself and what is named. */
export const FLOORS = {
  '.': [],
  tc: ['.'],
  hooks: ['.'],
  firewall: ['.', 'tc'],
  shaper: ['.', 'tc', 'firewall'],
  config: ['.', 'firewall', 'shaper'],
  conditions: ['.', 'tc', 'firewall', 'shaper'],
  report: ['.', 'tc', 'firewall', 'shaper', 'conditions'],
  system: ['.', 'tc', 'hooks', 'firewall', 'shaper', 'conditions', 'config'],
  searchbw: ['.', 'tc', 'hooks', 'firewall', 'shaper', 'conditions', 'config', 'report', 'system'],
  iprelay: ['.', 'config', 'system'],
  cli: [
    '.',
    'tc',
    'hooks',
    'firewall',
    'shaper',
    'conditions',
    'config',
    'report',
    'system',
    'searchbw',
    'iprelay',
  ],
  bin: ['.', 'cli'],
};

const inFolders = (names) =>
  names.map((name) => (name === '.' ? '^src/[^/]+$' : `^src/${name}/`)).join('|') || '^$';

export default {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'no-unknown-folder',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: inFolders(Object.keys(FLOORS)) },
    },
    {
      name: 'from-no-unknown-folder',
      severity: 'error',
      from: { path: '^src/', pathNot: inFolders(Object.keys(FLOORS)) },
      to: {},
    },
    ...Object.entries(FLOORS).map(([name, below]) => ({
      name: `floor-of-${name === '.' ? 'core' : name}`,
      severity: 'error',
      from: { path: inFolders([name]) },
      to: { path: '^src/', pathNot: inFolders([name, ...below]) },
    })),
    { name: 'no-test-code', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|scripts)/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
  },
};
