/** What is read of a plan in force: counters as tc and the firewall tell them. */
import type { RuleCounters } from '../firewall/counters.ts';
import type { Counters, QueueCounters } from '../tc/statistics.ts';
import type { Accounts } from './pacing/accounts.ts';
import type { KnownAddresses } from './pacing/addresses.ts';
import type { PacingState } from './pacing/pacingObject.ts';

export interface Readings {
  qdiscs: ReadonlyMap<string, QueueCounters>;
  actions: ReadonlyMap<string, Counters>;
  /** Undefined: the rules are not there. */
  rules: RuleCounters | undefined;
  pacing?: PacingReadings | undefined;
  /** Of the ifb that shapes; undefined: the stages police. */
  queue?: ReadonlyMap<string, QueueCounters> | undefined;
}

export interface PacingReadings {
  /** Of the ifb. */
  queues: ReadonlyMap<string, QueueCounters>;
  /** Of the device's egress hook. */
  actions: ReadonlyMap<string, Counters>;
  /** Undefined: the program's map cannot be read here. */
  state: PacingState | undefined;
  /** What the program has counted of hosts; undefined: it cannot be read here, or the program that stands does not count. */
  accounts?: Accounts | undefined;
  addresses?: KnownAddresses | undefined;
}
