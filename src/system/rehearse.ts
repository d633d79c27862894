/**
 * A dress rehearsal: the very batch, on the loopback device of a network namespace made for it and gone
 * with it. What this kernel or this tc cannot do is found before anything in use is touched.
 */
import { missing, type UserError } from '../errors.ts';
import { batchText, setUpLines } from '../tc/batch.ts';
import type { Action, TcObject } from '../tc/objects.ts';
import { batchReason, failedBatchLine } from '../tc/parse.ts';
import { ProgramError, type Runner } from './run.ts';

export type Rehearsal =
  | { ok: true }
  /** `object` is what could not be made, where tc named the line. */
  | { ok: false; object: TcObject | undefined; reason: string };

/** The objects of each device in a namespace of their own, where there is no other device but loopback. */
export async function rehearse(objects: readonly TcObject[], run: Runner): Promise<Rehearsal> {
  for (const dev of new Set(objects.map((object) => object.dev))) {
    const result = await rehearseOnLoopback(
      objects.filter((object) => object.dev === dev),
      run,
    );
    if (!result.ok) return result;
  }
  return { ok: true };
}

async function rehearseOnLoopback(objects: readonly TcObject[], run: Runner): Promise<Rehearsal> {
  const onLoopback = objects.map(moveToLoopback);
  try {
    await run(['unshare', '--net', 'tc', '-batch', '-'], { input: batchText(setUpLines(onLoopback)) });
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    // A service without CAP_SYS_ADMIN may make no namespace.
    if (/^unshare: .*Operation not permitted/m.test(error.result.stderr)) return tryPolice(objects, run);
    const line = failedBatchLine(error.result.stderr);
    const object = line === undefined ? undefined : objects[line - 1];
    return {
      ok: false,
      object,
      reason: object === undefined ? error.message : batchReason(error.result.stderr),
    };
  }
}

/** "IT" in ASCII: no other action of ours has such an index. */
const TRIAL_INDEX = 0x4954_0000;

/**
 * What can be tried without a namespace: a police action that no filter holds. For the rest the undo stands by.
 */
async function tryPolice(objects: readonly TcObject[], run: Runner): Promise<Rehearsal> {
  const object = objects.find(
    (each) => each.type === 'filter' && each.actions.some((action) => action.kind === 'police'),
  );
  if (object === undefined) return { ok: true };
  const lines = [
    `actions add action police rate 1mbit burst 4k conform-exceed drop/ok index ${TRIAL_INDEX}`,
    `actions del action police index ${TRIAL_INDEX}`,
  ];
  try {
    await run(['tc', '-batch', '-'], { input: batchText(lines) });
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    return { ok: false, object, reason: batchReason(error.result.stderr) };
  }
}

function moveToLoopback(object: TcObject): TcObject {
  if (object.type !== 'filter') return { ...object, dev: 'lo' };
  const actions = object.actions.map((action): Action =>
    action.kind === 'redirect' ? { ...action, toDev: 'lo' } : action,
  );
  return { ...object, dev: 'lo', actions };
}

/** The error that names what is missing and where it comes from. */
export function missingPiece(rehearsal: Extract<Rehearsal, { ok: false }>): UserError {
  const modules = rehearsal.object === undefined ? [] : modulesOf(rehearsal.object);
  if (modules.length === 0)
    return missing(`this kernel or this tc cannot carry the plan: ${rehearsal.reason}`);
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
  redirect: 'act_mirred',
} as const;

/** Kernel modules behind an object; HTB classes come with their qdisc. */
export function modulesOf(object: TcObject): string[] {
  switch (object.type) {
    case 'qdisc':
      return [object.spec.kind === 'clsact' ? 'sch_ingress' : `sch_${object.spec.kind}`];
    case 'class':
      return ['sch_htb'];
    case 'filter':
      return ['cls_matchall', ...new Set(object.actions.map((action) => ACTION_MODULES[action.kind]))];
    case 'program':
      return ['cls_bpf'];
    case 'small':
      return ['cls_u32'];
  }
}
