/**
 * A dress rehearsal: the very batch, on the loopback device of a network namespace made for it and gone
 * with it. What this kernel or this tc cannot do is found before anything in use is touched.
 */
import { missing, type UserError } from '../../core/errors.ts';
import { TRIAL_INDEX } from '../../plan/numbers/actionIndex.ts';
import { batchText, setUpLines } from '../../tc/batch.ts';
import type { Action, TcObject } from '../../tc/objects.ts';
import { batchReason, failedBatchLine } from '../../tc/parse.ts';
import { pathExists } from '../exec/pathExists.ts';
import { ProgramError, type Runner } from '../exec/run.ts';

export type Rehearsal =
  /** Not `tried`: no namespace may be made, so the plan itself will show it, and the undo stands by. */
  | { ok: true; tried: boolean }
  /**
   * `object` is what could not be made, where tc named the line. `shown`: it was the kernel or the tool that said no;
   * if not, the trial came to nothing (a program hung, say), and the next one may come out otherwise.
   */
  | { ok: false; object: TcObject | undefined; reason: string; shown: boolean };

/** Such devices can be made: the module is there already, or comes when one is asked for. */
const IFB_LOADED = '/sys/module/ifb';

/** Whether the device of the local queue can be made. */
export async function rehearseQueueDevice(run: Runner): Promise<Rehearsal> {
  if (await pathExists(IFB_LOADED)) return { ok: true, tried: true };
  try {
    await run(['unshare', '--net', 'ip', 'link', 'add', 'name', 'trial', 'type', 'ifb']);
    return { ok: true, tried: true };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (mayMakeNoNamespace(error)) return { ok: true, tried: false };
    const said = error.result.stderr.trim();
    // How ip gives the kernel's answer, and a type of device that is not known.
    const shown = /^(?:RTNETLINK answers|Error): /m.test(said);
    const reason = `no ifb can be made: ${shown ? said : error.message}`;
    return { ok: false, object: undefined, reason, shown };
  }
}

/** In a container with a user namespace of its own, whose root may make queues and filters all the same. */
export const ONLY_ON_HOST =
  'in a container with a user namespace of its own nobody may change actions; run it on the host, or in a container with the rights of the host';

export function isRefusal(said: string): boolean {
  return said.includes('Operation not permitted');
}

/** So it is for a service without CAP_SYS_ADMIN. */
export function mayMakeNoNamespace({ result }: ProgramError): boolean {
  return /^unshare: .*Operation not permitted/m.test(result.stderr);
}

/** One line of the rehearsal, and what it makes. */
interface TrialLine {
  line: string;
  object: TcObject | undefined;
}

/** The objects of all devices in one namespace, where there is no other device but loopback. */
export async function rehearse(objects: readonly TcObject[], run: Runner): Promise<Rehearsal> {
  const trial = trialLines(objects);
  try {
    await run(['unshare', '--net', 'tc', '-batch', '-'], { input: batchText(trial.map(({ line }) => line)) });
    return { ok: true, tried: true };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    if (mayMakeNoNamespace(error)) return tryPolice(objects, run);
    const failed = failedBatchLine(error.result.stderr);
    const object = failed === undefined ? undefined : trial[failed - 1]?.object;
    const numbered = failed !== undefined && trial[failed - 1]?.line.startsWith('actions ') === true;
    const reason = numbered || object !== undefined ? batchReason(error.result.stderr) : error.message;
    return {
      ok: false,
      object,
      reason: numbered && isRefusal(reason) ? `${reason}: ${ONLY_ON_HOST}` : reason,
      shown: failed !== undefined,
    };
  }
}

/** One device after the other on loopback, which is emptied in between. */
function trialLines(objects: readonly TcObject[]): TrialLine[] {
  return [...new Set(objects.map(({ dev }) => dev))].flatMap((dev) => {
    const own = objects.filter((object) => object.dev === dev);
    const setUp = setUpLines(own.map(moveToLoopback));
    return [
      ...setUp.map((line, index): TrialLine => ({ line, object: own[index] })),
      ...own.flatMap(takenFromLoopback),
    ];
  });
}

