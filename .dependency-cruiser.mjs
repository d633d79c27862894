/**
 * Which folder of src/ may import which: `npm run lint` and test/unit/floors.test.ts. Types count. A folder that is not named
 * here may import nothing and be imported by nobody, so that a new one has to be given its floor.
 */

/** From the lowest floor to the highest. Each may import itself and what is named. */
export const FLOORS = {
  core: [],
  tc: ['core'],
  linkHooks: ['core'],
  firewall: ['core', 'tc'],
  plan: ['core', 'tc', 'firewall'],
  conditions: ['core', 'tc', 'firewall', 'plan'],
  config: ['core', 'firewall', 'plan'],
  report: ['core', 'tc', 'firewall', 'plan', 'conditions'],
  system: ['core', 'tc', 'linkHooks', 'firewall', 'plan', 'conditions', 'config'],
  service: ['core', 'system'],
  line: ['core', 'tc', 'firewall', 'plan', 'config', 'system'],
  follow: ['core', 'tc', 'plan', 'system', 'line'],
  search: ['core', 'tc', 'linkHooks', 'firewall', 'plan', 'config', 'report', 'system', 'line'],
  web: ['core', 'config', 'report', 'system', 'service', 'search'],
  relay: ['core', 'system', 'service'],
  cli: [
    'core',
    'tc',
    'linkHooks',
    'firewall',
    'plan',
    'conditions',
    'config',
    'report',
    'system',
    'line',
    'search',
    'relay',
    'follow',
    'web',
  ],
  bin: ['core', 'cli'],
};

/** Rooms within a folder, from the lowest to the highest; `.` is the folder's own files. Each may import those before it. */
export const ROOMS = {
  plan: ['input', 'numbers', 'queues', 'classes', 'pacing', 'ingress', '.'],
  system: ['exec', 'record', 'link', 'device', 'apply', 'check', 'install'],
  line: ['samples', '.', 'control', 'ping', 'load'],
  follow: ['decide', 'run'],
  search: ['decide', 'arguments', 'run', 'result', '.'],
  relay: [
    ...[
      '.',
      'scheduler',
      'settings',
      'times',
      'clients',
      'lookup',
      'socket',
      'faults',
      'connection',
      'share',
      'forwarding',
    ],
    ...['statistics', 'prompt', 'control', 'api', 'daemon'],
  ],
  web: ['feed', 'answers', 'server', 'source', 'page'],
  report: ['plot', 'statistics', 'metrics', 'flows', 'watch'],
  cli: ['common', 'inetgw', '.'],
  'cli/inetgw': ['words', 'change', 'show', 'watch', 'serve', 'install', '.'],
};

const inFolders = (names) => names.map((name) => `^src/${name}/`).join('|') || '^$';
const inRooms = (folder, rooms) =>
  rooms.map((room) => (room === '.' ? `^src/${folder}/[^/]+$` : `^src/${folder}/${room}/`)).join('|') || '^$';

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
      name: `floor-of-${name}`,
      severity: 'error',
      from: { path: inFolders([name]) },
      to: { path: '^src/', pathNot: inFolders([name, ...below]) },
    })),
    ...Object.entries(ROOMS).flatMap(([folder, rooms]) =>
      rooms.map((room, n) => ({
        name: `room-${folder}-${room === '.' ? 'top' : room}`,
        severity: 'error',
        from: { path: inRooms(folder, [room]) },
        to: { path: `^src/${folder}/`, pathNot: inRooms(folder, rooms.slice(0, n + 1)) },
      })),
    ),
    ...Object.entries(ROOMS).map(([folder, rooms]) => ({
      name: `no-unknown-room-of-${folder}`,
      severity: 'error',
      from: { path: `^src/${folder}/`, pathNot: inRooms(folder, rooms) },
      to: {},
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
