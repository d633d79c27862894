/**
 * The line under a device, shaped by the very planner and runner of `inetgw`, for as long as a measurement
 * lasts. What was in force before comes back at the end.
 */
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { settingsFromArguments } from '../../config/fromArguments.ts';
import { failure, usageError, UserError } from '../../core/errors.ts';
import { messageLine } from '../../core/messageLine.ts';
import { framedBytes, describeFraming, type Framing, type RawRates } from '../../plan/input/framing.ts';
import { resolveFraming } from '../../plan/input/framingChoice.ts';
import { actionIndex } from '../../plan/ingress/stages.ts';
import { layerAdvice, type LayerFacts } from '../../plan/input/layers.ts';
import { linkHeaderBytes, type LinkFacts } from '../../plan/input/link.ts';
import { factsShownBy, makePlan, type Plan } from '../../plan/plan.ts';
import { MAX_RATE_BIT_PER_SEC, type ShaperSettings } from '../../plan/input/settings.ts';
import { isPacingWanted, pacingActionIndex } from '../../plan/pacing/pacing.ts';
import { queueChange, tcStep } from '../../plan/steps.ts';
import { readActions } from '../../system/device/actions.ts';
import { carryOut, prepare } from '../../system/apply/apply.ts';
import { refuseForeign } from '../../system/apply/foreign.ts';
import { earlierOf, rollBack, type Earlier } from '../../system/apply/rollBack.ts';
import { readCurrent, readView } from '../../system/device/device.ts';
import { installFirewall, families } from '../../system/apply/firewall.ts';
import { readLayers } from '../../system/link/layers.ts';
import { findLink, readLink } from '../../system/link/link.ts';
import { withLock } from '../../system/record/lock.ts';
import { removeProgram, writePacingObject } from '../../system/device/pacing.ts';
import { requireNetAdmin } from '../../system/exec/privilege.ts';
import { installQueueDevice, removeQueueDevice } from '../../system/device/queueDevice.ts';
import { run } from '../../system/exec/run.ts';
import { ask, runStep } from '../../system/exec/runStep.ts';
import { withTunnel } from '../../system/device/tunnel.ts';
import { readState, tablesOf, writeState } from '../../system/record/state.ts';
import { thisWorker } from '../../system/record/worker.ts';
import { setUpLines, tearDownLines } from '../../tc/batch.ts';
import { framingOptions } from '../../plan/input/framingOptions.ts';
import { Unwrapper } from './unwrap.ts';
import {
  wentAway,
  type LineControl,
  type LineCounters,
  type LineDescription,
  type LineRates,
  type LineSettings,
} from './line.ts';

/** Unshaped: a rate that no line reaches. The queues stay, so a change to a real rate is made in place. */
const UNSHAPED_BIT_PER_SEC = MAX_RATE_BIT_PER_SEC;

/** Opens the line; throws a `UserError` for whatever stands in the way, before anything is changed. */
export async function openShapedLine(request: LineSettings): Promise<LineControl> {
  const { device, framing, linklayer, overhead, mpu, configured, expected } = request;
  const { settings } = settingsFromArguments(device, '1mbit', '1mbit', {
    ...(framing === undefined ? {} : { framing }),
    ...(linklayer === undefined ? {} : { linklayer }),
    ...(overhead === undefined ? {} : { overhead }),
    ...(mpu === undefined ? {} : { mpu }),
    // It would slow the very downloads that fill the line, and so falsify the maximum.
    largeDownloads: false,
  });
  const link = await withTunnel(await readLink(device), run);
  refuseWrongLayer(await readLayers(device));
  await requireNetAdmin('measuring with a shaper');
  const current = await readCurrent(device, run);
  if (!current.ours) refuseForeign(device, current);
  const tcVersion = await ask(['tc', '-V'], run);
  // Without a word on framing, it is measured with the one that is in force.
  const byItself = (rates: RawRates): Framing => resolveFraming(configured, link, rates);
  const used =
    settings.framing === undefined
      ? (current.record?.plan.framing ?? byItself(expected))
      : resolveFraming(settings.framing, link, expected);
  return new ShapedLine(
    { ...settings, framing: { exact: used } },
    link,
    { used, byItself },
    tcVersion.trim(),
  );
}

