/** What is on a device now: the kernel's answer beside our own record of it. */
import { failure, type UserError } from '../errors.ts';
import type { LinkFacts } from '../shaper/link.ts';
import type { Plan } from '../shaper/plan.ts';
import type { TcView } from '../tc/batch.ts';
import { parseTcView, UnreadableOutput } from '../tc/parse.ts';
import { findLink } from './link.ts';
import { deviceExists } from './queueDevice.ts';
import { ProgramError, type Runner } from './run.ts';
import { readState, type DeviceState } from './state.ts';

export interface Current {
  device: string;
  /** Undefined: the device does not exist (any more). */
  link: LinkFacts | undefined;
  view: TcView;
  /** Our record, if it can be read. */
  record: DeviceState | undefined;
  /** What is on the device was put there by inetgw, as far as the record tells. */
  ours: boolean;
  /** The plan that the kernel holds: recorded as in force, and seen on the device. */
  inForce: Plan | undefined;
  /** What a user should know: a killed run, a damaged record, queues taken away by someone. */
  notices: readonly string[];
}

const NOTHING: TcView = { root: undefined, ingress: undefined };

export async function readCurrent(device: string, run: Runner): Promise<Current> {
  const [link, reading] = await Promise.all([findLink(device), readState(device)]);
  const view = link === undefined ? NOTHING : await readView(device, run);
  if (reading.kind === 'none') {
    return { device, link, view, record: undefined, ours: false, inForce: undefined, notices: [] };
  }
  if (reading.kind === 'unreadable') {
    // The record told nothing but that we were here: what looks like ours is taken to be ours.
    return {
      device,
      link,
      view,
      record: undefined,
      ours: looksLikeOurs(view),
      inForce: undefined,
      notices: [`the record of what was set is of no use: ${reading.why}`],
    };
  }
  const record = reading.state;
  // Another index under the same name is another device: a ppp link that came up again.
  const sameDevice = link !== undefined && record.plan.link.ifindex === link.ifindex;
  const { queueDevice } = record.plan;
  const complete =
    sameDevice && looksLikeOurs(view) && (queueDevice === undefined || (await deviceExists(queueDevice)));
  const active = record.phase === 'active';
  const notices: string[] = [];
  if (record.phase === 'measuring') {
    notices.push(`a measurement of searchbw was ended before it could put back what was on ${device}`);
  } else if (record.phase === 'changing') {
    notices.push(`an earlier run was ended while it was changing ${device}`);
  } else if (sameDevice && !complete)
    notices.push(`the queues that inetgw had set on ${device} were taken away by someone`);
  return {
    device,
    link,
    view,
    record,
    ours: sameDevice && (!active || complete || looksLikePart(view)),
    inForce: active && complete ? record.plan : undefined,
    notices,
  };
}

/** Of the device as it is and as it was recorded: a ppp link that came up again has another. */
export function ifindexesOf({ link, record }: Current): number[] {
  const found = [link?.ifindex, record?.plan.link.ifindex, record?.previous?.link.ifindex];
  return [...new Set(found.filter((ifindex) => ifindex !== undefined))];
}

async function readView(device: string, run: Runner): Promise<TcView> {
  try {
    const shown = await run(['tc', '-j', 'qdisc', 'show', 'dev', device]);
    return parseTcView(shown.stdout);
  } catch (error) {
    // It went away between the two looks.
    if (error instanceof ProgramError && (await findLink(device)) === undefined) return NOTHING;
    if (error instanceof ProgramError) throw error.toUserError();
    if (error instanceof UnreadableOutput) throw unreadable(error);
    throw error;
  }
}

/** The error for output that cannot be read. */
export function unreadable(error: UnreadableOutput): UserError {
  return failure(error.message, 'is there another program of that name on the path of root? See: tc -V', {
    cause: error,
  });
}

function looksLikeOurs(view: TcView): boolean {
  return isOurRoot(view) && isOurIngress(view);
}

/** What is there is ours, though something may be missing. */
function looksLikePart(view: TcView): boolean {
  return (view.root === undefined || isOurRoot(view)) && (view.ingress === undefined || isOurIngress(view));
}

function isOurRoot(view: TcView): boolean {
  return view.root?.kind === 'htb' && view.root.handle === '1:';
}

function isOurIngress(view: TcView): boolean {
  return view.ingress?.kind === 'ingress' || view.ingress?.kind === 'clsact';
}
