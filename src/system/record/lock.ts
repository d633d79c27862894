/**
 * One writer per device. The lock is a file that names the process that holds it; a process that was
 * killed leaves it behind, so a lock whose holder is gone is broken. The start time tells the holder from
 * a later process with the same number.
 */
import { link, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, EXIT, failure, UserError } from '../../core/errors.ts';
import { startTime } from '../exec/process.ts';
import { makeRunDir, removeEmptyRunDir, runDir, writeError } from './runDir.ts';
import { readState } from './state.ts';
import { otherWorker, type Worker } from './worker.ts';

const WAIT_MS = 20_000;
/** A search takes minutes, which nobody waits for. One that was just told to end needs a moment to restore what was in force. */
const WAIT_FOR_MEASUREMENT_MS = 5_000;
const RETRY_MS = 50;

/**
 * Runs `body` while this process alone may change `device`. Waits up to 20 s for another holder, and up to 5 s for a process
 * that is measuring: that one holds the lock for each of its changes only, and is known by the record.
 * @param unlocked for what must not fail for want of a place for the lock: told why there is none, `body` then runs
 *   without
 */
export async function withLock<T>(
  device: string,
  body: () => Promise<T>,
  unlocked?: (error: UserError) => void,
): Promise<T> {
  const release = await acquireLock(device).catch((error: unknown) => {
    if (unlocked === undefined || !(error instanceof NoPlaceError)) throw error;
    unlocked(error);
    return removeEmptyRunDir;
  });
  try {
    return await body();
  } finally {
    await release();
  }
}

/** There is no place for a lock: /run is full or read-only. */
class NoPlaceError extends UserError {}

/** A file of our own beside the lock. Throws `NoPlaceError` where there can be none. */
async function prepareLock(device: string): Promise<{ path: string; own: string }> {
  const path = `${await runDir()}/${device}.lock`;
  const own = `${path}.${process.pid}`;
  try {
    await makeRunDir();
    await writeIdentity(own);
    return { path, own };
  } catch (error) {
    // On a full file system it is made and stays empty.
    await rm(own, { force: true }).catch(() => undefined);
    await removeEmptyRunDir();
    if (!(error instanceof UserError) || error.exitCode === EXIT.privilege) throw error;
    throw new NoPlaceError(error.exitCode, error.message, error.hint, { cause: error });
  }
}

/** Takes the lock when nobody is measuring the device; the result gives it back. */
async function acquireLock(device: string): Promise<() => Promise<void>> {
  const began = performance.now();
  for (;;) {
    const release = await acquireFile(device, began + WAIT_MS);
    const worker = await measurerOf(device);
    if (worker === undefined) return release;
    await release();
    if (performance.now() > began + WAIT_FOR_MEASUREMENT_MS) {
      throw failure(
        `${worker.command}, process ${worker.pid}, is measuring ${device} at this moment`,
        `wait until it has ended, or end it: kill ${worker.pid}`,
      );
    }
    await sleep(RETRY_MS);
  }
}

/** Another process that is measuring this device. One that came back under the same name is another device. */
async function measurerOf(device: string): Promise<Worker | undefined> {
  const reading = await readState(device);
  if (reading.kind !== 'state' || reading.state.worker?.does !== 'measures') return undefined;
  const ifindex = await readFile(`/sys/class/net/${device}/ifindex`, 'utf8').catch(() => '');
  if (Number(ifindex.trim()) !== reading.state.plan.link.ifindex) return undefined;
  return otherWorker(reading.state.worker);
}

/** @param deadline by performance.now() */
async function acquireFile(device: string, deadline: number): Promise<() => Promise<void>> {
  const { path, own } = await prepareLock(device);
  try {
    for (;;) {
      // A hard link is made or not, in one step, and never shows a half-written file.
      const taken = await link(own, path).then(
        () => true,
        (error: unknown) => {
          if (errorCode(error) === 'EEXIST') return false;
          throw writeError(path, error);
        },
      );
      if (taken) {
        return async () => {
          await unlink(path).catch(() => undefined);
          await removeEmptyRunDir();
        };
      }
      const holder = await readHolder(path);
      if (holder === 'gone') {
        await breakLock(path, `${own}.stale`);
        continue;
      }
      if (performance.now() > deadline) {
        throw failure(
          `another inetgw${holder === undefined ? '' : ` (process ${holder})`} has been working on ${device} for ${WAIT_MS / 1000} s`,
          holder === undefined
            ? 'wait until it has ended'
            : `wait until it has ended, or end it: kill ${holder}`,
        );
      }
      await sleep(RETRY_MS);
    }
  } finally {
    await rm(own, { force: true });
  }
}

/** Another process that ends may take the empty folder away before our first file is in it: made again. */
async function writeIdentity(own: string): Promise<void> {
  const identity = `${process.pid} ${(await startTime(process.pid)) ?? '?'}\n`;
  for (let triesLeft = 5; ; triesLeft--) {
    try {
      await writeFile(own, identity);
      return;
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || triesLeft === 0) throw writeError(own, error);
      await makeRunDir();
    }
  }
}

/**
 * Moves a dead holder's lock away. Between reading it and moving it, another process may have done the same
 * and taken the lock: then what was moved is that one's, and it is put back.
 */
async function breakLock(path: string, aside: string): Promise<void> {
  await rename(path, aside).catch(() => undefined);
  if (typeof (await readHolder(aside)) === 'number') await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** The other process that is working on the device at this moment, if one is. */
export async function otherHolder(device: string): Promise<number | undefined> {
  const holder = await readHolder(`${await runDir()}/${device}.lock`);
  return typeof holder === 'number' && holder !== process.pid ? holder : undefined;
}

/** The holder's process number, `gone` if it no longer runs, undefined if the lock was just released. */
async function readHolder(path: string): Promise<number | 'gone' | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid, started] = text.trim().split(' ');
  const running = pid === undefined ? undefined : await startTime(Number(pid));
  return running === undefined || running !== started ? 'gone' : Number(pid);
}
