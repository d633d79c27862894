/** `--dry-run` of setting up and clearing: what would be run, for a person, a shell or a program. */
import { createHash } from 'node:crypto';
import { EXIT, usageError } from '../../../core/errors.ts';
import {
  planJson,
  planSummary,
  programsOf,
  type Outlook,
  type ProgramFile,
} from '../../../report/statistics/planSummary.ts';
import { assumedLink } from '../../../plan/input/assumedLink.ts';
import type { LinkFacts } from '../../../plan/input/link.ts';
import type { ShaperSettings } from '../../../plan/input/settings.ts';
import { filesGoneAsScript, objectFileAsScript, stepsAsScript, type Step } from '../../../plan/steps.ts';
import { prepare, type ApplyOptions, type Prepared } from '../../../system/apply/apply.ts';
import { prepareClear } from '../../../system/apply/clearSteps.ts';
import { noSuchDevice } from '../../../system/link/link.ts';
import { pacingObject } from '../../../system/device/pacing.ts';
import type { Runner } from '../../../system/exec/run.ts';
import { clearedText } from './clearedText.ts';
import type { GlobalOptions } from '../words/program.ts';
import { warn } from '../../common/warn.ts';

type Form = 'text' | 'script' | 'json';

/** Which form a dry run takes; two that contradict each other are wrong usage. */
export function formOf(options: GlobalOptions): Form {
  if (options.dryRunScript !== true) return options.json === true ? 'json' : 'text';
  if (options.json === true) throw usageError('--dry-run=script and --json are two forms: take one of them');
  return 'script';
}

/** The device need not be there yet: its name then says what it will be. */
export async function dryRunApply(
  settings: ShaperSettings,
  applyOptions: ApplyOptions,
  options: GlobalOptions,
): Promise<number> {
  const form = formOf(options);
  const { device } = settings;
  const assumed = assumedLink(device);
  const prepared = await prepare(settings, {
    ...applyOptions,
    rehearse: false,
    ...(assumed === undefined ? {} : { assumedLink: assumed }),
  });
  const deviceExists = prepared.current.link !== undefined;
  if (!deviceExists && options.quiet !== true) warn(absentText(prepared.plan.link));
  const { pacing } = prepared.plan;
  const object = pacing === undefined ? undefined : await pacingObject(pacing);
  const file = pacing === undefined || object === undefined ? undefined : fileOf(pacing.objectFile, object);
  if (form === 'script') {
    process.stdout.write(
      scriptHead(`sets up ${device}`, `to undo all of it, or what was done of it: inetgw ${device} clear`),
    );
    if (object !== undefined && file !== undefined)
      process.stdout.write(objectFileAsScript(file.path, object));
    process.stdout.write(stepsAsScript(prepared.steps));
    return EXIT.ok;
  }
  const outlook = outlookOf(settings, prepared, file, deviceExists);
  process.stdout.write(form === 'json' ? `${JSON.stringify(planJson(outlook))}\n` : planText(outlook));
  return EXIT.ok;
}

/** What stands before the steps: a shell would go on with the next one after a failure. */
function scriptHead(does: string, undo: string): string {
  return [
    '#!/bin/sh',
    `# ${does}, and stops where something fails`,
    `# ${undo}`,
    'set -e',
    `trap '[ $? -eq 0 ] || echo "stopped; ${undo}" >&2' EXIT`,
    '',
  ].join('\n');
}

function absentText({ device, kind, mtuBytes }: LinkFacts): string {
  const what = { ppp: 'a ppp', ethernet: 'an Ethernet', ip: 'an IP' }[kind];
  return (
    `there is no ${device} yet: planned as for ${what} device of its name, mtu ${mtuBytes};` +
    ' numbers that follow from its index will be others'
  );
}

function fileOf(path: string, object: Buffer): ProgramFile {
  return { path, bytes: object.length, sha256: createHash('sha256').update(object).digest('hex') };
}

function outlookOf(
  settings: ShaperSettings,
  { plan, queues, steps, notices, lost }: Prepared,
  program: ProgramFile | undefined,
  deviceExists: boolean,
): Outlook {
  return { settings, plan, how: queues.how, steps, program, deviceExists, notices: [...lost, ...notices] };
}

function planText(outlook: Outlook): string {
  const { plan, steps, program, notices } = outlook;
  const written =
    program === undefined
      ? ''
      : `# the pacing program is written: ${program.path}, ${program.bytes} bytes, sha256 ${program.sha256}\n`;
  return [
    `${plan.device} would be set up; nothing was changed\n`,
    planSummary(outlook),
    ...notices.map((notice) => `note: ${notice}\n`),
    'note: whether this kernel can carry it was not tried; inetgw check tells\n',
    '\nIn this order (--dry-run=script prints it for a shell):\n\n',
    written,
    stepsAsScript(steps),
  ].join('');
}

/** What clearing would take away, as far as it can be seen. */
export async function dryRunClear(device: string, run: Runner, options: GlobalOptions): Promise<number> {
  const form = formOf(options);
  const { outcome, steps, files, folders, notices } = await prepareClear(device, run);
  if (options.quiet !== true && form !== 'json') for (const notice of notices) warn(notice);
  const script = `${stepsAsScript(steps)}${filesGoneAsScript(files, folders)}`;
  switch (form) {
    case 'script':
      if (script !== '')
        process.stdout.write(
          scriptHead(`clears ${device}`, `to undo it, set ${device} up again: inetgw ${device} UP DOWN`),
        );
      process.stdout.write(script);
      break;
    case 'json':
      process.stdout.write(
        `${JSON.stringify({ device, ...outcome, steps: stepsJson(steps), files, notices })}\n`,
      );
      break;
    case 'text':
      process.stdout.write(
        script === ''
          ? `${device}: ${clearedText(outcome, false)}\n`
          : `${device} would be cleared; nothing was changed\n` +
              `  programs  ${programsOf(steps).join(', ') || 'none'}\n` +
              outcome.leftAlone.map((each) => `  left alone, not set by inetgw: ${each}\n`).join('') +
              `\nIn this order (--dry-run=script prints it for a shell):\n\n${script}`,
      );
  }
  return EXIT.ok;
}

function stepsJson(steps: readonly Step[]): object[] {
  return steps.map(({ what, argv, input }) => ({ what, argv, input }));
}

/** Throws where neither the device nor its name tells what it is. */
export async function requirePlannable(device: string, exists: boolean): Promise<void> {
  if (!exists && assumedLink(device) === undefined) throw await noSuchDevice(device);
}
