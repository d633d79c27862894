/** Who works on a device, as the record names it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { startTime } from '../../../../src/system/exec/process.ts';
import { isWorker, otherWorker, thisWorker, type Worker } from '../../../../src/system/record/worker.ts';

it('is another process, as long as that runs', async () => {
  const child = spawn('sleep', ['1000']);
  try {
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const started = (await startTime(pid)) ?? '';
    const worker: Worker = { command: 'searchbw', pid, started, does: 'measures' };
    expect(await otherWorker(worker)).toEqual(worker);
    // A later process with the same number is another one.
    expect(await otherWorker({ ...worker, started: `${Number(started) - 1}` })).toBeUndefined();
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await otherWorker(worker)).toBeUndefined();
  } finally {
    child.kill('SIGKILL');
  }
});

it('is nobody without one, and not this process', async () => {
  expect(await otherWorker(undefined)).toBeUndefined();
  expect(await otherWorker(await thisWorker('searchbw', 'measures'))).toBeUndefined();
});

it('is not taken from what nobody has written like that', async () => {
  const own = await thisWorker('searchbw', 'steers');
  expect(isWorker(JSON.parse(JSON.stringify(own)))).toBe(true);
  for (const wrong of [null, 'searchbw', {}, { ...own, pid: '7' }, { ...own, does: 'sleeps' }])
    expect(isWorker(wrong)).toBe(false);
});
