/** What the pacing program knows of hosts and their connections: bpf/account.h and bpf/flow.h. Pure. */
import { HOST_NUMBERS } from '../queues/egressClasses.ts';
import { ANSWERS_LAYOUT, FLOW_KEY_LAYOUT, TOTAL_LAYOUT } from './pacingLayout.ts';

export const totalsMapName = (mapSuffix: string): string => `igt_${mapSuffix}`;
export const answersMapName = (mapSuffix: string): string => `iga_${mapSuffix}`;
export const flowsMapName = (mapSuffix: string): string => `igf_${mapSuffix}`;

/** As bpf/flow.h has them: a host's number plus FIRST_HOST is where its counts are. */
const FIRST_HOST = 2;
const HOSTS = HOST_NUMBERS.count;

/** Where the answers of the whole line are, by what they answer. */
export const ANSWERS_OF = {
  downloads: FIRST_HOST + HOSTS,
  uploads: FIRST_HOST + HOSTS + 1,
  handshakes: FIRST_HOST + HOSTS + 2,
} as const;
export type AnswersOf = keyof typeof ANSWERS_OF;

/** How each kind is called where there is room for a word; the order in which they are told. */
export const ANSWERS_SHORT = {
  downloads: 'down',
  uploads: 'up',
  handshakes: 'opening',
} as const satisfies Record<AnswersOf, string>;
export const ANSWER_KINDS = Object.keys(ANSWERS_SHORT) as AnswersOf[];

export const forEachKind = <Value>(of: (kind: AnswersOf) => Value): Record<AnswersOf, Value> => ({
  downloads: of('downloads'),
  uploads: of('uploads'),
  handshakes: of('handshakes'),
});

/** Four buckets to each doubling from 512 us on, and one on either side. */
const LEAST_ANSWER_US = 512;
const ANSWER_BUCKETS = 58;

/** The longest that an answer of this bucket has taken. */
export function bucketMostMs(bucket: number): number {
  if (bucket >= ANSWER_BUCKETS - 1) return Infinity;
  const quarters = bucket % 4;
  return (LEAST_ANSWER_US * 2 ** ((bucket - quarters) / 4) * (4 + quarters)) / 4 / 1000;
}

/** How long answers took, since the maps were made. */
export interface Answers {
  sumUs: number;
  /** As many as there were in each bucket; empty: none so far. */
  counts: readonly number[];
}

export const NO_ANSWERS: Answers = { sumUs: 0, counts: [] };

export interface HostCounts {
  /** User data of TCP, what is sent again counted again. */
  receivedBytes: number;
  sentBytes: number;
  answers: Answers;
}

/** A connection that the program remembers, as it is on the line: after NAT. */
export interface Connection {
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** Whose it is; undefined: not known. */
  host: number | undefined;
  /** Something went either way within the last second or two. */
  isActive: boolean;
  /** Its window was lowered, at its last segment or before. */
  isPaced: boolean;
}

export interface Accounts {
  /** By their number, 0 to 4095. */
  hosts: ReadonlyMap<number, HostCounts>;
  connections: readonly Connection[];
  line: Readonly<Record<AnswersOf, Answers>>;
}

/** The lines that `readAccounts` is told: `f KEY HOST EPOCH WINDOW`, `t NUMBER VALUE`, `a NUMBER VALUE`; values in hexadecimal. */
export function parseAccounts(lines: readonly string[], isActive: (epoch: number) => boolean): Accounts {
  const hosts = new Map<number, HostCounts>();
  const answers = new Map<number, Answers>();
  const connections: Connection[] = [];
  for (const line of lines) {
    const [kind, one = '', two = '', three = '', window = ''] = line.split(' ');
    if (kind === 'f')
      connections.push({
        ...connectionOf(Buffer.from(one, 'hex'), Number(two)),
        isActive: isActive(Number(three)),
        isPaced: Number(window) > 0,
      });
    else if (kind === 'a') answers.set(Number(one), answersOf(Buffer.from(two, 'hex')));
    else if (kind === 't') {
      const value = Buffer.from(two, 'hex');
      const { received, sent } = TOTAL_LAYOUT.at;
      hosts.set(Number(one) - FIRST_HOST, {
        receivedBytes: Number(value.readBigUInt64LE(received)),
        sentBytes: Number(value.readBigUInt64LE(sent)),
        answers: NO_ANSWERS,
      });
    }
  }
  for (const [number, counts] of hosts) {
    const own = answers.get(number + FIRST_HOST);
    if (own !== undefined) hosts.set(number, { ...counts, answers: own });
  }
  const line = forEachKind((kind) => answers.get(ANSWERS_OF[kind]) ?? NO_ANSWERS);
  return { hosts, connections, line };
}

function connectionOf(key: Buffer, host: number): Omit<Connection, 'isActive' | 'isPaced'> {
  const { at } = FLOW_KEY_LAYOUT;
  const isIpv6 = key.readUInt32LE(at.version) === 6;
  const address = (from: number): string =>
    isIpv6 ? ipv6Text(key.subarray(from, from + 16)) : key.subarray(from, from + 4).join('.');
  return {
    localAddress: address(at.local),
    localPort: key.readUInt16BE(at.local_port),
    remoteAddress: address(at.remote),
    remotePort: key.readUInt16BE(at.remote_port),
    host: host < FIRST_HOST ? undefined : host - FIRST_HOST,
  };
}

/** As RFC 5952 has it, which is what a URL makes of it. */
export function ipv6Text(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, n) =>
    (((bytes[2 * n] ?? 0) << 8) | (bytes[2 * n + 1] ?? 0)).toString(16),
  );
  return new URL(`http://[${words.join(':')}]/`).hostname.slice(1, -1);
}

function answersOf(value: Buffer): Answers {
  const { us, counts } = ANSWERS_LAYOUT.at;
  return {
    sumUs: Number(value.readBigUInt64LE(us)),
    counts: Array.from({ length: ANSWER_BUCKETS }, (_, n) => value.readUInt32LE(counts + 4 * n)),
  };
}
