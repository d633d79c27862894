/**
 * `inetgw serve --change-token-file` as whole processes, in a network namespace: whom a change is made for. That it is made on a
 * real kernel: test/lab/pageChanges.test.ts.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { settingsFromArguments } from '../../src/config/fromArguments.ts';
import { makePlan } from '../../src/plan/plan.ts';
import { renderState } from '../../src/system/record/state.ts';
import { inetgw, inNamespace, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

beforeAll(build);

const TOKEN = 'a-token-for-changes';
const COMMAND = `env STATE_DIRECTORY=/run/state ${process.execPath} ${ROOT}/dist/bin/inetgw.js serve`;
const SOCKET = '/run/inetgw/http.sock';
const CURL = `curl -s --unix-socket ${SOCKET}`;
/** A change with whatever follows; prints its status and its answer. */
const CHANGES = `
  change() { path=$1; shift; ${CURL} -w ' %{http_code}\\n' -X POST "$@" localhost/api/v1/devices/$path | tr -d '\\n'; echo; }
  json() { path=$1; body=$2; shift 2; change $path -H 'Content-Type: application/json' -d "$body" "$@"; }
  right() { json "$@" -H 'Authorization: Bearer ${TOKEN}'; }`;

/** Runs the script while the service listens, ends that, and prints its exit code and what it said. */
const whileItListens = (words: string, script: string, before = '') =>
  inNamespace(`ip link set lo up
    record=/run/inetgw/netns-$(stat -Lc %i /proc/self/ns/net)/lo.json
    mkdir -p "\${record%/*}"; echo '{}' >"$record"
    ${before}
    echo ${TOKEN} >/run/token; chmod 600 /run/token
    ${COMMAND} ${words} 2>/run/said & pid=$!
    until grep -qs '^inetgw: listens on ' /run/said; do kill -0 $pid || break; sleep 0.1; done
    ${CHANGES}
    ${script}
    kill $pid; wait $pid; echo "ended with $?"; cat /run/said`);
const ALLOWED = `--listen unix:${SOCKET} --change-token-file /run/token`;

describe('without the file', () => {
  it('nothing can be changed, whatever comes with it', async () => {
    const { stdout } = await whileItListens(
      `--listen unix:${SOCKET}`,
      `right lo/clear '{}'; until ${CURL} localhost/api/v1/devices | grep -o '"changes":[a-z]*'; do sleep 0.1; done`,
    );
    expect(stdout).toMatch(/^\{"error":"GET only: nothing can be changed here"\} 405\n"changes":false\n/);
  });
});

