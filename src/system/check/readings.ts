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
import { parseQdiscStatistics } from '../../tc/statistics.ts';
import { readActions } from '../device/actions.ts';
import { unreadable } from '../device/device.ts';
import { families } from '../apply/firewall.ts';
import { readKnownAddresses, readPacingKnowledge } from '../device/accounts.ts';
import { ProgramError, type Runner } from '../exec/run.ts';

/** @param present whether the firewall rules are there, all of them */
export async function readReadings(plan: Plan, present: boolean, run: Runner): Promise<Readings> {
  const { device } = plan;
  try {
    const [qdiscs, actions, rules, pacing, queue] = await Promise.all([
      run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', device]),
      readActions(device, 'ingress', run),
      present ? readRules(plan, run) : undefined,
      plan.pacing === undefined ? undefined : readPacing(plan.pacing, device, run),
      hasStages(plan.ingress) || plan.queueDevice === undefined
        ? undefined
        : run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', plan.queueDevice]),
    ]);
    return {
      qdiscs: parseQdiscStatistics(qdiscs.stdout),
      actions,
      rules,
      pacing,
      queue: queue === undefined ? undefined : parseQdiscStatistics(queue.stdout),
    };
  } catch (error) {
    if (error instanceof ProgramError) throw error.toUserError();
    if (error instanceof UnreadableOutput) throw unreadable(error);
    throw error;
  }
}

async function readPacing(pacing: PacingPlan, device: string, run: Runner): Promise<PacingReadings> {
  const [queues, actions, known] = await Promise.all([
    run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', pacing.queueDevice]),
    readActions(device, 'egress', run),
    readPacingKnowledge(pacing, run),
  ]);
  const accounts = known?.accounts;
  return {
    queues: parseQdiscStatistics(queues.stdout),
    actions,
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
