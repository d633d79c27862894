/** The API as a relay is told to serve it: its token and its first proxies are in files. */
import { configError, failure } from '../../core/errors.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../../system/exec/textFile.ts';
import type { Relay } from '../forwarding/relay.ts';
import { ApiError } from './proxies.ts';
import { proxyList, serveApi } from './server.ts';

/** What the settings of a relay say of its API: where it listens, and the files with its token and its first proxies. */
interface ApiSettings {
  readonly api: { readonly host: string; readonly port: number } | undefined;
  readonly apiToken: string | undefined;
  readonly populate: string | undefined;
}

/** Serves the API; resolves to its port and to what closes it. Throws a `UserError` for what is wrong with a file. */
export async function startApi(
  relay: Relay,
  { api, apiToken, populate }: ApiSettings,
): Promise<{ port: number; close: () => void }> {
  if (api === undefined) throw failure('no API is wanted');
  const token = apiToken === undefined ? undefined : (await read(apiToken)).trim();
  if (token === '')
    throw configError(
      `${String(apiToken)}: no token in it`,
      'write one into it, for example of: openssl rand -hex 16',
    );
  const text = populate === undefined ? undefined : await read(populate);
  const served = await serveApi(relay, { ...api, token });
  try {
    if (text !== undefined) await served.proxies.populate(proxyList(JSON.parse(text)));
  } catch (error) {
    served.close();
    if (error instanceof ApiError || error instanceof SyntaxError)
      throw configError(`${String(populate)}: ${error.message}`);
    throw error;
  }
  return served;
}

async function read(path: string): Promise<string> {
  return readTextFile(path, { limitBytes: CONFIG_LIMIT_BYTES }).catch((error: unknown) => {
    throw configError(`cannot read ${path}: ${whyUnreadable(error)}`);
  });
}
