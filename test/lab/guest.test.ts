/** What the lab promises about its guests themselves. Each test here boots one of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Guest, GuestError } from './guest.ts';
import { checkoutRoot } from './paths.ts';

let guest: Guest;
beforeAll(async () => {
  guest = await Guest.boot();
});
afterAll(async () => {
  await guest.close();
});

test('the clock does not jump while the host is waited for: from the first request on, reading its files is work', async () => {
  // /proc/stat: user nice system idle iowait, in 10 ms. What the clock jumps over is counted as one of the last two.
  const script = `cd ${checkoutRoot}/node_modules
    read -r _ _ _ _ a b _ </proc/stat
    cat typescript/lib/*.js | wc -c; find . -maxdepth 2 | wc -l
    read -r _ _ _ _ c d _ </proc/stat; echo $((c + d - a - b))`;
  const [bytes = 0, files = 0, idle] = (await guest.run(['sh', '-ec', script])).split('\n').map(Number);
  expect(bytes).toBeGreaterThan(5e6);
  expect(files).toBeGreaterThan(300);
  expect(idle).toBeLessThan(20);
});

test('writes in the guest never reach the host', async () => {
  const path = join(checkoutRoot, 'package.json');
  const before = await readFile(path, 'utf8');
  await guest.run(['sh', '-c', `echo changed > ${path} && grep -q changed ${path}`]);
  expect(await readFile(path, 'utf8')).toBe(before);
});

test('time stands still between requests', async () => {
  const { ms: before } = await guest.request('clock', {});
  await sleep(1500);
  const { ms: after } = await guest.request('clock', {});
  expect(after - before).toBeLessThan(500);
});

test('an hour of waiting passes at once', async () => {
  // The first run of a program may wait for the host, and the clock jumps over that (docs/lab.md).
  await guest.run(['sleep', '0']);
  // Were it an hour of real time as well, the request's last stop would end it.
  const result = await guest.exec(['sleep', '3600'], { timeoutMs: 4_000_000 });
  expect(result.elapsedMs).toBeGreaterThanOrEqual(3_600_000);
  expect(result.elapsedMs).toBeLessThan(3_602_000);
});

test('a guest that hangs is killed by the limit of its own time and reported with its console', async () => {
  await guest.run(['sh', '-c', 'echo the last words > /dev/console']);
  const hung = guest.request('exec', { argv: ['sh', '-c', 'while :; do :; done'] }, 2000);
  await expect(hung).rejects.toThrow(/did not answer 'exec' within 2 s of its time[^]*the last words/);
  expect(guest.alive).toBe(false);
  await expect(guest.exec(['true'])).rejects.toThrow(GuestError);
  expect(await isRunning(guest.pid)).toBe(false);
});

test('a guest that stands still is ended, though no time passes in it', async () => {
  const still = await Guest.boot({ standstills: 10 });
  // Halts the processor, as the agent does, but without an answer before it.
  const argv = ['sh', '-c', "printf '\\1' | dd of=/dev/port bs=1 seek=1285 conv=notrunc"] as const;
  await expect(still.exec(argv)).rejects.toThrow("the guest did not answer 'exec' and stands still");
  expect(still.alive).toBe(false);
});

test('a guest whose kernel panics is reported with what it said', async () => {
  const mortal = await Guest.boot();
  const crash = mortal.exec(['sh', '-c', 'echo c > /proc/sysrq-trigger']);
  await expect(crash).rejects.toThrow(/the guest ended: [^]*Kernel panic/);
});

test('the guest dies with the process that started it, however that ends', async () => {
  const script = `
    import { Guest } from './test/lab/guest.ts';
    const guest = await Guest.boot();
    console.log(guest.pid);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    cwd: checkoutRoot,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(owner.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  expect(await isRunning(pid)).toBe(true);
  owner.kill('SIGKILL');
  // A guest that does not die with it is ended by the test's own limit.
  while (await isRunning(pid)) await sleep(100);
});

/** Whether the process exists and is more than a dead one that nobody has asked for yet. */
async function isRunning(pid: number | undefined): Promise<boolean> {
  const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'utf8').catch(() => '');
  return stat !== '' && !/\) Z /.test(stat);
}
