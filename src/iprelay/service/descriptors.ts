/** Whether the process may open as many files and connections as it needs. */
import { failure } from '../../errors.ts';
import { descriptorLimit } from '../../system/port-holder.ts';
import { descriptorsFor } from '../relay.ts';
import type { Settings } from './settings.ts';

/** With too few descriptors it would listen and serve nobody, or not even get that far: before anything else. Throws a `UserError`. */
export function checkDescriptors(settings: Settings): void {
  const limit = descriptorLimit();
  const maxConns = settings.variables.findLast(({ name }) => name === 'max_conns')?.value;
  const needed = descriptorsFor(Math.max(1, Number(maxConns ?? 0)));
  if (limit >= needed) return;
  const what = needed === descriptorsFor(1) ? 'are needed' : `are needed for max_conns ${String(maxConns)}`;
  throw failure(
    `only ${limit} files and connections may be open, at least ${needed} ${what}`,
    `raise the limit: ulimit -n ${needed}, or LimitNOFILE in a systemd unit`,
  );
}
