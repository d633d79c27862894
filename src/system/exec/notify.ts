/** What systemd wants to hear of a service: sd_notify(3). */
import { run } from './run.ts';

/**
 * Tells systemd a state such as `READY=1`, if it wants to know. Through `systemd-notify`, because Node has
 * no Unix datagram sockets; the unit needs `NotifyAccess=all`.
 */
export async function notifySystemd(states: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const socket = env['NOTIFY_SOCKET'];
  if (socket === undefined) return;
  await run(['systemd-notify', `--pid=${process.pid}`, ...states], { env: { NOTIFY_SOCKET: socket } });
}
