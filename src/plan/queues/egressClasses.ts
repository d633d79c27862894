/**
 * The egress classes, each once: queues, rules, statistics and reports are made of this table. Their order is that of
 * urgency: an earlier class borrows what others leave before a later one does. What goes into which: classes/rules.ts.
 */
import type { HostNumbers } from '../../firewall/rules.ts';
import type { ClassId, Handle } from '../../tc/objects.ts';

interface EgressClassDefinition {
  id: ClassId;
  /** Of the flow queue in it. */
  leafHandle: Handle;
  /**
   * What the class gets when all want everything. Above that it borrows, so the shares only say that nobody starves: a flood
   * of small packets leaves normal traffic its share, and a mail upload still moves. The acknowledgements of full downloads
   * and a call together need more than half of an ADSL uplink: with 40, 40 and 20 % the call waited 115 ms on 640 kbit/s,
   * with these 2 ms (docs/benchmarks/adsl6.md). All together are 1.
   */
  share: number;
}

export const EGRESS_CLASSES = {
  interactive: { id: '1:10', leafHandle: '10:', share: 0.7 },
  normal: { id: '1:20', leafHandle: '20:', share: 0.2 },
  bulk: { id: '1:30', leafHandle: '30:', share: 0.1 },
} as const satisfies Readonly<Record<string, EgressClassDefinition>>;

export type EgressClass = keyof typeof EGRESS_CLASSES;
/** From the most urgent to the least. */
export const EGRESS_CLASS_NAMES = Object.keys(EGRESS_CLASSES) as readonly EgressClass[];

/** Where packets go that no rule has sorted. */
export const DEFAULT_EGRESS_CLASS: EgressClass = 'normal';

/**
 * Priorities by which the firewall's rules tell the pacing program whose a connection is: 1:1000 to 1:1fff, which are no
 * classes. The program takes the number out and puts the packet into the class of what opens connections.
 */
export const HOST_NUMBERS: HostNumbers = { first: priorityOf('1:1000'), count: 4096 };
export const OPENING_PRIORITY = priorityOf(EGRESS_CLASSES.interactive.id);

/** A class as it stands in a packet's priority: two numbers of 16 bits, written in hexadecimal. */
function priorityOf(classId: ClassId): number {
  const [major = '', minor = ''] = classId.split(':');
  return Number.parseInt(major, 16) * 0x1_0000 + Number.parseInt(minor, 16);
}
