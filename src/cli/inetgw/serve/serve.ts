/** `inetgw serve [DEV]`: the resident service that lets rates follow their line. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { EXIT, usageError } from '../../../core/errors.ts';
import { messageLine } from '../../../core/messageLine.ts';
import { serve } from '../../../follow/run/service.ts';
import { notifySystemd } from '../../../system/exec/notify.ts';
import { requireNetAdmin } from '../../../system/exec/privilege.ts';
import { checkDeviceName } from '../../../system/link/link.ts';
import { writeError } from '../../../system/record/runDir.ts';
import type { Options } from '../words/program.ts';
import type { Listening } from './listening.ts';

export async function serveCommand(device: string | undefined, options: Options): Promise<number> {
  if (device !== undefined) checkDeviceName(device);
  const { record } = options;
  if (record !== undefined && device === undefined)
    throw usageError(
      '--record takes down what is seen of one device',
      'name it: inetgw serve ppp0 --record FILE',
    );
  // The maps in which the line is seen are root's, and bpf(2) shows them to nobody else.
  await requireNetAdmin(
    options.dryRun === true ? 'seeing what the line carries, which --dry-run does too,' : 'setting rates',
  );
  const trace = record === undefined ? undefined : openTrace(record);
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      ending.abort();
    });
  // Devices are looked for once a second: there is nothing to be read anew.
  process.on('SIGHUP', () => undefined);
  const tell = (text: string): void => {
    if (options.dryRun === true) process.stdout.write(`${text}\n`);
    else if (options.quiet !== true) process.stderr.write(messageLine('inetgw', text));
  };
  let allBack = true;
  let listening: Listening | undefined;
  try {
    listening = await listeningAsSaid(device, options, tell);
    allBack &&= await serve({
      ...{ device, tell, dryRun: options.dryRun === true, signal: ending.signal },
      sendsPings: options.ping !== false,
      ...{ record: trace?.write, decided: listening?.decide },
      ready: () => notifySystemd(['READY=1'], process.env),
    });
  } finally {
    allBack = ((await listening?.close()) ?? true) && allBack;
    trace?.close();
  }
  return allBack ? EXIT.ok : EXIT.failed;
}

/** Nothing of it is loaded where nobody asks for it. */
async function listeningAsSaid(
  device: string | undefined,
  options: Options,
  tell: (text: string) => void,
): Promise<Listening | undefined> {
  const { listen } = options;
  if (options.changeTokenFile !== undefined && options.dryRun === true)
    throw usageError('--change-token-file does not go with --dry-run, which changes nothing');
  if (listen !== undefined)
    return (await import('./listening.ts')).startListening(listen, device, options, tell);
  if (options.changeTokenFile !== undefined)
    throw usageError('--change-token-file goes with --listen: it is for the page and its API');
  if (options.tokenFile !== undefined || options.socketGroup !== undefined)
    throw usageError('--token-file and --socket-group go with --listen');
  if (options.perHost !== undefined) throw usageError('--per-host goes with --listen: it is for /metrics');
  if (options.resolve === true) throw usageError('--resolve goes with --listen: it is for the page');
  if (options.reports !== undefined) throw usageError('--reports goes with --listen: it is for the page');
  if (options.names !== undefined) throw usageError('--names goes with --listen: it is for the page');
  return undefined;
}

/** Line by line: what a killed service has seen is there. */
function openTrace(file: string): { write: (line: string) => void; close: () => void } {
  try {
    const descriptor = openSync(file, 'w', 0o644);
    return {
      write: (line) => {
        try {
          writeSync(descriptor, line);
        } catch (error) {
          throw writeError(file, error);
        }
      },
      close: () => {
        closeSync(descriptor);
      },
    };
  } catch (error) {
    throw writeError(file, error);
  }
}
