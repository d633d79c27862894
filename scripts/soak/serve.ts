/**
 * `tsx scripts/soak/serve.ts [HOURS]`: the resident service with its page for 24 hours of a lab guest's time, or as many as told, on
 * a real ppp0 whose rate it follows. Each hour the line is full for 20 s and falls to half meanwhile, somebody looks at the events
 * for a minute, and then it is idle. After each hour its memory, files and processor time are looked at, with all that it has
 * started. `--real`: an hour of real time, which is looked at every five minutes. Exit code 1 where it holds more memory or files at
 * the end than after the second hour, or after half an hour of real time. Build first.
 */
import { execaSync } from 'execa';
import { table } from '../../src/report/statistics/table.ts';
import { LINE, SETTINGS, startService, type Service } from '../../test/lab/followed.ts';
import { Guest } from '../../test/lab/guest.ts';
import { commandArgv, inetgwOk } from '../../test/lab/inetgw.ts';
import { changeRate, setUpLine, type Line } from '../../test/lab/line.ts';
import { downloads, measure } from '../../test/lab/traffic.ts';
import { soakOn } from './onGuest.ts';

const isReal = process.argv.includes('--real');
const roundSec = isReal ? 300 : 3600;
const rounds = isReal ? 12 : Number(process.argv[2] ?? 24);
const SOCKET = '/run/inetgw/http.sock';
const LOAD_SEC = 20;
const LOOKED_AT_SEC = 60;
const IDLE_SEC = roundSec - LOAD_SEC - LOOKED_AT_SEC;
/** What the heap of Node varies by from one look to the next. */
const MEMORY_TOLERANCE_KIB = 4 * 1024;
/** Until then what is bounded fills: the last ten minutes, code that is compiled when it is used often, V8's heap. */
const FROM_ROUND = isReal ? 6 : 2;

interface Look {
  /** Of the service and of the process that listens. */
  pssKib: readonly number[];
  files: number;
  /** Of both and of all that they have started and waited for, since they began. */
  processorSec: number;
  /** The guest's time. */
  atSec: number;
}

if (!Number.isInteger(rounds) || rounds <= FROM_ROUND)
  throw new Error(`HOURS is a whole number above ${FROM_ROUND}`);
const guest = await Guest.boot({ clock: isReal ? 'real' : 'instructions' });
const sh = (script: string): Promise<string> =>
  guest.run(['sh', '-ec', script], { ns: 'gw', timeoutMs: 2 * 3_600_000 });

async function look({ pid }: Service): Promise<Look> {
  const read = await sh(`
    listener=$(pgrep -P ${pid} -f page-server)
    for each in ${pid} $listener; do
      awk '/^Pss:/ { print $2 }' /proc/$each/smaps_rollup
      ls /proc/$each/fd | wc -l
      sed 's/.*) //' /proc/$each/stat | cut -d ' ' -f 12-15 | tr ' ' + | sed 's/.*/(&)/'
    done
    cut -d ' ' -f 1 /proc/uptime
    getconf CLK_TCK`);
  const lines = read.trim().split('\n');
  const ticksPerSec = Number(lines.pop());
  const atSec = Number(lines.pop());
  const processes = [lines.slice(0, 3), lines.slice(3)];
  const ticks = (text = ''): number =>
    (text.match(/\d+/g) ?? []).reduce((sum, each) => sum + Number(each), 0);
  const result = {
    pssKib: processes.map(([pss]) => Number(pss)),
    files: processes.reduce((sum, [, files]) => sum + Number(files), 0),
    processorSec: processes.reduce((sum, [, , text]) => sum + ticks(text), 0) / ticksPerSec,
    atSec,
  };
  if (lines.length !== 6 || result.pssKib.some((each) => !(each > 0))) throw new Error(`unreadable: ${read}`);
  return result;
}

