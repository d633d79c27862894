/** What `inetgw DEV --json` prints, as schemas: docs/json.md says what each means. Pure. */
import { array, INTEGER, NUMBER, object, orNull, ref, TEXT, type Schema } from './schema.ts';

const RATE: Schema = { type: 'number', minimum: 0, description: 'bit/s' };
const BOOLEAN: Schema = { type: 'boolean' };

const LIMITS = object({ leastBitPerSec: RATE, mostBitPerSec: RATE });
const FOLLOWED_RATE = object({
  bitPerSec: RATE,
  phase: { enum: ['steady', 'drain', 'hold', 'probe'] },
  since: TEXT,
});

const EGRESS_CLASS = object({
  class: TEXT,
  guaranteedBitPerSec: RATE,
  ceilBitPerSec: RATE,
  sentBytes: INTEGER,
  sentPackets: INTEGER,
  droppedPackets: INTEGER,
  backlogBytes: INTEGER,
  backlogPackets: INTEGER,
});

const QUEUE = {
  sentPackets: INTEGER,
  droppedPackets: INTEGER,
  backlogBytes: INTEGER,
  backlogPackets: INTEGER,
};

const INGRESS = object(
  {
    how: { enum: ['police', 'cake', 'htb'] },
    seenPackets: INTEGER,
    seenBytes: INTEGER,
    // Above its share a stage's own counter may be read sooner than the one before it.
    reservePackets: { type: 'integer' },
    stages: array(
      object({ stage: INTEGER, seenPackets: INTEGER, excessPackets: INTEGER, droppedPackets: INTEGER }),
    ),
  },
  { queue: object({ device: TEXT, ...QUEUE }), passedBytes: INTEGER },
);

const LIMIT = object({
  name: TEXT,
  direction: { enum: ['down', 'up'] },
  limitBitPerSec: RATE,
  passedPackets: INTEGER,
  passedBytes: INTEGER,
  droppedPackets: INTEGER,
  droppedBytes: INTEGER,
});
const FIREWALL = object({
  backend: { enum: ['nft', 'iptables', 'none'] },
  present: BOOLEAN,
  markedPackets: INTEGER,
  largeDownloadDroppedPackets: INTEGER,
  largeDownloadDroppedBytes: INTEGER,
  rules: { type: 'object', additionalProperties: object({ packets: INTEGER, bytes: INTEGER }) },
});

const ANSWER_TIMES = object({
  count: INTEGER,
  sumMs: NUMBER,
  p50Ms: orNull(NUMBER),
  p95Ms: orNull(NUMBER),
  buckets: array(object({ mostMs: orNull(NUMBER), count: INTEGER })),
});

const HOST = object({
  number: INTEGER,
  addresses: array(TEXT),
  receivedBytes: INTEGER,
  sentBytes: INTEGER,
  flows: INTEGER,
  activeFlows: INTEGER,
  answers: ref('AnswerTimes'),
});

const PACING = object({
  rewrittenPackets: INTEGER,
  beyondStagesPackets: INTEGER,
  slowingPackets: INTEGER,
  activeFlows: orNull(NUMBER),
  windowBytes: orNull(NUMBER),
  rttMs: orNull(NUMBER),
  answers: orNull(
    object({
      downloads: ref('AnswerTimes'),
      uploads: ref('AnswerTimes'),
      handshakes: ref('AnswerTimes'),
    }),
  ),
  hosts: orNull(array(HOST)),
  queue: object(QUEUE),
});

export const DEVICE_SCHEMAS = {
  AnswerTimes: ANSWER_TIMES,
  Condition: object({
    id: TEXT,
    severity: { enum: ['broken', 'warning', 'note'] },
    text: TEXT,
    remedy: TEXT,
  }),
  Following: object(
    { limits: object({ down: LIMITS, up: LIMITS }), pid: orNull(INTEGER) },
    { down: FOLLOWED_RATE, up: FOLLOWED_RATE },
  ),
  Statistics: object(
    {
      device: TEXT,
      since: TEXT,
      link: object({ kind: TEXT, mtuBytes: INTEGER }),
      framing: object({
        name: TEXT,
        linkLayer: { enum: ['atm', 'ptm', 'ethernet'] },
        overheadBytes: { type: 'integer' },
        mpuBytes: INTEGER,
      }),
      upBitPerSec: RATE,
      downBitPerSec: RATE,
      egress: array(EGRESS_CLASS),
      ingress: INGRESS,
      firewall: FIREWALL,
      fallbacks: array(TEXT),
      warnings: array(TEXT),
      conditions: array(ref('Condition')),
    },
    { following: ref('Following'), limits: array(LIMIT), pacing: PACING },
  ),
  NotInForce: object({ device: TEXT, inForce: { const: false }, conditions: array(ref('Condition')) }),
};
