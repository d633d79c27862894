/** `inetgw serve --listen` on a real ppp0: what its API tells is what tc and `inetgw ppp0 --json` tell. */
import { beforeAll, expect, test } from 'vitest';
import type { SampleEvent } from '../../src/web/answers/answers.ts';
import type { HistoryJson } from '../../src/web/feed/history.ts';
import type { Statistics } from '../../src/report/statistics/statistics.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgwOk, statistics, withBpf } from './inetgw.ts';
import { setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';
import { keepFull } from './traffic.ts';

const SOCKET = '/run/inetgw/http.sock';

let guest: Guest;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710');
});

const curl = (path: string, ...more: string[]): Promise<string> =>
  guest.run(['curl', '-s', ...more, '--unix-socket', SOCKET, `http://localhost${path}`], { ns: 'gw' });

async function startPage(): Promise<{ job: number; pid: number }> {
  const argv = withBpf(commandArgv('inetgw', 'serve', '--listen', `unix:${SOCKET}`));
  const service = await guest.request('spawn', { ns: 'gw', argv });
  const wait = `for n in $(seq 600); do test -S ${SOCKET} && exit; kill -0 ${String(service.pid)} || exit; sleep 0.1; done`;
  await guest.run(['sh', '-c', `${wait} 2>/dev/null`], { ns: 'gw' });
  if ((await guest.exec(['test', '-S', SOCKET], { ns: 'gw' })).code === 0) return service;
  const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  throw new Error(`it does not listen: ${stderr}`);
}

/** Bytes that each class has sent, by tc. */
async function sentBytes(): Promise<number[]> {
  const text = await guest.run(['tc', '-s', '-j', 'qdisc', 'show', 'dev', 'ppp0'], { ns: 'gw' });
  const qdiscs = JSON.parse(text) as { parent?: string; bytes: number }[];
  return ['1:10', '1:20', '1:30'].map((id) => qdiscs.find(({ parent }) => parent === id)?.bytes ?? NaN);
}

const counters = ({ egress, ingress, firewall, pacing }: Statistics): number[] => [
  ...egress.flatMap(({ sentPackets, droppedPackets }) => [sentPackets, droppedPackets]),
  ...[ingress.seenPackets, ingress.seenBytes, ingress.passedBytes ?? 0],
  ...ingress.stages.flatMap(({ seenPackets, droppedPackets }) => [seenPackets, droppedPackets]),
  ...Object.values(firewall.rules).map(({ packets }) => packets),
  ...[pacing?.rewrittenPackets ?? 0, pacing?.queue.sentPackets ?? 0],
];

test('figures of a full line, and its counters between those that tc and inetgw tell before and after', async () => {
  const service = await startPage();
  const load = await keepFull(guest, 'DOWN');
  // For so long somebody looks: a sample each second.
  const events = await guest.exec(
    ['curl', '-sN', '-m', '15', '--unix-socket', SOCKET, 'http://localhost/events'],
    { ns: 'gw' },
  );
  const samples = [...events.stdout.matchAll(/^event: sample\ndata: (.*)$/gm)].map(
    ([, data = '']) => JSON.parse(data) as SampleEvent,
  );
  const rates = samples.map(({ devices }) => devices[0]?.figures?.line?.down.nowBitPerSec ?? 0);
  // Of 1710 kbit/s, by what counts framing.
  expect(Math.max(...rates)).toBeGreaterThan(0.8 * 1_710_000);
  const [tcBefore, before] = [await sentBytes(), await statistics(guest)];
  await guest.run(['sleep', '7'], { ns: 'gw' });
  const told = JSON.parse(await curl('/api/v1/devices/ppp0')) as Statistics;
  const [tcAfter, after] = [await sentBytes(), await statistics(guest)];
  for (const [n, { sentBytes: bytes }] of told.egress.entries()) {
    expect(bytes).toBeGreaterThanOrEqual(tcBefore[n] ?? NaN);
    expect(bytes).toBeLessThanOrEqual(tcAfter[n] ?? NaN);
  }
  expect(Object.keys(told)).toEqual(Object.keys(after));
  for (const [n, value] of counters(told).entries()) {
    expect(value).toBeGreaterThanOrEqual(counters(before)[n] ?? NaN);
    expect(value).toBeLessThanOrEqual(counters(after)[n] ?? NaN);
  }
  expect(counters(told).length).toBeGreaterThan(20);
  expect(told.ingress.seenPackets).toBeGreaterThan(before.ingress.seenPackets);
  await load.end();
  const { seconds } = JSON.parse(await curl('/api/v1/history/ppp0')) as HistoryJson;
  expect(seconds.atMs.length).toBeGreaterThanOrEqual(samples.length);
  expect(seconds.downSetBitPerSec.every((rate) => rate === 1_710_000)).toBe(true);
  expect(await curl('/metrics')).toContain('inetgw_in_force{device="ppp0"} 1\n');
  const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  expect(stderr).toBe(`inetgw: listens on unix:${SOCKET}\n`);
});

/** Processor time of the service with the programs it runs, and of the process that listens, in seconds. */
async function processorSec(pid: number): Promise<[service: number, listening: number]> {
  const script = `child=$(pgrep -P ${pid} -f page-server)
    awk '{ print ($14 + $15 + $16 + $17) / 100 }' /proc/${pid}/stat
    awk '{ print ($14 + $15) / 100 }' /proc/$child/stat`;
  const [service, listening] = (await guest.run(['sh', '-c', script], { ns: 'gw' })).split('\n').map(Number);
  return [service ?? NaN, listening ?? NaN];
}

test.runIf(LONG)('while nobody looks it takes less than a third of the processor time', async () => {
  const service = await startPage();
  await guest.run(['sleep', '20'], { ns: 'gw' });
  const spent = async (argvMeanwhile: readonly [string, ...string[]]): Promise<[number, number]> => {
    const [service1, listening1] = await processorSec(service.pid);
    await guest.exec(argvMeanwhile, { ns: 'gw' });
    const [service2, listening2] = await processorSec(service.pid);
    return [service2 - service1, listening2 - listening1];
  };
  const unseen = await spent(['sleep', '60']);
  const events = 'http://localhost/events';
  const seen = await spent(['curl', '-sN', '-m', '60', '-o', '/dev/null', '--unix-socket', SOCKET, events]);
  const script = `grep -h -e VmRSS /proc/${service.pid}/status /proc/$(pgrep -P ${service.pid} -f page-server)/status`;
  const memory = await guest.run(['sh', '-c', script], { ns: 'gw' });
  console.log(
    `seconds of processor in a minute: unseen ${unseen.join(', ')}; seen ${seen.join(', ')}\n${memory}`,
  );
  await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  expect(unseen[0]).toBeLessThan(seen[0] / 3);
});
