/** The three recipes of CONTRIBUTING.md, followed: for each step the edit of an example, and what notices that it was left out. */

/** Text put in behind what stands there, or in its place. */
type Edit = { behind: string; put: string } | { instead: string; put: string };

export interface Step {
  /** As the recipe names it, with `NAME` for the example's. */
  file: string;
  /** A new file's text, or edits of one that is there. */
  change: string | readonly Edit[];
  /** What fails without this step: the compiler, or a test. */
  noticedBy: 'types' | { test: string };
}

export interface Recipe {
  /** The heading in CONTRIBUTING.md. */
  title: string;
  name: string;
  steps: readonly Step[];
  /** What the finished thing shows in: `inetgw` with these arguments, and a piece of what it prints. */
  shown: readonly (readonly [args: readonly string[], text: RegExp])[];
  /** Files that are there in the end, and a piece of what they say. */
  written: readonly (readonly [file: string, text: RegExp])[];
}

const KEYS_TEST = { test: 'test/unit/config/keys.test.ts' };
const PLAN_TEST = { test: 'test/golden/plan.test.ts' };

const egressClass: Recipe = {
  title: 'An egress class',
  name: 'video',
  steps: [
    {
      file: 'src/plan/queues/egressClasses.ts',
      change: [
        {
          instead: "interactive: { id: '1:10', leafHandle: '10:', share: 0.7 },",
          put: "interactive: { id: '1:10', leafHandle: '10:', share: 0.5 },\n  video: { id: '1:15', leafHandle: '15:', share: 0.2 },",
        },
      ],
      noticedBy: 'types',
    },
    {
      file: 'src/plan/classes/rules.ts',
      change: [
        {
          behind: "to('interactive', 'ntp', port('udp', 'either', [123])),",
          put: "\n    // AF41 to AF43 (RFC 4594): video conferences.\n    to('video', 'dscp-video', dscp([34, 36, 38])),",
        },
      ],
      noticedBy: { test: 'test/unit/plan/queues/egressClasses.test.ts' },
    },
    {
      file: 'docs/man/inetgw.8',
      change: [
        {
          behind: '.Fl -interactive-ports\nand its siblings name.\n',
          put: '.It video\nvideo conferences, by their DSCP.\n',
        },
      ],
      noticedBy: { test: 'test/unit/plan/queues/egressClasses.test.ts' },
    },
  ],
  shown: [
    [['--help'], /\binteractive, video, normal, bulk\b/],
    [['ppp0', '210', '1710', '--dry-run'], /four classes[^]*video 42 kbit\/s[^]*class add .* classid 1:15 /],
    [['rules', 'egress', 'ppp0'], /set-class 1:15/i],
  ],
  written: [['templates/iptables-egress', /1:15/]],
};

const ingressKind: Recipe = {
  title: 'An ingress kind',
  name: 'flat',
  steps: [
    {
      file: 'src/plan/input/ingressKinds.ts',
      change: [
        {
          behind: "htb: { text: 'HTB and flow queues', hasStages: false },",
          put: "\n  flat: { text: 'one flow queue', hasStages: false },",
        },
        {
          instead: "htb: { text: 'HTB and flow queues', hasStages: false },",
          put: "htb: {\n    text: 'HTB and flow queues',\n    hasStages: false,\n    whenMissing: () => 'one flow queue shapes what comes in',\n  },",
        },
        { instead: "['police', 'cake', 'htb']", put: "['police', 'cake', 'htb', 'flat']" },
        { behind: "'shape-htb': ['htb'],", put: "\n  'shape-flat': ['flat']," },
      ],
      noticedBy: 'types',
    },
    {
      file: 'src/plan/ingress/NAME.ts',
      change: `/** \`--ingress shape-flat\`: one flow queue on the ifb, small packets and large ones alike. Pure. */
import type { TcObject } from '../../tc/objects.ts';
import type { PlanContext } from '../input/context.ts';
import { fqCodelParameters } from '../numbers/arithmetic.ts';
import { kernelRateBitPerSec } from '../input/framing.ts';
import { incomingHeaderBytes } from '../input/link.ts';
import { htbClasses, stabFor } from '../queues/egress.ts';
import { SHAPE_SHARE } from '../queues/queue.ts';

export function flatObjects({ settings, link, framing }: PlanContext, dev: string): TcObject[] {
  const rateBitPerSec = kernelRateBitPerSec(framing, settings.downBitPerSec) * SHAPE_SHARE;
  const htb = htbClasses(dev, link, framing);
  return [
    {
      type: 'qdisc',
      dev,
      parent: 'root',
      handle: '1:',
      spec: { kind: 'htb', defaultMinor: '20' },
      stab: stabFor(framing, link, incomingHeaderBytes(link)),
    },
    htb('1:20', '1:', rateBitPerSec, rateBitPerSec, 0),
    {
      type: 'qdisc',
      dev,
      parent: '1:20',
      handle: '20:',
      spec: { kind: 'fq_codel', ...fqCodelParameters(framing, rateBitPerSec, link.mtuBytes) },
    },
  ];
}
`,
      noticedBy: 'types',
    },
    {
      file: 'src/plan/ingress/objects.ts',
      change: [
        { behind: '  htb: htbObjects,\n', put: '  flat: flatObjects,\n' },
        {
          instead: "import { htbObjects } from './htb.ts';",
          put: "import { flatObjects } from './flat.ts';\nimport { htbObjects } from './htb.ts';",
        },
      ],
      noticedBy: 'types',
    },
    {
      file: 'test/golden/plan.test.ts',
      change: [
        {
          behind: 'const LINES: Line[] = [\n',
          put: "  { ...CABLE, name: 'shaped-flat', options: { ingress: 'shape-flat' }, ingress: 'flat' },\n",
        },
      ],
      noticedBy: PLAN_TEST,
    },
    {
      file: 'docs/man/inetgw.8',
      change: [
        { instead: 'shape-cake | shape-htb\n', put: 'shape-cake | shape-htb | shape-flat\n' },
        {
          instead: '.Cm shape-cake\nand\n.Cm shape-htb\n',
          put: '.Cm shape-cake ,\n.Cm shape-htb\nand\n.Cm shape-flat\n',
        },
      ],
      noticedBy: KEYS_TEST,
    },
    {
      file: 'docs/man/inetgw.conf.5',
      change: [
        {
          instead: '\\(dqshape-cake\\(dq\nor\n.Li \\(dqshape-htb\\(dq .\n',
          put: '\\(dqshape-cake\\(dq , \\(dqshape-htb\\(dq\nor\n.Li \\(dqshape-flat\\(dq .\n',
        },
      ],
      noticedBy: KEYS_TEST,
    },
    {
      file: 'templates/inetgw.conf.example',
      change: [
        {
          instead: 'shape-cake and shape-htb insist on one',
          put: 'shape-cake, shape-htb and shape-flat insist on one',
        },
      ],
      noticedBy: KEYS_TEST,
    },
  ],
  shown: [
    [['--help'], /shape-htb\s+or\s+shape-flat/],
    [
      ['ppp0', '210', '1710', '--ingress', 'shape-flat', '--dry-run'],
      /shaped by one flow queue[^]*dev igw-ppp0/,
    ],
    [['completion', 'bash'], /shape-flat/],
  ],
  written: [
    ['templates/completions/zsh/_inetgw', /shape-flat/],
    ['templates/completions/fish/inetgw.fish', /shape-flat/],
    ['test/golden/files/shaped-flat.tc', /dev igw-eth1 .* fq_codel/],
  ],
};

