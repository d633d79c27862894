/**
 * A resolver that answers for one name and is silent about another, asked by the real resolver library, in namespaces of
 * their own: network, mounts (/etc/resolv.conf, /etc/hosts) and processes.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { HANG_MS } from '../hang.ts';

const SOURCE = fileURLToPath(new URL('../../src/bin/iprelay.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const root = process.getuid?.() === 0;

/** Answers A of `quick.example.net` with 127.0.0.1, AAAA with nothing, and says nothing to any other question. */
const RESOLVER = `const socket = require('node:dgram').createSocket('udp4').bind(53, '127.0.0.1');
socket.on('message', (ask, from) => {
  if (!ask.includes('quick')) return;
  const end = ask.indexOf(0, 12) + 5;
  const isA = ask[end - 3] === 1;
  const head = Buffer.from([ask[0], ask[1], 0x81, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
  socket.send(Buffer.concat([head, ask.subarray(12, end), ...(isA ? [answer] : [])]), from.port, from.address);
});`;

const SERVER = `require('node:net').createServer((s) => s.end('here')).listen(80, '127.0.0.1');`;

/** Opens connections to a silent name, then asks for others, and prints what it saw and in what order. */
const CLIENT = `const net = require('node:net');
const ask = (port) => new Promise((done) => { let text = '';
  net.connect(port, '127.0.0.1').on('data', (d) => text += d).on('error', (e) => done(e.code)).on('end', () => done(text)); });
const order = [];
for (let i = 0; i < 12; i++) void ask(8001).then(() => order.push('silent'));
setTimeout(async () => {
  for (const [name, port] of [['hosts', 8002], ['dns', 8003], ['address', 8004]])
    order.push(name + ' ' + await ask(port));
  console.log(JSON.stringify(order));
  process.exit();
}, 500);`;

it.skipIf(!root)(
  'names that are known answer while twelve clients wait for one that is not; SIGTERM does not wait for it',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'iprelay-names-'));
    try {
      await writeFile(join(folder, 'hosts'), '127.0.0.1 listed.example.net\n');
      // Far longer than the test: an answer cannot have waited for the end of the silence.
      await writeFile(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n');
      const specs =
        '8001:silent.example.net:80 8002:listed.example.net:80 8003:quick.example.net:80 8004:127.0.0.1:80';
      const script = `ip link set lo up
mount --bind ${folder}/hosts /etc/hosts
mount --bind ${folder}/resolv.conf /etc/resolv.conf
node() { "${process.execPath}" "$@"; }
node -e "${RESOLVER.replaceAll('\n', ' ')}" &
node -e "${SERVER}" &
export XDG_RUNTIME_DIR=${folder}
"${process.execPath}" --import "${TSX}" "${SOURCE}" -f --name names --set drain_time=1 --log ${folder}/log ${specs} 2>/dev/null &
RELAY=$!
until grep -q started ${folder}/log 2>/dev/null; do sleep 0.1; done
node -e "$(cat ${folder}/client.cjs)"
grep -l getent /proc/[0-9]*/comm | wc -l
kill -TERM $RELAY
wait $RELAY
echo "ended $?"
grep -l getent /proc/[0-9]*/comm | wc -l`;
      await writeFile(join(folder, 'client.cjs'), CLIENT);
      const { stdout } = await promisify(execFile)(
        'unshare',
        ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script],
        { timeout: HANG_MS },
      );
      const [order = '', lookUps, ended, left] = stdout.trim().split('\n');
      expect(JSON.parse(order)).toEqual(['hosts here', 'dns here', 'address here']);
      expect([lookUps, ended, left]).toEqual(['1', 'ended 0', '0']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