/** A device that is no line is refused, one that may be the wrong layer is measured with a word. */
function refuseWrongLayer(facts: LayerFacts): void {
  const advice = layerAdvice(facts);
  if (advice === undefined) return;
  const hint = advice.instead === undefined ? undefined : `measure ${advice.instead} instead`;
  if (advice.kind === 'wrong') throw usageError(advice.text, hint);
  process.stderr.write(messageLine('searchbw', hint === undefined ? advice.text : `${advice.text}; ${hint}`));
}

/** The framing that it is measured with, and the one that `inetgw` takes without a word. */
interface LineFraming {
  used: Framing;
  byItself: (rates: RawRates) => Framing;
}

class ShapedLine implements LineControl {
  readonly #settings: ShaperSettings;
  readonly #link: LinkFacts;
  readonly #framing: LineFraming;
  readonly #tcVersion: string;
  readonly #unwrapper = new Unwrapper();
  #earlier: Earlier | undefined;
  /** The record says that this process measures. */
  #isRecorded = false;
  /** Of the record as it stood when the change in hand began. */
  #tables: ReturnType<typeof tablesOf> = {};
  /** What the kernel holds now; undefined before prepare() and after restore(). */
  #plan: Plan | undefined;

  constructor(settings: ShaperSettings, link: LinkFacts, framing: LineFraming, tcVersion: string) {
    this.#settings = settings;
    this.#link = link;
    this.#framing = framing;
    this.#tcVersion = tcVersion;
  }