/** How a queue at root or ingress is taken away, and with it all that hangs below. */
function takenFromLoopback(object: TcObject): TrialLine[] {
  if (object.type !== 'qdisc') return [];
  if (object.spec.kind === 'clsact') return [{ line: 'qdisc del dev lo clsact', object: undefined }];
  return object.parent === 'root' ? [{ line: 'qdisc del dev lo root', object: undefined }] : [];
}

/** What can be tried without a namespace: a police action that no filter holds. */
async function tryPolice(objects: readonly TcObject[], run: Runner): Promise<Rehearsal> {
  const object = objects.find(
    (each) => each.type === 'filter' && each.actions.some((action) => action.kind === 'police'),
  );
  if (object === undefined) return { ok: true, tried: false };
  const lines = [
    `actions add action police rate 1mbit burst 4k conform-exceed drop/ok index ${TRIAL_INDEX}`,
    `actions del action police index ${TRIAL_INDEX}`,
  ];
  try {
    await run(['tc', '-batch', '-'], { input: batchText(lines) });
    return { ok: true, tried: false };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    const { stderr } = error.result;
    return { ok: false, object, reason: batchReason(stderr), shown: failedBatchLine(stderr) !== undefined };
  }
}

function moveToLoopback(object: TcObject): TcObject {
  if (object.type !== 'filter' && object.type !== 'program') return { ...object, dev: 'lo' };
  const actions = object.actions.map((action): Action =>
    action.kind === 'redirect' ? { ...action, toDev: 'lo' } : action,
  );
  return { ...object, dev: 'lo', actions };
}

/** The error that names what is missing and where it comes from. */
export function missingPiece(rehearsal: Extract<Rehearsal, { ok: false }>): UserError {
  const modules = rehearsal.object === undefined ? [] : modulesOf(rehearsal.object, rehearsal.reason);
  if (modules.length === 0)
    return missing(
      `this kernel or this tc cannot carry the plan: ${rehearsal.reason}`,
      'what this machine has and lacks: inetgw check',
    );
  const names = modules.join(', ');
  return missing(
    `this kernel cannot carry the plan: ${rehearsal.reason} (needs ${names})`,
    `try: modprobe -a ${modules.join(' ')} - on a small or cloud kernel it may be in another package, such as Debian's linux-image-amd64`,
  );
}

const ACTION_MODULES = {
  police: 'act_police',
  policeSize: 'act_police',
  mark: 'act_skbedit',
  drop: 'act_gact',
  ok: 'act_gact',
  count: 'act_gact',
  countOnly: 'act_gact',
  redirect: 'act_mirred',
} as const;

/**
 * What the kernel says where the module of a filter, or that of one of its actions, is not there (net/sched/cls_api.c and
 * act_api.c, from 4.16 on): so much tells which of them it is.
 */
export const NO_CLASSIFIER = /TC classifier not found/;
const NO_ACTION = /Failed to load TC action module/;

/** Kernel modules that an object may have failed for, by what the kernel said; HTB classes come with their qdisc. */
export function modulesOf(object: TcObject, reason: string): string[] {
  switch (object.type) {
    case 'qdisc':
      return [object.spec.kind === 'clsact' ? 'sch_ingress' : `sch_${object.spec.kind}`];
    case 'class':
      return ['sch_htb'];
    case 'filter':
      return [
        ...(NO_ACTION.test(reason) ? [] : ['cls_matchall']),
        ...(NO_CLASSIFIER.test(reason)
          ? []
          : new Set(object.actions.map((action) => ACTION_MODULES[action.kind]))),
      ];
    case 'program':
      return ['cls_bpf'];
    case 'small':
    case 'udp':
      return ['cls_u32'];
  }
}
