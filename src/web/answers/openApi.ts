/** The description of the API, OpenAPI 3.1. test/unit/web/answers/openApi.test.ts holds answers against it. Pure. */
import { CHANGE_WORDS, MOST_PAUSE_MINUTES, type ChangeWord } from '../feed/change.ts';
import { DEVICE_SCHEMAS } from './deviceSchemas.ts';
import { array, columns, INTEGER, NUMBER, object, orNull, ref, TEXT, type Schema } from './schema.ts';

const UNIX_MS = { ...NUMBER, description: 'Unix time in ms' };
const RATE = { ...NUMBER, minimum: 0, description: 'bit/s' };
const PER_SEC = orNull({ ...NUMBER, minimum: 0 });
const NULLABLE_RATE = orNull(RATE);
const BOOLEAN: Schema = { type: 'boolean' };

const DIRECTION = object({ setBitPerSec: RATE, nowBitPerSec: NULLABLE_RATE, isEstimated: BOOLEAN });

const ANSWERS = object({ count: INTEGER, p50Ms: orNull(NUMBER), p95Ms: orNull(NUMBER) });
const HOST = object({
  number: INTEGER,
  name: orNull({ ...TEXT, description: 'of serve --names or --resolve; null: none is known' }),
  addresses: array(TEXT),
  downBitPerSec: NULLABLE_RATE,
  upBitPerSec: NULLABLE_RATE,
  flows: INTEGER,
  activeFlows: INTEGER,
  answers: orNull(ANSWERS),
});

const HOSTS = object({
  device: TEXT,
  atMs: UNIX_MS,
  overMs: orNull({ ...NUMBER, description: 'what the rates are an average of' }),
  hosts: orNull({
    ...array(HOST),
    description: 'whoever takes most comes first; null: they cannot be told apart',
  }),
});

const FIGURES = object({
  device: TEXT,
  isWhole: BOOLEAN,
  overMs: orNull(NUMBER),
  line: orNull(
    object({
      since: TEXT,
      framing: TEXT,
      up: DIRECTION,
      down: DIRECTION,
      classes: array(
        object({
          class: TEXT,
          guaranteedBitPerSec: RATE,
          nowBitPerSec: NULLABLE_RATE,
          backlogBytes: INTEGER,
          backlogPackets: INTEGER,
          droppedPerSec: PER_SEC,
        }),
      ),
      stages: orNull(
        array(object({ stage: INTEGER, seenPerSec: PER_SEC, excessPerSec: PER_SEC, droppedPerSec: PER_SEC })),
      ),
      queue: orNull(
        object({
          backlogBytes: INTEGER,
          backlogPackets: INTEGER,
          passedPerSec: PER_SEC,
          droppedPerSec: PER_SEC,
        }),
      ),
      pacing: orNull(
        object({
          activeFlows: orNull(NUMBER),
          rttMs: orNull(NUMBER),
          loweredPerSec: PER_SEC,
          sparedPerSec: PER_SEC,
          answers: orNull(object({ downloads: ANSWERS, uploads: ANSWERS, handshakes: ANSWERS })),
        }),
      ),
      hosts: orNull(array(HOST)),
    }),
  ),
  ping: orNull(
    object({
      host: orNull({ ...TEXT, description: 'the next hop; null: none was found yet' }),
      nowMs: orNull(NUMBER),
      p50Ms: orNull(NUMBER),
      mostMs: orNull(NUMBER),
      answers: { ...INTEGER, description: 'of the last 10 s' },
      reason: orNull({ ...TEXT, description: 'why no ping is sent' }),
    }),
  ),
  conditions: array(ref('Condition')),
});

const CHANGES: Schema = { ...BOOLEAN, description: 'changes can be asked for, with their token' };
const PAUSED = orNull(
  object({
    sinceMs: UNIX_MS,
    untilMs: orNull({ ...UNIX_MS, description: 'when it is resumed by itself; null: never' }),
    upBitPerSec: { ...RATE, description: 'what is set up again then, in bit/s' },
    downBitPerSec: RATE,
  }),
);