const option: Recipe = {
  title: 'An option',
  name: 'small-packet',
  steps: [
    {
      file: 'src/plan/input/settings.ts',
      change: [
        {
          instead: '  /** What must not wait. */\n',
          put: '  /** Packets up to this IP length must not wait. */\n  smallPacketBytes: number;\n  /** What must not wait. */\n',
        },
        { behind: '  largePacketBytes: 1024,\n', put: '  smallPacketBytes: 256,\n' },
      ],
      noticedBy: 'types',
    },
    {
      file: 'src/config/keys.ts',
      change: [
        {
          instead: "  'bulk-ports': key(\n",
          put: `  'small-packet': key(
    { ...OUT, form: 'value', takes: 'BYTES', help: 'packets up to this length must not wait', otherwise: '256' },
    (name, text) => parseWhole(name, text, 64, 65_535),
    (tuning, smallPacketBytes) => ({ ...tuning, smallPacketBytes }),
  ),
  'bulk-ports': key(
`,
        },
      ],
      noticedBy: 'types',
    },
    {
      file: 'src/plan/classes/rules.ts',
      change: [
        {
          instead: "RuleSettings = Pick<ShaperSettings, 'interactive' | 'bulk' | 'hostLimits'>",
          put: "RuleSettings = Pick<ShaperSettings, 'interactive' | 'bulk' | 'hostLimits' | 'smallPacketBytes'>",
        },
        {
          instead: "to('interactive', 'small', { kind: 'maxIpBytes', bytes: SMALL_PACKET_BYTES })",
          put: "to('interactive', 'small', { kind: 'maxIpBytes', bytes: settings.smallPacketBytes })",
        },
      ],
      noticedBy: KEYS_TEST,
    },
    {
      file: 'test/unit/config/keys.test.ts',
      change: [
        {
          behind: "  'interactive-hosts': { interactiveHosts: '192.0.2.1' },\n",
          put: "  'small-packet': { smallPacket: '200' },\n",
        },
      ],
      noticedBy: 'types',
    },
    {
      file: 'docs/man/inetgw.8',
      change: [
        {
          instead: '.It Fl -bulk-ports Ar LIST\n',
          put: '.It Fl -small-packet Ar BYTES\nPackets up to this IP length must not wait; 256.\n.It Fl -bulk-ports Ar LIST\n',
        },
      ],
      noticedBy: KEYS_TEST,
    },
    {
      file: 'docs/man/inetgw.conf.5',
      change: [
        {
          instead: '.It Cm bulk-ports ,',
          put: '.It Cm small-packet\nPackets up to this IP length must not wait; 256.\n.It Cm bulk-ports ,',
        },
      ],
      noticedBy: { test: 'test/unit/manual.test.ts' },
    },
    {
      file: 'templates/inetgw.conf.example',
      change: [
        {
          instead: '# What may always wait:',
          put: '# Packets up to this IP length in bytes must not wait (64 to 65535).\n#small-packet = 256\n\n# What may always wait:',
        },
      ],
      noticedBy: { test: 'test/unit/config/file.test.ts' },
    },
  ],
  shown: [
    [['--help'], /--small-packet <BYTES>\s+packets up to this length must not wait\s+\(256\)/],
    [['ppp0', '210', '1710', '--small-packet', '200', '--dry-run'], /meta length [^\n]*200\b/],
    [['completion', 'bash'], /--small-packet/],
  ],
  written: [
    ['templates/completions/zsh/_inetgw', /--small-packet/],
    ['templates/completions/fish/inetgw.fish', /-l small-packet/],
  ],
};

export const RECIPES: readonly Recipe[] = [egressClass, ingressKind, option];
