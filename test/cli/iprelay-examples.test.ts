/**
 * The three examples of the manual page, as written. They need names that must not be asked on the real net and
 * port 110, so they run in namespaces of their own: network, mounts (an own /etc/hosts) and processes.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
const root = process.getuid?.() === 0;

/** A server that greets with its name and then sends without end; written in Node, run inside the namespace. */
const SERVER = `const net = require('node:net');
const [address, port, name, ready] = process.argv.slice(1);
net.createServer((s) => { s.on('error', () => {}); s.write(name + '\\n'); const b = Buffer.alloc(4096, 46);
const more = () => { while (!s.destroyed && s.write(b)); }; s.on('drain', more); more(); })
.listen(Number(port), address, () => require('node:fs').writeFileSync(ready, ''));`;

/**
/**
 * Reads from several ports at once until so many bytes have come from all together, after $WARM bytes that do not count,
 * and prints for each what came first, how many bytes, and the time since before it connected or since the warm-up.
 */
const CLIENT = `const net = require('node:net');
const [enough, ...ports] = process.argv.slice(1).map(Number);
let fromMs = performance.now(), warm = Number(process.env.WARM ?? 0);
let left = enough;
const seen = ports.map((port) => { const it = { port, first: '', bytes: 0 };
const s = net.connect(port, '127.0.0.1'); s.on('error', (e) => { it.first = e.code; });
s.on('data', (d) => { it.first = it.first || d.toString('latin1').split('\\n')[0];
if (warm > 0) { warm -= d.length; fromMs = performance.now(); return; }
it.bytes += d.length; left -= d.length;
if (left <= 0) { const seconds = (performance.now() - fromMs) / 1000;
console.log(JSON.stringify(seen.map((each) => ({ ...each, seconds })))); process.exit(); } }); return it; });`;

interface Seen {
  packets?: number;
  /** For how long the relays were kept from running; in the last one. */
  lateMs?: number;
  port: number;
  first: string;
  bytes: number;
  seconds: number;
}