const DEVICES = object({
  version: TEXT,
  atMs: orNull(UNIX_MS),
  changes: CHANGES,
  devices: array(
    object({
      device: TEXT,
      isWhole: { ...BOOLEAN, description: 'all that was set is in force' },
      upBitPerSec: NULLABLE_RATE,
      downBitPerSec: NULLABLE_RATE,
      error: orNull({ ...TEXT, description: 'why it could not be read' }),
      paused: PAUSED,
    }),
  ),
});

const SET = 'in force at that moment; null: nothing was';
const HISTORY = object({
  device: TEXT,
  seconds: columns({
    atMs: UNIX_MS,
    overMs: { ...NUMBER, description: 'what the rates are an average of' },
    upBitPerSec: NULLABLE_RATE,
    downBitPerSec: NULLABLE_RATE,
    upSetBitPerSec: { ...NULLABLE_RATE, description: SET },
    downSetBitPerSec: { ...NULLABLE_RATE, description: SET },
    rttMs: orNull(NUMBER),
  }),
  minutes: columns({
    atMs: UNIX_MS,
    upBitPerSec: NULLABLE_RATE,
    upMostBitPerSec: NULLABLE_RATE,
    downBitPerSec: NULLABLE_RATE,
    downMostBitPerSec: NULLABLE_RATE,
    upSetBitPerSec: NULLABLE_RATE,
    downSetBitPerSec: NULLABLE_RATE,
    rttLeastMs: orNull(NUMBER),
    rttMostMs: orNull(NUMBER),
  }),
  decisions: array(object({ atMs: UNIX_MS, text: TEXT })),
});

const REPORTS = object({
  reports: array(
    object({
      name: { ...TEXT, description: 'of its file' },
      device: TEXT,
      finishedAtMs: UNIX_MS,
      directions: array(
        object({
          direction: { enum: ['down', 'up'] },
          recommendedBitPerSec: { ...NULLABLE_RATE, description: 'null: none could be recommended' },
        }),
      ),
      path: { ...TEXT, description: 'where its page is' },
    }),
  ),
});

const SAMPLE_EVENT = object({
  atMs: UNIX_MS,
  changes: CHANGES,
  devices: array(
    object({
      device: TEXT,
      figures: orNull(ref('Figures')),
      following: orNull(ref('Following')),
      error: orNull(TEXT),
      paused: PAUSED,
    }),
  ),
});

const DECISION_EVENT = object({ device: TEXT, atMs: UNIX_MS, text: TEXT });

interface Response {
  description: string;
  content: Record<string, { schema: Schema }>;
}

const response = (description: string, schema: Schema, type = 'application/json'): Response => ({
  description,
  content: { [type]: { schema } },
});
const REFUSED: Record<string, Response> = Object.fromEntries(
  (
    [
      ['401', 'a token is needed'],
      ['403', 'a foreign Host or Origin'],
    ] as const
  ).map(([status, why]) => [status, response(why, ref('Error'))]),
);
const operation = (operationId: string, summary: string, responses: Record<string, Response>) => ({
  operationId,
  summary,
  responses: { ...responses, ...REFUSED },
});
const DEV = {
  ...{ name: 'dev', in: 'path', required: true, description: 'the name of a device' },
  ...{ schema: TEXT, example: 'ppp0' },
};
const notFound = response('there is no such device', ref('Error'));

const RATE_SAID: Schema = {
  anyOf: [NUMBER, TEXT],
  description: 'as on the command line: 210 is kbit/s, "1.7mbit"; without it this direction stays as it is',
};
const BODIES: Readonly<Record<ChangeWord, Schema>> = {
  rates: object({}, { up: RATE_SAID, down: RATE_SAID }),
  pause: object(
    {},
    {
      minutes: {
        ...{ type: 'integer', minimum: 1, maximum: MOST_PAUSE_MINUTES },
        description: 'after which it is resumed by itself; without it: never',
      },
    },
  ),
  resume: object({}),
  clear: object({}),
};
const SUMMARIES: Readonly<Record<ChangeWord, string>> = {
  rates: 'As inetgw DEV UP DOWN, with all else as it was set up',
  pause: 'Takes the shaper away for a while',
  resume: 'Sets up again what was paused',
  clear: 'As inetgw DEV clear',
};
const NOT_CHANGED: Record<string, Response> = Object.fromEntries(
  (
    [
      ['400', 'no such change, or values that the command does not take'],
      ['401', 'its token is missing or wrong'],
      ['403', 'a foreign Host or Origin'],
      ['404', 'no such device is set up or served'],
      ['405', 'changes are not allowed: inetgw serve --change-token-file'],
      ['409', 'searchbw or another inetgw is at work on it, or it is paused, or not'],
      ['413', 'more than a change has'],
      ['415', 'no JSON'],
      ['429', 'too many wrong tokens, or changes at once: Retry-After'],
      ['500', 'it could not be done'],
    ] as const
  ).map(([status, why]) => [status, response(why, ref('Error'))]),
);

