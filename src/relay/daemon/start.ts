/** Starts a relay in the way its mode says: at the prompt, in the foreground, or in the background. */
import { closeSync, mkdirSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageLine } from '../../core/messageLine.ts';
import { errorCode, EXIT, failure, UserError, UserErrors } from '../../core/errors.ts';
import { type DetachReport, REPORT_FD_VARIABLE } from '../../service/detach.ts';
import { checkDescriptors } from './descriptors.ts';
import { runService } from './service.ts';
import type { Settings } from './settings.ts';

export async function start(settings: Settings): Promise<number> {
  const tell = (warnings: readonly string[], chosen: readonly string[]): void => {
    for (const warning of warnings) process.stderr.write(messageLine('iprelay', warning));
    for (const each of chosen) process.stdout.write(`${each}\n`);
  };
  checkDescriptors(settings);
  const streams = { input: process.stdin, output: process.stdout };
  if (settings.mode !== 'daemon') return runService(settings, { ready: tell, streams });
  makeLogFolder(settings);
  const reportFd = process.env[REPORT_FD_VARIABLE];
  if (reportFd === undefined) return background();
  delete process.env['IPRELAY_REPORT_FD'];
  return daemon(settings, Number(reportFd), streams);
}

/** The folder of the default log file may not be there yet. */
function makeLogFolder({ log }: Settings): void {
  if (typeof log !== 'object') return;
  const folder = dirname(log.file);
  try {
    makeFolder(folder);
  } catch (error) {
    const code = errorCode(error) ?? '?';
    throw failure(`cannot make the log folder ${folder}: ${code}`, 'choose another place with --log');
  }
}

/** Not with Node's `recursive`: in /proc, which refuses with ENOENT, it tries without end. */
function makeFolder(folder: string): void {
  const isThere = (): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isThere()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another relay that starts at this moment may have made it.
    if (!isThere()) throw error;
  }
}

/** The visible process: ends when the daemon listens, or shows why it does not. */
async function background(): Promise<number> {
  const { detach } = await import('../../service/detach.ts');
  const report = await detach();
  for (const message of report.messages) process.stderr.write(messageLine('iprelay', message));
  for (const each of report.said ?? []) process.stdout.write(`${each}\n`);
  return report.exitCode;
}

/** The detached process: no terminal, no working folder that could not be unmounted. */
async function daemon(
  settings: Settings,
  reportFd: number,
  streams: { input: NodeJS.ReadStream; output: NodeJS.WriteStream },
): Promise<number> {
  process.chdir('/');
  let reported = false;
  const report = (message: DetachReport): void => {
    if (reported) return;
    reported = true;
    try {
      writeSync(reportFd, JSON.stringify(message));
      closeSync(reportFd);
    } catch {
      // The visible process was killed meanwhile.
    }
  };
  try {
    return await runService(settings, {
      ready: (messages, said) => {
        report({ ok: true, messages, said, exitCode: EXIT.ok });
      },
      streams,
    });
  } catch (error) {
    const errors = error instanceof UserErrors ? error.errors : error instanceof UserError ? [error] : [];
    const known = errors.flatMap((each) =>
      each.hint === undefined ? [each.message] : [each.message, each.hint],
    );
    const messages = errors.length > 0 ? known : [`this is a bug: ${String(error)}`];
    report({ ok: false, messages, exitCode: errors[0]?.exitCode ?? EXIT.failed });
    return errors[0]?.exitCode ?? EXIT.failed;
  }
}
