/** Hosts between two readings: what each takes now, and how long answers take. Pure. */
import { nameOf, type HostNames } from '../../core/hostNames.ts';
import { answersSince, type AnswerStatistics } from '../statistics/answers.ts';
import type { HostStatistics } from '../statistics/hosts.ts';
import type { Statistics } from '../statistics/statistics.ts';

export interface AnswerFigures {
  count: number;
  /** Null: there was none. */
  p50Ms: number | null;
  p95Ms: number | null;
}

export interface HostFigures {
  number: number;
  /** Null: names are not asked for, or none is known. */
  name: string | null;
  addresses: string[];
  /** User data of TCP, without headers. */
  downBitPerSec: number | null;
  upBitPerSec: number | null;
  flows: number;
  activeFlows: number;
  /** Null: there is no earlier reading. */
  answers: AnswerFigures | null;
}

/** Whoever takes most now comes first. Null: hosts cannot be told apart, or read. */
export function hostFigures(
  before: Statistics | undefined,
  answersFrom: Statistics | undefined,
  now: Statistics,
  seconds: number,
): HostFigures[] | null {
  const hosts = now.pacing?.hosts ?? null;
  if (hosts === null) return null;
  const [earlier, first] = [before, answersFrom].map((reading) => byNumber(reading));
  return hosts
    .map((host) => {
      const { number, addresses, flows, activeFlows } = host;
      const bitPerSec = (pick: (of: HostStatistics) => number): number | null => {
        if (earlier === undefined || seconds <= 0) return null;
        // Who was not there before has taken all of it since.
        const was = earlier.get(number);
        return (Math.max(0, pick(host) - (was === undefined ? 0 : pick(was))) * 8) / seconds;
      };
      return {
        ...{ number, name: null, addresses, flows, activeFlows },
        downBitPerSec: bitPerSec(({ receivedBytes }) => receivedBytes),
        upBitPerSec: bitPerSec(({ sentBytes }) => sentBytes),
        answers: first === undefined ? null : answerFigures(first.get(number)?.answers, host.answers),
      };
    })
    .toSorted((one, other) => taking(other) - taking(one));
}

/** Hosts without a name get one where their addresses have one: the first of them that does. */
export function withNames<Of extends { line: { hosts: HostFigures[] | null } | null }>(
  figures: Of,
  names: HostNames | undefined,
): Of {
  const { line } = figures;
  if (names === undefined || line?.hosts == null) return figures;
  const hosts = line.hosts.map((host) => ({
    ...host,
    name: host.name ?? nameOf(host.addresses, names) ?? null,
  }));
  return { ...figures, line: { ...line, hosts } };
}

const taking = ({ downBitPerSec, upBitPerSec }: HostFigures): number =>
  (downBitPerSec ?? 0) + (upBitPerSec ?? 0);

function byNumber(reading: Statistics | undefined): ReadonlyMap<number, HostStatistics> | undefined {
  const hosts = reading?.pacing?.hosts;
  return hosts === undefined || hosts === null
    ? undefined
    : new Map(hosts.map((host) => [host.number, host]));
}

export function answerFigures(before: AnswerStatistics | undefined, now: AnswerStatistics): AnswerFigures {
  const { count, p50Ms, p95Ms } = answersSince(before, now);
  return { count, p50Ms, p95Ms };
}