/** One for each change: POST, with a token of its own. */
const CHANGE_PATHS = Object.fromEntries(
  CHANGE_WORDS.map((word) => [
    `/api/v1/devices/{dev}/${word}`,
    {
      parameters: [DEV],
      post: {
        operationId: word,
        summary: SUMMARIES[word],
        security: [{ changeBearer: [] }, { changeHeader: [] }],
        requestBody: { required: true, content: { 'application/json': { schema: BODIES[word] } } },
        responses: { 200: response('it is done', ref('Changed')), ...NOT_CHANGED },
      },
    },
  ]),
);

const PATHS = {
  '/api/v1/devices': {
    get: operation('devices', 'All devices that are set up', { 200: response('the devices', DEVICES) }),
  },
  '/api/v1/devices/{dev}': {
    parameters: [DEV],
    get: operation(
      'device',
      'What inetgw DEV --json prints, read for this answer or at most a second before',
      {
        200: response('the device', { anyOf: [ref('Statistics'), ref('NotInForce')] }),
        404: notFound,
        503: response('it could not be read', ref('Error')),
      },
    ),
  },
  '/api/v1/hosts/{dev}': {
    parameters: [DEV],
    get: operation('hosts', 'Who takes what now, read for this answer or at most a second before', {
      200: response('the hosts behind the device', HOSTS),
      404: notFound,
      503: response('it could not be read', ref('Error')),
    }),
  },
  '/api/v1/history/{dev}': {
    parameters: [DEV],
    get: operation('history', 'The last 10 minutes by seconds, 24 hours by minutes', {
      200: response('columns of equal length', ref('History')),
      404: notFound,
    }),
  },
  '/api/v1/reports': {
    get: operation('reports', 'Results that searchbw has saved in the folder of --reports', {
      200: response('the newest first', REPORTS),
    }),
  },
  ...CHANGE_PATHS,
  '/api/v1/openapi.json': {
    get: operation('openapi', 'This description', { 200: response('OpenAPI 3.1', { type: 'object' }) }),
  },
  '/events': {
    get: operation(
      'events',
      'Server-sent events: `sample` (SampleEvent) once a second, `decision` (DecisionEvent) when rates follow the line, `reports` when others are there',
      { 200: response('as long as the connection stands', TEXT, 'text/event-stream') },
    ),
  },
  '/metrics': {
    get: operation('metrics', 'The same as inetgw metrics, for Prometheus', {
      200: response('text format 0.0.4', TEXT, 'text/plain'),
    }),
  },
};

/** @param version of inetgw */
export function openApi(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'inetgw',
      version,
      description:
        'What inetgw does on its devices; changes only where the service was given a token for them. Members are added, not renamed.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { basic: [] }],
    paths: PATHS,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        basic: { type: 'http', scheme: 'basic', description: 'any user, the token as password' },
        changeBearer: { type: 'http', scheme: 'bearer', description: 'the token for changes' },
        changeHeader: {
          ...{ type: 'apiKey', in: 'header', name: 'X-Inetgw-Token' },
          description: 'the same, where Authorization is needed for another',
        },
      },
      schemas: {
        ...DEVICE_SCHEMAS,
        Figures: FIGURES,
        History: HISTORY,
        SampleEvent: SAMPLE_EVENT,
        DecisionEvent: DECISION_EVENT,
        Error: object({ error: TEXT }),
        Changed: object({
          device: TEXT,
          change: { enum: CHANGE_WORDS },
          message: { ...TEXT, description: 'what was done' },
          warnings: array(TEXT),
        }),
      },
    },
  };
}
