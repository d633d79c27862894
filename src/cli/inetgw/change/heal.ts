/** `inetgw heal [DEV]`: puts back what somebody has taken away of what is in force. */
import { EXIT, UserError, UserErrors } from '../../../core/errors.ts';
import {
  describeMending,
  findDamage,
  heal,
  isMendable,
  type Damage,
  type Healed,
} from '../../../system/apply/heal.ts';
import { checkDeviceName } from '../../../system/link/link.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { run as runProgram, type Runner } from '../../../system/exec/run.ts';
import { finishDespiteSignals } from '../../../system/exec/signals.ts';
import { readPaused } from '../../../system/record/paused.ts';
import { recordedDevices } from '../../../system/record/state.ts';
import type { Options } from '../words/program.ts';
import { verboseRunner } from '../words/verbose.ts';
import { warn } from '../../common/warn.ts';

/** One device in `inetgw heal --json`. */
interface HealJson {
  device: string;
  /** What was found: nothing to heal (`nothing`, `whole`), what was healed (`rules`, `queues`, `half`), or why not. */
  found: Damage['kind'];
  /** What was done, in words; with `--dry-run` what would be; `null`: nothing. */
  done: string | null;
}

/**
 * Each device by itself: one that cannot be healed keeps no other from it. The exit code is `notInForce` where what is
 * missing is not for it to put back.
 */
export async function healCommand(device: string | undefined, options: Options): Promise<number> {
  if (device !== undefined) checkDeviceName(device);
  await requireNetAdmin('looking at the firewall rules');
  const run = options.verbose === true ? verboseRunner(runProgram) : runProgram;
  const devices = device === undefined ? await recordedDevices() : [device];
  return finishDespiteSignals(async (interrupted) => {
    const all: HealJson[] = [];
    const failures: UserError[] = [];
    let code: number = EXIT.ok;
    for (const each of devices) {
      if (interrupted()) break;
      try {
        const healed = await healOne(each, run, options);
        all.push({ device: each, found: healed.damage.kind, done: healed.done ?? null });
        if (isLeft(healed.damage)) code = EXIT.notInForce;
        if (options.json === true || options.quiet === true) continue;
        if (healed.damage.kind === 'nothing' && (await readPaused(each)) !== undefined)
          process.stdout.write(`${each}: left alone, it is paused: see inetgw ${each}\n`);
        else tell(each, healed, options);
      } catch (error) {
        if (!(error instanceof UserError || error instanceof UserErrors)) throw error;
        const errors = error instanceof UserErrors ? error.errors : [error];
        for (const { exitCode, message, hint } of errors)
          failures.push(new UserError(exitCode, `${each}: ${message}`, hint));
      }
    }
    if (options.json === true) process.stdout.write(`${JSON.stringify(all)}\n`);
    if (failures.length > 0) throw new UserErrors(failures);
    return code;
  });
}

async function healOne(device: string, run: Runner, options: Options): Promise<Healed> {
  if (options.dryRun !== true) return heal(device, run);
  const damage = await findDamage(device, run);
  return { damage, done: isMendable(damage) ? describeMending(damage) : undefined };
}

const isLeft = (damage: Damage): boolean => damage.kind === 'foreign' || damage.kind === 'begun';

/** What was done goes where errors go: it is what a log is to have. That all is well does not. */
function tell(device: string, { damage, done }: Healed, options: Options): void {
  if (done !== undefined) {
    const found = done.slice(0, done.lastIndexOf(': '));
    warn(`${device}: ${options.dryRun === true ? `${found}; it would be put back` : done}`);
    return;
  }
  switch (damage.kind) {
    case 'whole':
      process.stdout.write(`${device}: whole, nothing to do\n`);
      break;
    case 'nothing':
      process.stdout.write(`${device}: nothing is set up, or the device is another one now\n`);
      break;
    case 'busy':
      process.stdout.write(`${device}: left alone, process ${damage.pid} is at work on it\n`);
      break;
    case 'foreign':
      warn(`${device}: left alone, ${damage.why}; to have them replaced: inetgw ${device} UP DOWN --replace`);
      break;
    case 'begun':
      warn(
        `${device}: a run that was killed has left it half set up, and nothing was in force before;` +
          ` set it up again, or: inetgw ${device} clear`,
      );
      break;
    case 'rules':
    case 'queues':
    case 'half':
      break;
  }
}