describe('with it', () => {
  it('only who has the token is heard, each is told what came of it, and all of it is logged', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      `until ${CURL} localhost/api/v1/devices | grep -o '"changes":[a-z]*'; do sleep 0.1; done
      json lo/clear '{}'; json lo/clear '{}' -H 'Authorization: Bearer wrong'
      right lo/rates '{"up":210,"down":"fast"}'; right lo/rates '{"up":210}'; right eth9/clear '{}'
      right lo/resume '{}'; json lo/clear '{}' -H 'X-Inetgw-Token: ${TOKEN}'; right lo/clear '{}'
      test -e $record || echo gone`,
    );
    const lines = stdout.split('\n');
    const answers = lines.slice(1, lines.indexOf('gone')).map((line) => line.slice(-3));
    expect(lines[0]).toBe('"changes":true');
    expect(answers).toEqual(['401', '401', '400', '409', '404', '409', '200', '404']);
    expect(lines[6]).toBe('{"error":"lo is not paused"} 409');
    expect(lines[7]).toMatch(
      /^\{"device":"lo","change":"clear","message":"lo: [^"]*clear[^"]*","warnings":\[.*\]\} 200$/,
    );
    expect(stdout).toContain(`
ended with 0
inetgw: listens on unix:${SOCKET}
inetgw: a change was asked for with a wrong token, by the socket
inetgw: lo: rates, by the socket: refused: down is "fast", which is no rate: `);
    expect(stdout).toMatch(/\ninetgw: lo: clear, by the socket: done: lo: .*clear/);
    expect(stdout).toContain('\ninetgw: eth9: clear, by the socket: refused: nothing is set up on eth9: ');
    expect(stdout).not.toContain(TOKEN);
  });

  it('no form, no foreign page, nothing large and nothing else than JSON is taken', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      `change lo/clear -H 'Authorization: Bearer ${TOKEN}' -d all=1
      change lo/clear -H 'Authorization: Bearer ${TOKEN}' -F all=1
      right lo/clear '{}' -H 'Origin: http://evil.example'; right lo/clear '{}' -H 'Host: evil.example'
      right lo/clear '{}' -H 'Sec-Fetch-Site: cross-site' -H 'Sec-Fetch-Mode: navigate'
      right lo/clear "{\\"x\\":\\"$(head -c 2000 /dev/zero | tr '\\0' x)\\"}"
      right lo/clear "{\\"x\\":\\"$(head -c 2000 /dev/zero | tr '\\0' x)\\"}" -H 'Transfer-Encoding: chunked'
      right lo/clear 'no json'; right lo/clear '[]'; right lo/clear '{"all":true}'
      right lo '{}'; ${CURL} -o /dev/null -w '%{http_code}\\n' localhost/api/v1/devices/lo/clear
      test -e $record && echo there`,
    );
    const answers = stdout.slice(0, stdout.indexOf('there')).trim().split('\n');
    expect(answers.map((line) => line.slice(-3))).toEqual([
      ...['415', '415', '403', '403', '403', '413', '413', '400', '400', '400', '405', '405'],
    ]);
    expect(stdout).toContain('\nthere\nended with 0\n');
  });

  it('after five wrong tokens not even the right one is heard for a while', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      // In one go: each is forgotten after a minute, however busy the machine is.
      `asked() { echo "-H Content-Type:application/json -H X-Inetgw-Token:$1 -d {} localhost/api/v1/devices/lo/clear?[1-$2]"; }
      ${CURL} -D - $(asked wrong 5) --next --unix-socket ${SOCKET} -s -D - $(asked ${TOKEN} 1) | tr -d '\r' | grep -Ei '^(HTTP|retry-after|[{])'
      test -e $record && echo there`,
    );
    expect(stdout.match(/^HTTP.* 401 /gm)).toHaveLength(5);
    expect(stdout).toMatch(
      /\nHTTP.* 429 .*\nretry-after: \d+\n\{"error":"too many wrong tokens: wait \d+ s"\}\nthere\nended with 0\n/i,
    );
    expect(stdout.match(/with a wrong token/g)).toHaveLength(5);
    expect(stdout).toContain('by the socket: too many, it is not heard for a while\n');
  });

  it('the process that listens is nobody, is not told the token, and cannot change anything itself', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      `child=$(pgrep -P $pid -f page-server)
      grep -E '^(Uid|CapEff):' /proc/$child/status | tr -s '\\t ' ' '
      right lo/resume '{}' >/dev/null
      nsenter --target $child --net setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \\
        sh -c 'cat /run/token; tc qdisc add dev lo root pfifo' 2>&1 | sed 's/.*: //'
      tr '\\0' '\\n' </proc/$child/environ | grep -c ${TOKEN}; tr '\\0' ' ' </proc/$child/cmdline | grep -c ${TOKEN}`,
    );
    expect(stdout).toMatch(
      /^Uid: 65534 65534 65534 65534\nCapEff: 0000000000000000\nPermission denied\n.*(?:not permitted|denied)\n0\n0\nended with 0\n/i,
    );
  });
});