  describe(): LineDescription {
    return {
      device: this.#link.device,
      kind: this.#link.kind,
      framing: describeFraming(this.#framing.used),
      mtuBytes: this.#link.mtuBytes,
      kernel: release(),
      versions: { tc: this.#tcVersion },
    };
  }

  framingOptions(rates: RawRates): string {
    return framingOptions(this.#framing.used, this.#framing.byItself(rates));
  }

  wireBytes(packetBytes: number): number {
    return framedBytes(this.#framing.used, packetBytes - linkHeaderBytes(this.#link.kind));
  }

  async prepare(): Promise<void> {
    const { device } = this.#settings;
    await withLock(device, () => this.#begin());
  }

  async #begin(): Promise<void> {
    const settings = this.#at({ upBitPerSec: null, downBitPerSec: null });
    const prepared = await prepare(settings, { run, replace: false, rehearse: true });
    const { current } = prepared;
    for (const notice of current.notices) process.stderr.write(messageLine('searchbw', notice));
    const killed = current.record?.phase === 'measuring' ? current.record : undefined;
    this.#earlier =
      killed?.previous !== undefined && killed.previous.link.ifindex === this.#link.ifindex
        ? { plan: killed.previous, since: killed.since }
        : earlierOf(current);
    this.#plan = prepared.plan;
    const worker = await thisWorker('searchbw', 'measures');
    const left = await carryOut(prepared, { run, replace: false }, { worker, earlier: this.#earlier });
    this.#isRecorded = true;
    for (const notice of left) process.stderr.write(messageLine('searchbw', notice));
  }

  /**
   * Runs `body` under the lock. An inetgw that comes between two changes sees the record, and refuses.
   * @throws UserError if the device was changed all the same: by an earlier version, or after the record was deleted
   */
  async #change<T>(body: () => Promise<T>, unlocked?: (error: UserError) => void): Promise<T> {
    const { device } = this.#settings;
    const checked = async (): Promise<T> => {
      const reading = await readState(device);
      const isOthers = reading.kind === 'state' && reading.state.worker?.pid !== process.pid;
      if (this.#isRecorded && isOthers)
        throw failure(
          `somebody else has changed ${device} while it was measured: it is left as it is now`,
          `what is in force there: inetgw ${device}`,
        );
      this.#tables = tablesOf(reading.kind === 'state' ? reading.state : undefined);
      return body();
    };
    return withLock(device, checked, unlocked);
  }

  async isThere(): Promise<boolean> {
    const { device, ifindex } = this.#link;
    return (await findLink(device))?.ifindex === ifindex;
  }

  /** @throws UserError if it is not */
  async #requireDevice(): Promise<void> {
    if (!(await this.isThere())) throw wentAway(this.#link.device);
  }

  async setRates(rates: LineRates): Promise<void> {
    await this.#change(async () => {
      await this.#requireDevice();
      await this.#setRates(rates);
    });
  }

  async #setRates(rates: LineRates): Promise<void> {
    const from = this.#inForce();
    const pacing = from.pacing === undefined ? 'off' : 'auto';
    const kernel = { ...factsShownBy(from), pacingObjectFile: from.pacing?.objectFile };
    const plan = makePlan(this.#at(rates, pacing), this.#link, kernel, from.firewall?.backend);
    const { lines } = queueChange(plan, from, { root: undefined, ingress: undefined });
    if (plan.pacing !== undefined) await writePacingObject(plan.pacing);
    if (lines.length > 0) await runStep(tcStep(lines), run);
    this.#plan = plan;
    await this.#record(plan);
  }

  async setPacing(wanted: boolean, rates: LineRates): Promise<string | undefined> {
    const from = this.#inForce();
    if (wanted === (from.pacing !== undefined)) return undefined;
    return this.#change(async () => {
      await this.#requireDevice();
      return this.#setPacing(wanted, rates, from);
    });
  }

  async #setPacing(wanted: boolean, rates: LineRates, from: Plan): Promise<string | undefined> {
    if (!wanted) {
      const plain = makePlan(this.#at(rates), this.#link, factsShownBy(from), from.firewall?.backend);
      await this.#makeAnew(plain);
      return undefined;
    }
    const settings = this.#at(rates, 'auto');
    if (!isPacingWanted(settings)) return 'inetgw uses none at this bandwidth';
    const { plan, notices } = await prepare(settings, { run, replace: false, rehearse: true });
    if (plan.pacing === undefined) {
      return notices.find((notice) => notice.includes('window pacing')) ?? 'it is not possible here';
    }
    try {
      await this.#makeAnew(plan);
      return undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      // The search's own result is worth more than this: it goes on as it was.
      await this.#makeAnew(from);
      return error.message;
    }
  }

  async readLoweredWindows(): Promise<number> {
    const { device, ifindex } = this.#link;
    if (this.#plan?.pacing === undefined) return 0;
    const actions = await readActions(device, 'egress', run);
    return actions.get(`gact ${pacingActionIndex(ifindex, 'rewritten')}`)?.packets ?? 0;
  }

  /** Whatever of ours stands on the device, this plan's queues stand there afterwards. */
  async #makeAnew(plan: Plan): Promise<void> {
    const { device, ifindex } = this.#link;
    // Told beforehand: whoever comes after a killed run finds in it what there may be.
    await this.#record(plan.pacing === undefined ? this.#inForce() : plan);
    // All that stands there is of this session, whatever of it the record tells: with others at the hooks, ours alone.
    const view =
      plan.sharedClsact === undefined ? await readView(device, run) : (await readCurrent(device, run)).view;
    if (plan.pacing !== undefined) {
      await writePacingObject(plan.pacing);
      await installQueueDevice(plan, run);
    }
    await runStep(tcStep([...tearDownLines(device, view), ...setUpLines(plan.tc)]), run);
    this.#plan = plan;
    if (plan.pacing !== undefined) return;
    await removeQueueDevice(device, run);
    await removeProgram(device, [ifindex]);
    await this.#record(plan);
  }

  /**
   * Without what the stages dropped of what had come in: it was of no use to anybody. Where a queue on an ifb stands
   * in for them, nothing is taken off: the line has carried what that drops, and cake counts it towards the rate.
   */
  async readCounters(): Promise<LineCounters> {
    const { device } = this.#link;
    // Of another device, the counts would go on from somewhere else.
    await this.#requireDevice();
    const [received, txBytes, txPackets] = await Promise.all([
      this.#received(),
      this.#counter(device, 'tx_bytes'),
      this.#counter(device, 'tx_packets'),
    ]);
    return {
      rxBytes: received.bytes,
      txBytes,
      rxPackets: received.packets,
      txPackets,
      atMs: performance.now(),
    };
  }

  async #received(): Promise<{ bytes: number; packets: number }> {
    const { device, kind, ifindex } = this.#link;
    const [bytes, packets, actions] = await Promise.all([
      this.#counter(device, 'rx_bytes'),
      this.#counter(device, 'rx_packets'),
      readActions(device, 'ingress', run),
    ]);
    // Whatever stage 2 gave on was dropped, there or in stage 3; the device had counted it before.
    const dropped = actions.get(`police ${actionIndex(ifindex, 'dropLarge')}`);
    // tc counts packets in 32 bits where kernel or tc are older than 5.5.
    const droppedPackets = this.#unwrapper.next('dropped packets', dropped?.packets ?? 0);
    return {
      bytes: bytes - (dropped?.bytes ?? 0) - droppedPackets * linkHeaderBytes(kind),
      packets: packets - droppedPackets,
    };
  }

  async #counter(device: string, name: string): Promise<number> {
    return this.#unwrapper.next(`${device} ${name}`, await readCounter(device, name));
  }

