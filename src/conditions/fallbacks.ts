/** Conditions of a plan that has a fallback for what the kernel lacks. Pure. */
import { fallbacks } from '../plan/fallbacks.ts';
import type { Condition } from './condition.ts';

export const FALLBACK_CONDITIONS: readonly Condition[] = [
  {
    id: 'fallback',
    severity: 'note',
    title: 'a fallback is used for what the kernel lacks',
    seenIn: 'the record in /run/inetgw',
    meaning:
      'flows that share instead of hosts, sfq instead of fq_codel, a queue on an ifb instead of the stages, HTB instead of cake',
    remedy: 'inetgw check names the module; with it: inetgw DEV clear, inetgw DEV UP DOWN',
    find: ({ record }) => (record === undefined ? [] : fallbacks(record.plan)),
  },
  {
    id: 'no-pacing',
    severity: 'note',
    title: 'window pacing was wanted and is not in force',
    seenIn: 'the record in /run/inetgw',
    meaning: 'downloads are held back by drops alone: answers take several times as long while they run',
    remedy: 'inetgw check says what is missing; with it: inetgw DEV clear, inetgw DEV UP DOWN',
    find: ({ record }) => {
      const { pacing, pacingMissing, pacingWhy } = record?.plan ?? {};
      if (pacing !== undefined || (pacingMissing !== true && pacingWhy === undefined)) return [];
      return [`no window pacing: ${pacingWhy ?? 'this kernel or this tc cannot load its program'}`];
    },
  },
];
