/** Run inside a network namespace by ping.test.ts: does what its argument says and prints the outcome as JSON. */
import { findPingHost } from '../../../src/line/ping/pingHost.ts';
import { pingOnce } from '../../../src/line/ping/ping.ts';
import { makePinger } from '../../../src/line/ping/pinger.ts';
import { systemClock } from '../../../src/line/clock.ts';

const [what = '', host = '', extra = '{}'] = process.argv.slice(2);
const options = JSON.parse(extra) as { ttl?: number; timeoutSec?: number; peer?: string; device?: string };

async function outcome(): Promise<unknown> {
  if (what === 'once') return pingOnce(host, options);
  if (what === 'series') {
    const pinger = makePinger(host, {}, systemClock, (to, more) => pingOnce(to, { ...more, timeoutSec: 1 }));
    const startMs = systemClock.nowMs();
    const samples = await pinger.series({ count: 5, intervalMs: 100, signal: new AbortController().signal });
    return { startMs, samples };
  }
  if (what === 'abort') {
    const signal = AbortSignal.timeout(300);
    const reason = await pingOnce(host, { signal }).catch((error: unknown) => (error as Error).name);
    return { reason };
  }
  const signal = new AbortController().signal;
  const quick: typeof pingOnce = (to, more) => pingOnce(to, { ...more, timeoutSec: 1 });
  const steps: string[] = [];
  const found = await findPingHost(quick, {
    device: options.device ?? 'a0',
    peer: options.peer ?? null,
    towards: [host],
    signal,
    onStep: (text) => steps.push(text),
  });
  return { ...found, steps };
}

process.stdout.write(
  JSON.stringify(
    await outcome().catch((error: unknown) => ({
      error: (error as Error).message,
      code: (error as { exitCode?: number }).exitCode,
    })),
  ),
);
// An aborted ping ends by itself later; nobody has to wait for it.
process.exit(0);
