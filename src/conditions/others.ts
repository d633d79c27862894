/** Conditions that other programs and the network around make. Pure. */
import { layerAdvice } from '../plan/input/layers.ts';
import type { FilterLine } from '../tc/parse.ts';
import type { Condition, ConditionReadings, ClsactHookReading } from './condition.ts';

const nameOf = ({ kind, pref, program }: FilterLine): string =>
  `${kind} pref ${pref}${program === undefined ? '' : ` (${program})`}`;

const WHAT_IT_COSTS = {
  ingress: 'what they accept, drop or redirect is not policed and not counted',
  egress: 'of what they accept, drop or redirect no windows are lowered',
} as const;

/** Of others, before the first of ours; those that always hand on to the next do no harm. */
function before({ filters }: ClsactHookReading): FilterLine[] {
  const first = filters.findIndex(({ isOurs }) => isOurs);
  return first < 0 ? [] : filters.slice(0, first).filter(({ ends }) => ends);
}

function behind({ filters }: ClsactHookReading): FilterLine[] {
  const first = filters.findIndex(({ isOurs }) => isOurs);
  return first < 0 ? [] : filters.slice(first).filter(({ isOurs }) => !isOurs);
}

function otherUplinks({ layers, shapedDevices }: ConditionReadings): string[] {
  if (layers === undefined || shapedDevices === undefined) return [];
  const { defaultRoutes, device } = layers;
  if (!defaultRoutes.includes(device)) return [];
  return defaultRoutes.filter((name) => name !== device && !shapedDevices.includes(name));
}

/** Whatever is below counts more: what goes past the device goes past its queues as well. */
function flowtablesHere({ device, record, flowtables = [], devicesBelow = [] }: ConditionReadings): string[] {
  if (record === undefined) return [];
  const hasLimits = record.plan.firewall?.rules.limits !== undefined;
  const limits = hasLimits ? ', and no limit of hosts holds for them' : '';
  return flowtables.flatMap(({ name, devices }) => {
    const below = devicesBelow.filter((each) => devices.includes(each));
    if (below.length > 0)
      return [
        `the flowtable ${name} takes connections past ${device} at ${below.join(', ')}: nothing of them is shaped, policed or paced${limits}`,
      ];
    return devices.includes(device)
      ? [
          `the flowtable ${name} takes connections past the rules of ${device}: all their packets are normal${limits}`,
        ]
      : [];
  });
}

export const OTHERS_CONDITIONS: readonly Condition[] = [
  {
    id: 'others-first',
    severity: 'warning',
    title: 'filters of others take packets before ours see them',
    seenIn: '`tc filter show dev DEV ingress`, `… egress`',
    meaning:
      'filters of a clsact are asked in the order of their preference, and the first that accepts, drops or redirects a packet is the last; a bpf filter with direct-action may do so with each',
    remedy:
      'have the other program hand packets on (`continue`, TC_ACT_UNSPEC), or do without one of the two',
    find: ({ clsactHooks = [], device }) =>
      clsactHooks.flatMap((reading) => {
        const found = before(reading);
        if (found.length === 0) return [];
        return [
          `at ${reading.hook} of ${device}, filters of others come before ours (${found.map(nameOf).join(', ')}): ${WHAT_IT_COSTS[reading.hook]}`,
        ];
      }),
  },
  {
    id: 'others-behind',
    severity: 'warning',
    title: 'filters of others stand behind ours',
    seenIn: 'the same',
    meaning: 'our stages decide on each packet: filters with a higher preference never see what comes in',
    remedy: 'set it up again, which puts ours behind theirs: inetgw DEV UP DOWN',
    find: ({ clsactHooks = [], device }) =>
      clsactHooks.flatMap((reading) => {
        const found = reading.hook === 'ingress' ? behind(reading) : [];
        if (found.length === 0) return [];
        return [
          `at ingress of ${device}, filters of others behind ours see no packets (${found.map(nameOf).join(', ')})`,
        ];
      }),
  },
  {
    id: 'tcx-first',
    severity: 'warning',
    title: 'tcx programs of others take packets before ours see them',
    seenIn: 'the kernel (BPF_PROG_QUERY; `bpftool net` shows them, `tc` does not)',
    meaning: 'programs at tcx (kernel 6.6 and later) come before all filters of a clsact',
    remedy: 'have the program answer TCX_NEXT, or do without one of the two',
    find: ({ clsactHooks = [], device }) =>
      clsactHooks.flatMap(({ hook, tcxPrograms = 0 }) =>
        tcxPrograms === 0
          ? []
          : [
              `at ${hook} of ${device}, ${tcxPrograms === 1 ? 'a tcx program' : `${tcxPrograms} tcx programs`} of others come${tcxPrograms === 1 ? 's' : ''} before ours: ${WHAT_IT_COSTS[hook]}`,
            ],
      ),
  },
  {
    id: 'flow-offload',
    severity: 'warning',
    title: 'a flowtable forwards connections past the rules, or past the device',
    seenIn: '`nft list flowtables`, /sys/class/net, /proc/net/pppoe',
    meaning:
      'established connections between its devices meet no rules: with DEV among them they are all in one class, with what is below DEV they do not even meet its queues and stages',
    remedy:
      'do without it on this line: neither DEV nor what is below it among its devices, and no `flow add` for what goes by DEV (OpenWrt: flow_offloading 0)',
    find: flowtablesHere,
  },
  {
    id: 'wrong-layer',
    severity: 'warning',
    title: 'the device is below or beside the one that leads to the internet',
    seenIn: '/sys/class/net, /proc/net/route, /proc/net/pppoe',
    meaning:
      'rules and window pacing see nothing of what is wrapped in another protocol or handled one layer above',
    remedy:
      'set up the device that leads to the internet, and clear this one if it is set up: inetgw DEV clear',
    find: ({ layers }) => {
      const advice = layers === undefined ? undefined : layerAdvice(layers);
      if (advice === undefined) return [];
      return [advice.instead === undefined ? advice.text : `${advice.text}; shape ${advice.instead}`];
    },
  },
  {
    id: 'several-uplinks',
    severity: 'note',
    title: 'another device leads to the internet and is not shaped',
    seenIn: '/proc/net/route, /proc/net/ipv6_route',
    meaning: 'what goes by the other line waits in its modem',
    remedy: 'set up each line with its own rates, if they are to be shaped',
    find: (readings) => {
      const others = otherUplinks(readings);
      if (others.length === 0) return [];
      return [
        `${others.join(', ')} ${others.length === 1 ? 'has' : 'have'} a default route as well and ${others.length === 1 ? 'is' : 'are'} not shaped`,
      ];
    },
  },
];
