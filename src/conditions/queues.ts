/** Conditions of the record and of the queues that it tells of. Pure. */
import type { Condition, ConditionReadings } from './condition.ts';

const AGAIN = 'set it up again: inetgw DEV UP DOWN';

/** The plan whose queues should stand on this very device, undisturbed by a run that is at work. */
function expected({ record, link, newName }: ConditionReadings): boolean {
  return (
    record?.phase === 'active' &&
    link !== undefined &&
    newName === undefined &&
    record.plan.link.ifindex === link.ifindex
  );
}

const replacedText = (device: string, what: string): string =>
  `somebody else's queues stand on ${device} in the place of those that inetgw had set (${what})`;

/** What is said of them when the device is set up anew, too. */
export const QUEUE_CONDITIONS: readonly Condition[] = [
  {
    id: 'record-damaged',
    severity: 'broken',
    title: 'the record of what was set cannot be used',
    seenIn: '/run/inetgw',
    meaning: 'it was changed, cut off or written by another version: what is in force is not known',
    remedy: AGAIN,
    find: ({ recordProblem }) =>
      recordProblem === undefined ? [] : [`the record of what was set is of no use: ${recordProblem}`],
  },
  {
    id: 'at-work',
    severity: 'broken',
    title: 'another process is changing or measuring the device',
    seenIn: 'the lock and the record in /run/inetgw',
    meaning: 'what is in force changes at this moment; searchbw restores what was in force before',
    remedy: 'wait until it has ended',
    find: ({ record, changedBy, device }) => {
      if (record === undefined || changedBy === undefined) return [];
      return record.worker?.pid === changedBy
        ? [`${record.worker.command}, process ${changedBy}, is measuring ${device} at this moment`]
        : [`process ${changedBy} is changing ${device} at this moment`];
    },
  },
  {
    id: 'run-unfinished',
    severity: 'broken',
    title: 'an earlier run was killed half way',
    seenIn: 'the record in /run/inetgw',
    meaning: 'part of the queues and rules may be missing',
    remedy: AGAIN,
    find: ({ record, changedBy, device }) => {
      if (record === undefined || record.phase === 'active' || changedBy !== undefined) return [];
      return record.phase === 'measuring'
        ? [`a measurement of searchbw was ended before it could put back what was on ${device}`]
        : [`an earlier run was ended while it was changing ${device}`];
    },
  },
  {
    id: 'root-replaced',
    severity: 'broken',
    title: 'the queues at root are those of somebody else',
    seenIn: '`tc qdisc show dev DEV`',
    meaning: 'what goes out is not shaped by inetgw: another program has put its queues in the place of ours',
    remedy: 'keep the other program from it; then: inetgw DEV UP DOWN --replace',
    find: (readings) => {
      const { root, device } = readings;
      if (!expected(readings) || root?.kind === undefined || root.isOurs) return [];
      return [replacedText(device, `root: ${root.kind} ${root.handle}`)];
    },
  },
  {
    id: 'ingress-replaced',
    severity: 'broken',
    title: 'the queue at ingress is that of somebody else',
    seenIn: '`tc qdisc show dev DEV`, `tc filter show dev DEV ingress`',
    meaning: 'what comes in is not policed by inetgw',
    remedy: 'beside a clsact of others: inetgw DEV UP DOWN; in the place of it: --replace',
    find: (readings) => {
      const { ingress, device } = readings;
      if (!expected(readings) || ingress?.kind === undefined || ingress.isOurs) return [];
      return [replacedText(device, `ingress: ${ingress.kind}`)];
    },
  },
  {
    id: 'queues-gone',
    severity: 'broken',
    title: 'queues were taken away or changed',
    seenIn: '`tc qdisc show dev DEV`, `tc class show dev DEV`',
    meaning: 'what goes out, or what comes in, is not shaped',
    remedy: AGAIN,
    find: (readings) => {
      const { root, ingress, device } = readings;
      if (!expected(readings)) return [];
      const rootGone = root !== undefined && root.isOurs && root.standing !== 'whole';
      const ingressGone = ingress !== undefined && ingress.kind === undefined;
      const where = [...(rootGone ? ['root'] : []), ...(ingressGone ? ['ingress'] : [])];
      if (where.length === 0) return [];
      return [
        `the queues that inetgw had set on ${device} were taken away by someone, or changed (${where.join(' and ')})`,
      ];
    },
  },
  {
    id: 'filters-gone',
    severity: 'broken',
    title: 'ingress filters were taken away or changed',
    seenIn: '`tc filter show dev DEV ingress`',
    meaning: 'what comes in is policed in part or not at all',
    remedy: AGAIN,
    find: (readings) => {
      const { ingress, device } = readings;
      if (!expected(readings) || ingress?.kind === undefined || !ingress.isOurs) return [];
      if (ingress.actions === 'yes' || ingress.actions === 'open') return [];
      const filters = `filters that inetgw had set at ingress of ${device}`;
      if (ingress.actions === 'changed')
        return [`the ${filters} do not have the rates and verdicts that they were given`];
      return [`${ingress.actions === 'some' ? 'some of ' : ''}the ${filters} were taken away by someone`];
    },
  },
  {
    id: 'ifb-gone',
    severity: 'broken',
    title: 'the device of the local queue is gone, down or has other queues',
    seenIn: '`ip link show igw-DEV`, `tc qdisc show dev igw-DEV`, `tc class …`',
    meaning: 'what comes in is lost if the device is gone or down, and not shaped if it has other queues',
    remedy: AGAIN,
    find: (readings) => {
      const { record, queueDevice } = readings;
      const name = record?.plan.queueDevice;
      if (!expected(readings) || name === undefined || queueDevice === undefined || queueDevice === 'whole')
        return [];
      const what = {
        absent: 'is gone',
        down: 'is down',
        changed: 'does not have the queues that inetgw had set',
      }[queueDevice];
      return [`${name}, through which everything that comes in passes, ${what}`];
    },
  },
  {
    id: 'pacing-detached',
    severity: 'broken',
    title: 'the program of window pacing was taken away',
    seenIn: '`tc filter show dev DEV egress`, `… ingress`',
    meaning: 'no windows are lowered: downloads are held back by drops alone',
    remedy: AGAIN,
    find: (readings) => {
      const { clsactHooks, device, record } = readings;
      if (!expected(readings) || clsactHooks === undefined || record?.plan.pacing === undefined) return [];
      return clsactHooks
        .filter(({ hook, missing }) => hook === 'egress' && missing > 0)
        .map(() => `the program of window pacing does not hang at egress of ${device} any more`);
    },
  },
];
