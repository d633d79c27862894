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

/**
 * @param queueDevice the ifb of a plan with pacing. There is none in the rehearsal's namespace: its queues are of
 *   the same kinds as those of the device itself and are left out, its filters stand on the device's root.
 */
export async function rehearse(
  allObjects: readonly TcObject[],
  run: Runner,
  queueDevice?: string,
): Promise<Rehearsal> {
  const objects = allObjects.filter(
    (object) => object.dev !== queueDevice || (object.type !== 'qdisc' && object.type !== 'class'),
  );
  const onLoopback = objects.map(moveToLoopback);
  try {
    await run(['unshare', '--net', 'tc', '-batch', '-'], { input: batchText(setUpLines(onLoopback)) });
    return { ok: true };
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    // A service without CAP_SYS_ADMIN may make no namespace: then it goes without, and the undo stands by.
    if (/^unshare: .*Operation not permitted/m.test(error.result.stderr)) return { ok: true };
    const line = failedBatchLine(error.result.stderr);
    const object = line === undefined ? undefined : objects[line - 1];
    return {
      ok: false,
      object,
      reason: object === undefined ? error.message : batchReason(error.result.stderr),
    };
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