/** Looks at the end of each part: the line was full, somebody looked, nothing happened. */
async function oneRound(line: Line, service: Service): Promise<[full: Look, lookedAt: Look, idle: Look]> {
  const { downBitPerSec = 0 } = LINE;
  const change = (share: number): string => changeRate(line, 'down', downBitPerSec * share).argv.join(' ');
  const script = `sleep ${LOAD_SEC / 4}; ${change(0.5)}; sleep ${LOAD_SEC / 4}; ${change(1)}`;
  await guest.request('spawn', { ns: 'modem', argv: ['sh', '-c', script] });
  await measure(guest, {
    flows: [downloads(4, { client: 'lan' })],
    ...{ warmUpMs: 0, pings: LOAD_SEC, pingIntervalMs: 1000, pingNs: 'lan' },
  });
  const full = await look(service);
  const said = await sh(
    `curl -s -m ${LOOKED_AT_SEC} --unix-socket ${SOCKET} http://localhost/events | grep -c '^event: sample'`,
  );
  // Less than one a second: a reading takes the guest's slow processor a part of it.
  if (!(Number(said) > LOOKED_AT_SEC / 3))
    throw new Error(`it has told ${said.trim()} samples in ${LOOKED_AT_SEC} s`);
  const lookedAt = await look(service);
  await sh(`sleep ${IDLE_SEC}`);
  return [full, lookedAt, await look(service)];
}

const TIMED_TIMES = 10;
/** How many times as long the guest takes as a core of this machine, for ten starts of a command of ours. */
async function slowness(): Promise<number> {
  const command = `for n in $(seq ${TIMED_TIMES}); do ${commandArgv('inetgw', 'config', 'example').join(' ')} >/dev/null; done; times`;
  // Its second line is of what the shell has started.
  const seconds = (times: string): number =>
    [...(times.trim().split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].reduce(
      (sum, [, min, sec]) => sum + Number(min) * 60 + Number(sec),
      0,
    );
  const here = seconds(execaSync('sh', ['-c', command]).stdout);
  return seconds(await sh(command)) / here;
}

const mib = (kib: number): string => (kib / 1024).toFixed(1);

async function soak(): Promise<void> {
  const line = await setUpLine(guest, LINE);
  await inetgwOk(guest, ...SETTINGS);
  const timesSlower = await slowness();
  const service = await startService(guest, '--listen', `unix:${SOCKET}`);
  await sh(`until test -S ${SOCKET}; do sleep 0.1; done`);
  const looks: Look[] = [await look(service)];
  const rows: string[][] = [];
  for (let round = 1; round <= rounds; round++) {
    const startedMs = Date.now();
    const parts = await oneRound(line, service);
    const shares = parts.map(({ processorSec, atSec }, at) => {
      const before = parts[at - 1] ?? looks.at(-1) ?? { processorSec: NaN, atSec: NaN };
      return ((processorSec - before.processorSec) / (atSec - before.atSec)) * 100;
    });
    const [, , now] = parts;
    looks.push(now);
    rows.push([
      String(round),
      ...now.pssKib.map(mib),
      String(now.files),
      ...shares.map((each) => `${each.toFixed(1)} (${(each / timesSlower).toFixed(2)})`),
    ]);
    console.log(`${rows.at(-1)?.join(' ') ?? ''} (${((Date.now() - startedMs) / 1000).toFixed(0)} s here)`);
  }
  const headings = [
    isReal ? '5 minutes' : 'hour',
    'service MiB',
    'page MiB',
    'files',
    '% full',
    '% looked at',
    '% idle',
  ];
  console.log(table(headings, rows));
  console.log(
    `%: of the guest's processor (and of a core of this machine, which is ${timesSlower.toFixed(1)} times as fast)`,
  );
  const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  console.log(stderr.trim());
  const [first, last] = [looks[FROM_ROUND], looks.at(-1)];
  if (first === undefined || last === undefined) throw new Error('there was nothing to look at');
  const more = last.pssKib.map((kib, at) => kib - (first.pssKib[at] ?? 0));
  if (more.some((kib) => kib > MEMORY_TOLERANCE_KIB))
    throw new Error(`memory grows: by ${more.map(mib).join(' and ')} MiB`);
  if (last.files > first.files)
    throw new Error(`files stay open: ${first.files} after round ${FROM_ROUND}, ${last.files} now`);
}

await soakOn(guest, soak);