describe('when the service was killed', () => {
  const note = {
    ...{ device: 'lo', upBitPerSec: 210_000, downBitPerSec: 1_710_000, said: { keys: {} } },
    ...{ sinceMs: 1, untilMs: null },
  };
  const begun = { ...note, isBegun: true };
  /** A record of the device as a run leaves it. */
  function recorded(phase: 'active' | 'changing'): string {
    const { settings } = settingsFromArguments('lo', '210', '1710', {});
    const link = { device: 'lo', ifindex: 1, kind: 'ppp', mtuBytes: 1492 } as const;
    const plan = makePlan(settings, link, { leafQdisc: 'sfq' }, 'nft');
    return `echo '${renderState({ version: 2, phase, plan, since: '2026-11-28T12:00:00.000Z' }).trim()}' >"$record"`;
  }
  const noted = (value: object): string => `echo '${JSON.stringify(value)}' >"\${record%.json}.paused"`;
  const PAUSED = `for n in $(seq 300); do ${CURL} localhost/api/v1/devices | grep -o '"paused":{[^}]*}' && break; sleep 0.1; done`;
  const SEEN = `cat "\${record%.json}.paused" 2>/dev/null || echo no pause; test -e $record || echo cleared`;

  it.each([
    ['when nobody knew what was in force', ':'],
    ['when the device was being cleared', recorded('changing')],
    ['when the device was cleared', 'rm $record'],
  ])('%s, a pause that was begun is made', async (_, before) => {
    const { stdout } = await whileItListens(ALLOWED, `${PAUSED}; ${SEEN}`, `${before}; ${noted(begun)}`);
    expect(stdout).toContain(`${JSON.stringify(note)}\ncleared\n`);
    expect(stdout).toContain('"untilMs":null');
    expect(stdout).toContain('inetgw: lo: a pause that was begun when the service was killed: paused\n');
  });

  it('before anything was cleared, a pause that was begun is not made', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      `for n in $(seq 300); do test -e "\${record%.json}.paused" || break; sleep 0.1; done; ${SEEN}`,
      `${recorded('active')}; ${noted(begun)}`,
    );
    expect(stdout).toMatch(/^no pause\nended with 0\n/);
    expect(stdout).toContain(
      'inetgw: lo: a pause that was begun when the service was killed is not made: it is set up',
    );
  });

  it('while it set the device up again, the pause is not lost', async () => {
    const { stdout } = await whileItListens(
      ALLOWED,
      `sleep 4; ${SEEN}; right lo/clear '{}'`,
      `${recorded('changing')}; ${noted(note)}`,
    );
    expect(stdout).toContain(`${JSON.stringify(note)}\n{"device":"lo","change":"clear"`);
  });
});

it('the token can be read by others: that is said; the one for reading is another', async () => {
  const { stdout } = await inNamespace(
    `echo ${TOKEN} >/run/token; chmod 664 /run/token
    for words in '' '--token-file /run/token'; do
      timeout 20 ${COMMAND} --listen unix:/run/no/where --change-token-file /run/token $words 2>&1; echo $?
    done`,
  );
  expect(stdout).toContain(
    'every user of this machine can read the token in /run/token: chmod o= /run/token\n',
  );
  expect(stdout).toContain(
    'others than its owner can write a token of their own into /run/token: chmod go-w /run/token\n',
  );
  expect(stdout).toMatch(
    /\ninetgw: the token for changes is the one for reading\ninetgw: put another one into its file\n6\n$/,
  );
});

it.each([
  [['serve', '--change-token-file', 'x'], 2, '--change-token-file goes with --listen'],
  [['serve', '--listen', '127.0.0.1:1', '--change-token-file', '/nowhere'], 6, 'cannot read /nowhere'],
  [['serve', '--listen', '127.0.0.1:1', '--change-token-file', '/dev/null'], 6, 'the token is one word'],
  [
    ['serve', '--listen', '127.0.0.1:1', '--change-token-file', 'x', '--dry-run'],
    2,
    '--change-token-file does not go with --dry-run',
  ],
  [['lo', '--change-token-file', 'x'], 2, '--change-token-file goes with inetgw serve alone'],
  [['lo', '--for-pause'], 2, '--for-pause goes with inetgw DEV clear alone'],
  [['clear', '--all', '--for-pause'], 2, '--for-pause goes with inetgw DEV clear alone'],
  [['lo', '1mbit', '2mbit', '--for-pause'], 2, '--for-pause goes with inetgw DEV clear alone'],
] as const)('%j ends with %i: %s', async (words, exitCode, message) => {
  const { code, stdout, stderr } = await inetgw(...words);
  expect([code, stdout]).toEqual([exitCode, '']);
  expect(stderr).toContain(message);
});
