/** The configuration file is read again: on SIGHUP, and by `iprelay reload`, which hears what came of it. */
import { configError, failure, UserError, UserErrors } from '../../core/errors.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../../system/exec/textFile.ts';
import type { Relay } from '../forwarding/relay.ts';
import { reload } from './reload.ts';
import type { Settings } from './settings.ts';

/** What is wrong with the file, then all stays as it was; or nothing. Never throws; the log is told as well. */
export async function readAgain(relay: Relay, settings: Settings): Promise<readonly UserError[]> {
  const { configFile } = settings;
  if (configFile === undefined)
    return [failure('the relay has no configuration file to read', 'start it with --config FILE')];
  // Who is about to end opens no forwarders any more.
  if (relay.closing) return [failure('the relay is ending')];
  try {
    const { parseConfig } = await import('./config.ts');
    const text = await readTextFile(configFile, { limitBytes: CONFIG_LIMIT_BYTES, regularOnly: true }).catch(
      (error: unknown) => {
        throw configError(`cannot read ${configFile}: ${whyUnreadable(error)}`);
      },
    );
    await reload(relay, parseConfig(text, configFile), settings);
    relay.log.info({ file: configFile }, 'configuration read again');
    return [];
  } catch (error) {
    const known = error instanceof UserErrors ? error.errors : error instanceof UserError ? [error] : [];
    const problem = known.map(({ message }) => message).join('\n');
    relay.log.error(problem === '' ? { err: error } : { problem }, 'configuration not read, all stays');
    return known.length > 0 ? known : [failure(`this is a bug: ${String(error)}`)];
  }
}
