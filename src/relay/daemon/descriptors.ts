/** Whether the process may open as many files and connections as it needs. */
import { failure } from '../../core/errors.ts';
import { descriptorLimit } from '../../service/portHolder.ts';
import { descriptorsFor } from '../forwarding/relay.ts';
import { localPorts } from '../settings/spec.ts';
import { DEFAULT_VARIABLES } from '../settings/variables.ts';
import type { Settings } from './settings.ts';

/** With too few descriptors it would listen and serve nobody, or not even get that far: before anything else. Throws a `UserError`. */
export function checkDescriptors(settings: Settings): void {
  const limit = descriptorLimit();
  const maxConns = settings.variables.findLast(({ name }) => name === 'max_conns')?.value;
  const listeners = countListeners(settings);
  const needed = descriptorsFor(Math.max(1, Number(maxConns ?? 0)), listeners);
  if (limit >= needed) return;
  const what =
    needed === descriptorsFor(1, listeners) ? 'are needed' : `are needed for max_conns ${String(maxConns)}`;
  throw failure(
    `only ${limit} files and connections may be open, at least ${needed} ${what}`,
    `raise the limit: ulimit -n ${needed}, or LimitNOFILE in a systemd unit`,
  );
}

/** The sockets that the forwarders will listen on: one for each address and port. */
function countListeners({ variables, forwarders }: Settings): number {
  const set = variables.findLast(({ name }) => name === 'local_addrs')?.value;
  const addresses = String(set ?? DEFAULT_VARIABLES.local_addrs).split(',').length;
  const counts = forwarders.map(
    ({ spec }) => localPorts(spec).length * (spec.bindAddress === undefined ? addresses : 1),
  );
  return counts.reduce((sum, each) => sum + each, 0);
}
