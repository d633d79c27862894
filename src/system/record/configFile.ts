/** Finding and reading the configuration file. */
import { configError, errorCode, noPrivilege } from '../../core/errors.ts';
import type { Configuration } from '../../config/file.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../exec/textFile.ts';

export const CONFIG_PATH = '/etc/inetgw.conf';

/**
 * The configuration, or undefined if there is none. A file that was named must be there; the usual one need
 * not. The parser is loaded only if there is something to parse.
 */
export async function readConfiguration(named: string | undefined): Promise<Configuration | undefined> {
  const path = named ?? CONFIG_PATH;
  let text: string;
  try {
    text = await readTextFile(path, { limitBytes: CONFIG_LIMIT_BYTES });
  } catch (error) {
    const code = errorCode(error);
    if (named === undefined && code === 'ENOENT') return undefined;
    if (code === 'EACCES' || code === 'EPERM')
      throw noPrivilege(`no permission to read ${path}`, 'run it as root');
    if (code !== 'ENOENT') throw configError(`cannot read ${path}: ${whyUnreadable(error)}`);
    throw configError(`there is no file ${path}`, 'inetgw config example prints one with every key');
  }
  return (await import('../../config/file.ts')).parseConfiguration(text, path);
}
