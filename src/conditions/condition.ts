/** What may be the matter with a shaped device: the types. The table is in table.ts. Pure. */
import type { Flowtable } from '../firewall/flowtables.ts';
import type { FirewallStanding } from '../firewall/standing.ts';
import type { Framing } from '../plan/input/framing.ts';
import type { LayerFacts } from '../plan/input/layers.ts';
import type { LinkFacts } from '../plan/input/link.ts';
import type { Plan } from '../plan/plan.ts';
import type { FilterLine } from '../tc/parse.ts';
import type { ActionsStanding, Standing } from '../tc/standing.ts';

/**
 * `broken`: what was set is not in force as it was said, wholly or in part: exit code 3. `warning`: it is in force, and
 * something takes from its effect. `note`: for information. The latter two leave the exit code as it is.
 */
export type Severity = 'broken' | 'warning' | 'note';

export interface Condition {
  /** Stable, for programs: `mtu-raised`. */
  id: string;
  severity: Severity;
  /** What it is, in a few words; a heading of docs/conditions.md, with the next three below it. */
  title: string;
  /** Where it is read from. */
  seenIn: string;
  meaning: string;
  /** What to do about it, in general; where the device matters, `DEV` stands for it, and in messages is replaced by it. */
  remedy: string;
  /** What is the case, one line each; nothing if it is not the case, or cannot be told from these readings. */
  find: (readings: ConditionReadings) => readonly string[];
}

/** A condition that was found, as programs and people are told of it. */
export interface FoundCondition {
  id: string;
  severity: Severity;
  text: string;
  remedy: string;
}

/** The record, as far as conditions depend on it. */
export interface RecordReading {
  phase: 'active' | 'changing' | 'measuring';
  plan: Plan;
  /** The other process that measures or steers the device, while it runs. */
  worker?: { command: string; pid: number; does: 'measures' | 'steers' } | undefined;
  /** The network namespace that it was made in; undefined: an earlier version did not write it down. */
  namespace: string | undefined;
}

/** A pause; times as Unix time in ms. */
export interface PausedReading {
  sinceMs: number;
  /** When it is resumed by itself; null: never. */
  untilMs: number | null;
  /** That time is over. */
  isOver: boolean;
  upBitPerSec: number;
  downBitPerSec: number;
}

/** Filters and programs of others at one hook of the device. */
export interface ClsactHookReading {
  hook: 'ingress' | 'egress';
  /** In the order in which packets come to them. */
  filters: readonly (FilterLine & { isOurs: boolean })[];
  /** How many of the plan's filters do not stand there. */
  missing: number;
  /** tcx programs: they come before all filters; undefined: cannot be told. */
  tcxPrograms: number | undefined;
}

/** How the queues on the ifb stand; `down`: it is there, and has been set down. */
export type QueueDeviceReading = 'whole' | 'down' | 'changed' | 'absent';

/** A tunnel that ends on this machine, whatever line it goes over. */
export interface OwnTunnel {
  device: string;
  /** What it has sent since it was made, in IP bytes of what is inside. */
  sentBytes: number;
  /** inetgw has been set up on it. */
  isShaped: boolean;
}

/** What has left a line since its shaper was set up, as the line counts it, and the tunnels of this machine. */
export interface TunnelReading {
  inTunnelsBytes: number;
  sentBytes: number;
  own: readonly OwnTunnel[];
}

/**
 * Everything that conditions are found in. What is undefined was not looked at, or cannot be told: then no condition
 * follows from it.
 */
export interface ConditionReadings {
  device: string;
  /** Undefined: there is no such device. */
  link: LinkFacts | undefined;
  record: RecordReading | undefined;
  /** Why the record that there is cannot be used. */
  recordProblem?: string | undefined;
  /** What was taken away for a while, and is to come back. */
  paused?: PausedReading | undefined;
  /** The other process that is changing the device at this moment, or measuring on it. */
  changedBy?: number | undefined;
  /** What the device of the record is called now. */
  newName?: string | undefined;
  /** What this device was called when it was set up. */
  oldName?: string | undefined;
  /** The network namespace of this process. */
  namespace?: string | undefined;
  /** The root qdisc that stands there, and how much of the plan's tree it is. */
  root?: { kind: string | undefined; handle: string; standing: Standing; isOurs: boolean } | undefined;
  /** The same of the ingress qdisc, and whether the plan's actions hang there. */
  ingress?: { kind: string | undefined; actions: ActionsStanding; isOurs: boolean } | undefined;
  queueDevice?: QueueDeviceReading | undefined;
  clsactHooks?: readonly ClsactHookReading[] | undefined;
  firewall?: FirewallStanding | undefined;
  layers?: LayerFacts | undefined;
  /** Of all tables of this network namespace. */
  flowtables?: readonly Flowtable[] | undefined;
  /** What this device's packets go through before it, coming in: what carries it, ports, what VLANs stand on. */
  devicesBelow?: readonly string[] | undefined;
  /** Devices that there is a record of. */
  shapedDevices?: readonly string[] | undefined;
  /** Of a tunnel: the framing that is set now on the device that carries it. */
  carrierFraming?: Framing | undefined;
  /** UDP ports that WireGuard on this machine listens on; undefined where the device is a tunnel itself. */
  wireGuardPorts?: readonly number[] | undefined;
  /** Associations of IPsec in tunnel mode, without a device of their own, that end here; undefined where none is counted twice. */
  ipsecTunnels?: number | undefined;
  /** Undefined also where next to nothing is in tunnels. */
  tunnels?: TunnelReading | undefined;
}