/** Runs a shell script in fresh namespaces; everything in it ends with it. */
async function inNamespace(script: string): Promise<Seen[]> {
  const folder = await mkdtemp(join(tmpdir(), 'iprelay-examples-'));
  try {
    await writeFile(
      join(folder, 'hosts'),
      '127.0.0.1 localhost\n10.9.9.1 www.microsoft.com\n10.9.9.2 pop3.somewhere.net\n10.9.9.3 www.somewhere.net\n',
    );
    await writeFile(join(folder, 'server.cjs'), SERVER);
    await writeFile(join(folder, 'client.cjs'), CLIENT);
    await writeFile(join(folder, 'iprelay'), `#!/bin/sh\nexec ${TSX} ${SOURCE} "$@"\n`, { mode: 0o755 });
    const prelude = `set -e
mount --bind ${folder}/hosts /etc/hosts
mount -t tmpfs tmpfs /var/log
ip link set lo up
for a in 10.9.9.1 10.9.9.2 10.9.9.3; do ip addr add $a/32 dev lo; done
export PATH=${folder}:$PATH XDG_RUNTIME_DIR=${folder} HOME=${folder} IPR=${folder}
ready() { until [ -e ${folder}/ready-$1 ]; do sleep 0.05; done; }
serve() { node -e "$(cat ${folder}/server.cjs)" "$1" "$2" "$3" ${folder}/ready-$3 & ready $3; }
# For how long the machine had something else to do while a relay was to run, in ms (proc(5), schedstat).
late() { for p in $(pgrep -f bin/iprelay.ts); do cat /proc/$p/schedstat; done 2>/dev/null | awk '{ ns += $2 } END { printf "%d", ns / 1e6 }'; }
measure() { node -e "$(cat ${folder}/client.cjs)" "$@"; }
`;
    const { stdout } = await new Promise<{ stdout: string }>((resolve, reject) => {
      execFile(
        'unshare',
        ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', prelude + script],
        { timeout: HANG_MS },
        (error, out, err) => {
          if (error === null) resolve({ stdout: out });
          else reject(new Error(`${error.message}\n${err}`));
        },
      );
    });
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Seen[];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe.skipIf(!root)('the examples of the manual page', () => {
  it.each([
    ['for this machine', 'iprelay -d 110:1.2.3.4:110'],
    ['for others as well', 'iprelay -d 0.0.0.0:110:1.2.3.4:110'],
  ])('a simple forwarder, %s: %s', async (_, command) => {
    const [seen] = await inNamespace(`# The new machine: a network namespace of its own behind a veth pair.
unshare --net sleep 1000 &
NEW=$!
until [ "$(readlink /proc/$NEW/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
ip link add v0 type veth peer name v1 netns $NEW
ip addr add 1.2.3.3/24 dev v0
ip link set v0 up
nsenter -t $NEW -n sh -c 'ip addr add 1.2.3.4/24 dev v1; ip link set v1 up'
nsenter -t $NEW -n node -e "$(cat $IPR/server.cjs)" 1.2.3.4 110 pop3 $IPR/ready-pop3 &
ready pop3
${command}
measure 1000000 110`);
    expect(seen?.first).toBe('pop3');
    expect(seen?.bytes).toBeGreaterThanOrEqual(1_000_000);
  });

  it('a bandwidth-shaping forwarder: iprelay -d -b 512 10080:www.microsoft.com:80', async () => {
    const SIX_SECONDS = 512 * 6;
    const seen = await inNamespace(`serve 10.9.9.1 80 web
iprelay -d -b 512 10080:www.microsoft.com:80
measure ${SIX_SECONDS} 10080 10080`);
    expect(seen.map((each) => each.first)).toEqual(['web', 'web']);
    // "two simultaneous connections are going to get 256 bytes/second each"
    for (const { bytes, seconds } of seen) {
      expect(bytes / SIX_SECONDS).toBeGreaterThan(0.5 * 0.85);
      expect(bytes / seconds).toBeLessThan(256 * 1.1);
    }
  });

  it('sharing between channels: a sub-channel of 1024 within 3072, and a forwarder set at the prompt', async () => {
    const seen = await inNamespace(`serve 10.9.9.2 110 pop3
serve 10.9.9.3 80 web
iprelay -d -b 1024 10110:localhost:10001
mkfifo $IPR/prompt
iprelay -b 3072 10001:pop3.somewhere.net:110 < $IPR/prompt > $IPR/said &
exec 3> $IPR/prompt
echo 'set forwarder 1 8080:www.somewhere.net:80' >&3
until grep -q 'forwarder 1 set' $IPR/said; do sleep 0.1; done
before=$(late)
result=$(WARM=${3072 * 10} measure ${3072 * 30} 10110 8080)
echo "$result" | sed 's/}]$/,"lateMs":'$(($(late) - before))'}]/'`);
    const [mail, web] = seen;
    expect([mail?.first, web?.first]).toEqual(['pop3', 'web']);
    const [mailBytes, webBytes] = [mail?.bytes ?? 0, web?.bytes ?? 0];
    expect((mailBytes + webBytes) / (mail?.seconds ?? 0)).toBeLessThan(3072 * 1.05);
    // A third and two thirds, to within 3 % of the channel: nothing of it is spent on what the sub-channel only holds. A relay that is
    // not run cannot send either, by as much (test/lab/relayChain.test.ts has a clock that waits for them).
    const lateShare = (web?.lateMs ?? NaN) / 1000 / (web?.seconds ?? NaN);
    expect(mailBytes / (mailBytes + webBytes)).toBeGreaterThan(1 / 3 - 0.03 - lateShare);
    expect(mailBytes / (mailBytes + webBytes)).toBeLessThan(1 / 3 + 0.03 + lateShare);
  });

  it('puts next to no headers on top: at 512 bytes per second at most 1.15 IP bytes for each of the user', async () => {
    const [seen] = await inNamespace(`serve 10.9.9.1 80 web
nft -f - <<'RULES'
table inet count {
  chain out {
    type filter hook output priority 0;
    tcp sport 10080 counter
  }
}
RULES
iprelay -d -b 512 10080:www.microsoft.com:80
measure ${512 * 10} 10080
nft list ruleset | sed -n 's/.*counter packets \\([0-9]*\\) bytes \\([0-9]*\\).*/[{"packets":\\1,"bytes":\\2}]/p'`);
    const { packets = 0, bytes = 0 } = seen ?? {};
    // The kernel's own count, so that nothing sent meanwhile is missing. 52 bytes: IPv4 and TCP with time stamps.
    const userBytes = bytes - packets * 52;
    expect(userBytes).toBeGreaterThan(512 * 5);
    expect(bytes / userBytes).toBeLessThan(1.15);
  });
});
