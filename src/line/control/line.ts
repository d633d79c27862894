/**
 * What a measurement needs of the line under it: the one seam between `searchbw` and the shaper. The rest of
 * searchbw knows no tc, no firewall and no state file.
 */
import { failure, type UserError } from '../../core/errors.ts';
import type { RawRates } from '../../plan/input/framing.ts';
import type { FramingChoice } from '../../plan/input/framingChoice.ts';

/** The shaper's rates in bit/s of raw line rate, framing included; null leaves that direction unshaped. */
export interface LineRates {
  upBitPerSec: number | null;
  downBitPerSec: number | null;
}

/** The device's counters. Bytes and packets only ever grow (the implementation unwraps 32-bit counters). */
export interface LineCounters {
  /** Bytes received as the device counts them; without what the ingress stages dropped, where that is known. */
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  /** When they were read, on the same monotonic clock for all readings. */
  atMs: number;
}

/** Stored with every result, so that a figure can still be judged in a year. */
export interface LineDescription {
  device: string;
  /** `ppp`, `ethernet`, …: what decides the default framing. */
  kind: string;
  /** In words a person knows: `atm, overhead 40 (pppoe-llcsnap)`. */
  framing: string;
  mtuBytes: number;
  kernel: string;
  /** Program name to version: `{ tc: '6.1.0' }`. */
  versions: Readonly<Record<string, string>>;
}

/** The error for a device that is gone, or whose name another one has. */
export function wentAway(device: string, cause?: unknown): UserError {
  return failure(`${device} went away while it was measured`, 'when it is back, measure anew', { cause });
}

export interface LineControl {
  describe(): LineDescription;
  /** The framing as options of a command, ` --framing docsis`; empty where `inetgw` takes it by itself at these rates. */
  framingOptions(rates: RawRates): string;
  /** Bytes on the wire for one packet of this many bytes as the device's counters count it. Pure. */
  wireBytes(packetBytes: number): number;
  /**
   * Notes what is in force on the device, records durably that a measurement runs (so that the next inetgw
   * or searchbw notices if this process is killed outright), and sets up a shaper *without* the large-download
   * rule, which would falsify the maximum. Throws before anything is changed, or leaves things as they were.
   */
  prepare(): Promise<void>;
  /** Changes the rates in place, keeping queued packets. Called only between prepare() and restore(). */
  setRates(rates: LineRates): Promise<void>;
  readCounters(): Promise<LineCounters>;
  /**
   * From here on with window pacing, as `inetgw` would do by default, or without it again. The queues are made anew.
   * Gives why pacing is not possible here, in words, if it is not: then nothing has changed.
   */
  setPacing(wanted: boolean, rates: LineRates): Promise<string | undefined>;
  /** How many windows pacing has lowered since it was set; 0 without it. */
  readLoweredWindows(): Promise<number>;
  /** Whether the device is still the one that prepare() saw: a ppp link that comes up anew is another of its name. */
  isThere(): Promise<boolean>;
  /** Whether a shaper stood when prepare() looked, which restore() puts back. */
  hadShaper(): boolean;
  /** Puts back, byte for byte, what prepare() found. Safe to call twice, and after a failed prepare(). */
  restore(): Promise<void>;
}

export interface LineSettings {
  device: string;
  /** The framing as typed (`--framing`, `--linklayer`, `--overhead`, `--mpu`), checked by the shaper's own rules. */
  framing: string | undefined;
  linklayer: string | undefined;
  overhead: string | undefined;
  mpu: string | undefined;
  /** What the configuration file says of it: `inetgw` takes it by itself. Undefined: nothing. */
  configured: FramingChoice | undefined;
  /** The highest rates that will be measured, as far as they are known; 0 where not. */
  expected: RawRates;
}
