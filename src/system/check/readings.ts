/** Reads the counters of a plan that is in force. */
import { hasStages } from '../../plan/input/ingressKinds.ts';
import {
  parseIptablesCounters,
  parseNftCounters,
  sumCounters,
  type RuleCounters,
} from '../../firewall/counters.ts';
import { tableName } from '../../firewall/nft.ts';
import type { PacingPlan } from '../../plan/pacing/pacing.ts';
import type { Plan } from '../../plan/plan.ts';
import type { PacingReadings, Readings } from '../../plan/readings.ts';
import { UnreadableOutput } from '../../tc/parse.ts';
import { parseQdiscStatistics, type QueueCounters } from '../../tc/statistics.ts';
import { readActions } from '../device/actions.ts';
import { unreadable } from '../device/device.ts';
import { countedTogether } from '../device/listings.ts';
import { families } from '../apply/firewall.ts';
import { readKnownAddresses, readPacingKnowledge } from '../device/accounts.ts';
import { ProgramError, type Runner } from '../exec/run.ts';

/** @param present whether the firewall rules are there, all of them */
export async function readReadings(plan: Plan, present: boolean, run: Runner): Promise<Readings> {
  const { device } = plan;
  const shaped = hasStages(plan.ingress) ? undefined : plan.queueDevice;
  const queueDevices = [shaped, plan.pacing?.queueDevice].filter((each) => each !== undefined);
  const counted = countedTogether(
    [
      ...[device, ...queueDevices].map((each) => ['qdisc', 'show', 'dev', each] as const),
      ['filter', 'show', 'dev', device, 'ingress'],
      ...(plan.pacing === undefined ? [] : [['filter', 'show', 'dev', device, 'egress'] as const]),
    ],
    run,
  );
  const readQueues = async (of: string): Promise<Map<string, QueueCounters>> =>
    parseQdiscStatistics((await counted(['tc', '-s', '-j', 'qdisc', 'show', 'dev', of])).stdout);
  try {
    const [qdiscs, actions, rules, pacing, queue] = await Promise.all([
      readQueues(device),
      readActions(device, 'ingress', counted),
      present ? readRules(plan, run) : undefined,
      plan.pacing === undefined
        ? undefined
        : Promise.all([
            readQueues(plan.pacing.queueDevice),
            readActions(device, 'egress', counted),
            readKnowledge(plan.pacing, run),
          ]),
      shaped === undefined ? undefined : readQueues(shaped),
    ]);
    if (pacing === undefined) return { qdiscs, actions, rules, pacing, queue };
    const [queues, lowered, knowledge] = pacing;
    return { qdiscs, actions, rules, pacing: { queues, actions: lowered, ...knowledge }, queue };
  } catch (error) {
    if (error instanceof ProgramError) throw error.toUserError();
    if (error instanceof UnreadableOutput) throw unreadable(error);
    throw error;
  }
}

async function readKnowledge(
  pacing: PacingPlan,
  run: Runner,
): Promise<Pick<PacingReadings, 'state' | 'accounts' | 'addresses'>> {
  const known = await readPacingKnowledge(pacing, run);
  const accounts = known?.accounts;
  return {
    state: known?.state,
    accounts,
    addresses: accounts === undefined ? undefined : await readKnownAddresses(accounts),
  };
}

/** The counters of rules that are there. */
export async function readRules(plan: Plan, run: Runner): Promise<RuleCounters> {
  if (plan.firewall === undefined) return new Map();
  switch (plan.firewall.backend) {
    case 'nft':
      return parseNftCounters((await run(['nft', 'list', 'table', 'inet', tableName(plan.device)])).stdout);
    case 'iptables': {
      const programs = (await families()).map((family) =>
        family === 'ipv4' ? 'iptables-save' : 'ip6tables-save',
      );
      const saved = await Promise.all(programs.map((program) => run([program, '-c'])));
      return sumCounters(saved.map(({ stdout }) => parseIptablesCounters(stdout, plan.device)));
    }
  }
}
