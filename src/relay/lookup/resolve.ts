import { errorCode } from '../../core/errors.ts';
import type { Names } from './names.ts';

/** Long enough for a resolver that works; a start waits no longer for one that does not. */
const WAIT_MS = 1500;

/**
 * A warning if the host cannot be resolved now. Not an error: names are looked up anew for each connection,
 * and at boot the resolver may come up after us.
 */
export async function unknownHostWarning(host: string, names: Names): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, WAIT_MS, undefined);
  });
  const answer = names.addresses(host).then(
    () => undefined,
    (error: unknown) => errorCode(error) ?? 'unknown',
  );
  const code = await Promise.race([answer, late]);
  clearTimeout(timer);
  return code === undefined
    ? undefined
    : `unknown host: ${host} (${code}); connections fail until it is known`;
}