  async restore(): Promise<void> {
    const plan = this.#plan;
    if (plan === undefined) return;
    this.#plan = undefined;
    // Without a place for a lock it is restored all the same: nobody else would do it.
    const unlocked = (): void => undefined;
    await this.#change(() => this.#restore(plan), unlocked);
  }

  async #restore(plan: Plan): Promise<void> {
    if (await this.#backInPlace(plan)) return;
    const tools = { now: plan.firewall?.backend, before: this.#earlier?.plan.firewall?.backend };
    const { failures } = await rollBack(this.#settings.device, this.#earlier, tools, run);
    if (failures.length > 0) throw failure(failures.map(({ message }) => message).join('; '));
  }

  hadShaper(): boolean {
    return this.#earlier !== undefined;
  }

  /** True if the earlier rates could be put back by changing them: then no queued packet is lost. */
  async #backInPlace(plan: Plan): Promise<boolean> {
    const earlier = this.#earlier;
    if (earlier === undefined) return false;
    const { view, link, record } = await readCurrent(this.#settings.device, run);
    if (link?.ifindex !== plan.link.ifindex || view.root === undefined || view.ingress === undefined)
      return false;
    const change = queueChange(earlier.plan, plan, view);
    if (change.how === 'anew' || earlier.plan.firewall?.backend !== plan.firewall?.backend) return false;
    try {
      // The lines load the program from it, with what it is told.
      if (earlier.plan.pacing !== undefined) await writePacingObject(earlier.plan.pacing);
      if (change.lines.length > 0) await runStep(tcStep(change.lines), run);
      await installFirewall(earlier.plan, plan.firewall?.rules ?? 'nothing', await families(), run);
    } catch (error) {
      // What stands is not what was left there: all of it anew.
      if (error instanceof UserError) return false;
      throw error;
    }
    await writeState(this.#settings.device, { phase: 'active', ...earlier, ...tablesOf(record) });
    return true;
  }

  #inForce(): Plan {
    if (this.#plan === undefined) throw new Error('setRates() before prepare()');
    return this.#plan;
  }

  #at({ upBitPerSec, downBitPerSec }: LineRates, pacing: 'auto' | 'off' = 'off'): ShaperSettings {
    return {
      ...this.#settings,
      upBitPerSec: upBitPerSec ?? UNSHAPED_BIT_PER_SEC,
      downBitPerSec: downBitPerSec ?? UNSHAPED_BIT_PER_SEC,
      // What is looked for is the line itself, which pacing would hide by never filling it; it is tried at the end.
      pacing,
    };
  }

  async #record(plan: Plan): Promise<void> {
    await writeState(this.#settings.device, {
      phase: 'measuring',
      worker: await thisWorker('searchbw', 'measures'),
      plan,
      since: this.#earlier?.since ?? new Date().toISOString(),
      ...(this.#earlier === undefined ? {} : { previous: this.#earlier.plan }),
      ...this.#tables,
    });
  }
}

/** As the device counts it. Throws a `UserError` if the device is gone. */
async function readCounter(device: string, name: string): Promise<number> {
  try {
    return Number(await readFile(`/sys/class/net/${device}/statistics/${name}`, 'utf8'));
  } catch (error) {
    throw wentAway(device, error);
  }
}
