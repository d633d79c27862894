/** Conditions of the device itself: it changes under us. Pure. */
import { formatRate } from '../core/units.ts';
import type { Condition, ConditionReadings, PausedReading } from './condition.ts';

/** The device that the record tells of, whatever stands on it. */
function sameDevice({ record, link }: ConditionReadings): boolean {
  return record !== undefined && record.plan.link.ifindex === link?.ifindex;
}

function pausedText(
  device: string,
  { sinceMs, untilMs, isOver, upBitPerSec, downBitPerSec }: PausedReading,
): string {
  const time = (ms: number): string => new Date(ms).toISOString();
  const until = untilMs === null ? 'until somebody resumes it' : `until ${time(untilMs)}`;
  const rates = `up ${formatRate(upBitPerSec)}, down ${formatRate(downBitPerSec)}`;
  const back = isOver
    ? `since then ${rates} should be back: inetgw serve does not run, or could not set it up`
    : `then ${rates} come back`;
  return `${device} was paused by the page of inetgw serve at ${time(sinceMs)}, ${until}; ${back}`;
}

export const DEVICE_CONDITIONS: readonly Condition[] = [
  {
    id: 'paused',
    severity: 'broken',
    title: 'it is paused',
    seenIn: '/run/inetgw/DEV.paused',
    meaning:
      'somebody with the token for changes has had the shaper taken away for a while (monitoring.md, Changes): nothing is shaped',
    remedy: 'resume it on the page, or set it up: inetgw DEV UP DOWN',
    find: ({ record, paused, device }) =>
      record !== undefined || paused === undefined ? [] : [pausedText(device, paused)],
  },
  {
    id: 'other-namespace',
    severity: 'broken',
    title: 'the record is of another network namespace',
    seenIn: 'the record in /run/inetgw, /proc/self/ns/net',
    meaning:
      'a unit or container in another network namespace has written it here: its device is not the one here',
    remedy: 'take the record away with: inetgw DEV clear; run it in that namespace with /proc visible',
    find: ({ record, namespace, device }) =>
      record?.namespace === undefined || namespace === undefined || record.namespace === namespace
        ? []
        : [`the record of ${device} was made in another network namespace (${record.namespace})`],
  },
  {
    id: 'device-renamed',
    severity: 'broken',
    title: 'the device has another name now',
    seenIn: '/sys/class/net/*/ifindex',
    meaning:
      'its queues went along; the firewall rules and the record go by the old name and see nothing of it',
    remedy: 'clear it by its old name, which takes the queues from the new one, and set it up by its new one',
    find: ({ device, newName, oldName }) => [
      ...(newName === undefined
        ? []
        : [`${device} is called ${newName} now: inetgw ${device} clear; inetgw ${newName} UP DOWN`]),
      ...(oldName === undefined
        ? []
        : [
            `${device} was called ${oldName} when it was set up: inetgw ${oldName} clear; inetgw ${device} UP DOWN`,
          ]),
    ],
  },
  {
    id: 'device-recreated',
    severity: 'broken',
    title: 'the device is another one of the same name',
    seenIn: '/sys/class/net/DEV/ifindex',
    meaning: 'it went away and came again, without what was set on it: a link that was dialled anew',
    remedy: 'set it up again: inetgw DEV UP DOWN; and with each coming: inetgw install-hook',
    find: (readings) => {
      const { record, link, device, namespace } = readings;
      if (record === undefined || link === undefined || sameDevice(readings)) return [];
      if (record.namespace !== undefined && namespace !== undefined && record.namespace !== namespace)
        return [];
      return [`${device} went away since it was set up, and another device has its name`];
    },
  },
  {
    id: 'mtu-raised',
    severity: 'broken',
    title: 'the MTU is larger than when it was set up',
    seenIn: '/sys/class/net/DEV/mtu',
    meaning: 'buckets and tables are made for shorter packets: longer ones are dropped, all of them',
    remedy: 'set it up again: inetgw DEV UP DOWN',
    find: (readings) => {
      const { record, link, device } = readings;
      if (record === undefined || link === undefined || !sameDevice(readings)) return [];
      const then = record.plan.link.mtuBytes;
      if (link.mtuBytes <= then) return [];
      return [
        `the MTU of ${device} is ${link.mtuBytes} and was ${then} when it was set up: longer packets are lost`,
      ];
    },
  },
  {
    id: 'mtu-lowered',
    severity: 'warning',
    title: 'the MTU is smaller than when it was set up',
    seenIn: '/sys/class/net/DEV/mtu',
    meaning: 'all of it is in force; bursts and windows are reckoned for longer packets',
    remedy: 'set it up again: inetgw DEV UP DOWN',
    find: (readings) => {
      const { record, link, device } = readings;
      if (record === undefined || link === undefined || !sameDevice(readings)) return [];
      const then = record.plan.link.mtuBytes;
      return link.mtuBytes >= then
        ? []
        : [`the MTU of ${device} is ${link.mtuBytes} and was ${then} when it was set up`];
    },
  },
];
