/** What a change of settings costs packets on their way: 1000 a second in both directions while it is made. */
import type { Guest } from './guest.ts';
import { inetgwOk } from './inetgw.ts';
import { GATEWAY } from './line.ts';

export interface Gap {
  sent: number;
  lost: number;
  /** Round trips while nothing changes are `usualMs`; the longest of all is `maxMs`. */
  usualMs: number;
  maxMs: number;
  /** From the first queue that was taken away to the last that was made again; 0: none was. */
  unshapedMs: number;
}

const PACKETS = 4000;

/**
 * Pings the gateway from the provider while `inetgw ...words` is run. The gateway answers in the kernel, and ping
 * takes the kernel's time of arrival: what is measured does not depend on when a program gets the processor.
 */
export async function measureGap(guest: Guest, device: string, words: readonly string[]): Promise<Gap> {
  // Everything that is run has been read once.
  await inetgwOk(guest, device);
  const monitor = await guest.request('spawn', { argv: ['tc', '-ts', 'monitor'], ns: 'gw' });
  const ping = ['ping', '-q', '-i', '0.001', '-c', String(PACKETS), '-s', '100', '-W', '2', GATEWAY.ipv4];
  const pinging = await guest.request('spawn', { argv: ping as [string, ...string[]], ns: 'isp' });
  await guest.request('sleep', { ms: 500 });
  await inetgwOk(guest, device, ...words);
  const { stdout } = await guest.request('wait', { job: pinging.job });
  const events = (await guest.request('stop', { job: monitor.job })).stdout;
  const [, sent = '', received = ''] = /(\d+) packets transmitted, (\d+) received/.exec(stdout) ?? [];
  const [, usual = '', most = ''] = /= [\d.]+\/([\d.]+)\/([\d.]+)\//.exec(stdout) ?? [];
  return {
    sent: Number(sent),
    lost: Number(sent) - Number(received),
    usualMs: Number(usual),
    maxMs: Number(most),
    unshapedMs: unshapedMs(events),
  };
}

/** From `deleted qdisc …` to the last thing that was made, in what `tc -ts monitor` tells. */
export function unshapedMs(events: string): number {
  let deletedAt: number | undefined;
  let madeAt = 0;
  for (const match of events.matchAll(
    /^\[[\d-]+T(\d+):(\d+):([\d.]+)\] ?(deleted )?(qdisc|class|filter)/gm,
  )) {
    const [, hours, minutes, seconds, deleted] = match;
    const atMs = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    if (deleted !== undefined) deletedAt ??= atMs;
    else madeAt = atMs;
  }
  return deletedAt === undefined ? 0 : Math.max(0, madeAt - deletedAt);
}
