/** `inetgw serve --listen` as whole processes, in a network namespace with a record that nobody can read. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savedResult } from './helpers/savedResult.ts';
import { inetgw, inNamespace, ROOT } from './helpers/built.ts';
import { servePage } from './helpers/servedPage.ts';
import { someSnapshot } from '../unit/web/someSnapshot.ts';
import { build } from './helpers/buildOnce.ts';

beforeAll(build);

/** With a history of its own, not this machine's. */
const COMMAND = `env STATE_DIRECTORY=/run/state ${process.execPath} ${ROOT}/dist/bin/inetgw.js serve`;
const SOCKET = '/run/inetgw/http.sock';
const CURL = `curl -s --unix-socket ${SOCKET}`;

/** Runs the script while the service listens, ends that, and prints its exit code and what it said. */
const whileItListens = (words: string, script: string, before = '') =>
  inNamespace(`ip link set lo up
    record=/run/inetgw/netns-$(stat -Lc %i /proc/self/ns/net)/lo.json
    mkdir -p "\${record%/*}"; echo '{}' >"$record"
    start() {
      rm -f /run/said
      ${before} ${COMMAND} ${words} 2>/run/said & pid=$!
      until grep -qs '^inetgw: listens on ' /run/said; do kill -0 $pid || break; sleep 0.1; done
      child=$(listener)
    }
    # It reads the device by programs of its own, which are its children too, for a moment each.
    listener() { pgrep -P $pid -f page-server; }
    seconds() { ${CURL} localhost/api/v1/history/lo | grep -o '"seconds":{"atMs":.*"overMs"' | tr , '\\n'; }
    stop() { kill $pid; wait $pid; echo "ended with $?"; cat /run/said; }
    start
    ${script}
    stop`);
const UNIX = `--listen unix:${SOCKET}`;

describe('on a socket', () => {
  it('answers with what inetgw knows, as nobody, and leaves nothing behind', async () => {
    const { stdout } = await whileItListens(
      UNIX,
      `stat -c '%A %U:%G' ${SOCKET}
      grep -E '^(Uid|Groups|CapPrm|CapEff|CapAmb):' /proc/$child/status | tr -s '\\t ' ' '
      until ${CURL} localhost/api/v1/devices | grep '"lo"'; do sleep 0.1; done
      ${CURL} localhost/api/v1/devices/lo
      ${CURL} localhost/metrics | grep '^inetgw_in_force'
      ${CURL} localhost/api/v1/openapi.json | head -c 18; echo
      ${CURL} localhost/ | head -n 1
      ${CURL} localhost/nothing`,
    );
    expect(stdout).toMatch(/^srw-rw---- root:root\n/);
    expect(stdout).toContain('Uid: 65534 65534 65534 65534\nGroups: \n');
    for (const set of ['CapPrm', 'CapEff', 'CapAmb']) expect(stdout).toContain(`${set}: 0000000000000000\n`);
    expect(stdout).toContain('"devices":[{"device":"lo","isWhole":false,');
    expect(stdout).toContain('{"device":"lo","inForce":false,"conditions":[{"id":"record-damaged"');
    expect(stdout).toContain('inetgw_in_force{device="lo"} 0\n');
    expect(stdout).toContain('{"openapi":"3.1.0"\n<!doctype html>\n{"error":"there is nothing here"}\n');
    expect(stdout).toMatch(/ended with 0\ninetgw: listens on unix:\/run\/inetgw\/http\.sock\n$/);
  });

  it('refuses foreign names and origins and whatever is no GET, and says what a browser may do', async () => {
    const { stdout } = await whileItListens(
      UNIX,
      `status() { ${CURL} -o /dev/null -w '%{http_code} ' "$@"; }
      status http://evil.example/; status -H 'Origin: http://evil.example' localhost/events
      status -X POST -d x localhost/api/v1/devices; status localhost/../etc/passwd --path-as-is
      status localhost/%2e%2e/inetgw; status 'localhost/?x=../../'; echo
      ${CURL} -D - -o /dev/null localhost/ | grep -i '^content-security'`,
    );
    expect(stdout).toMatch(/^403 403 405 404 404 200 \n/);
    expect(stdout).toMatch(/^content-security-policy: default-src 'none'; script-src 'self';/m);
    expect(stdout).not.toContain('unsafe');
  });

  it('reads the counters for whoever asks what is now, also where nobody looks', async () => {
    const { stdout } = await whileItListens(
      UNIX,
      `for path in metrics api/v1/devices/lo api/v1/hosts/lo api/v1/devices; do
        sleep 3; before=$(date +%s%3N); ${CURL} -o /run/answer localhost/$path
        at=$(${CURL} localhost/api/v1/devices | grep -o '"atMs":[0-9]*' | cut -d : -f 2)
        test $((at + 1000)) -ge $before && echo fresh
      done`,
    );
    expect(stdout).toMatch(/^(?:fresh\n){4}ended with 0\n/);
  });

  it('sends events, reads more often while somebody looks, and keeps history over restarts', async () => {
    const { stdout } = await whileItListens(
      UNIX,
      `${CURL} -N -m 60 localhost/events | grep -m 3 -c '^event: sample'
      until [ "$(seconds | wc -l)" -ge 2 ]; do sleep 0.1; done; stop
      ls -l /run/state | grep -o 'history.json'; test -e ${SOCKET} || echo socket gone
      start; seconds | wc -l`,
    );
    const [samples, ended, , file, socket, seconds] = stdout.split('\n');
    expect([samples, ended, file, socket]).toEqual(['3', 'ended with 0', 'history.json', 'socket gone']);
    expect(Number(seconds)).toBeGreaterThanOrEqual(2);
  });

  it('whoever listens is started again where it ends, ends with the service, and a socket left behind is replaced', async () => {
    const { stdout } = await whileItListens(
      UNIX,
      `kill -KILL $child
      until new=$(listener) && test "$new" != $child && ${CURL} localhost/api/v1/devices >/dev/null; do
        kill -0 $pid || break; sleep 0.1
      done
      test "$new" != $child && echo another
      kill -KILL $pid; while kill -0 $new 2>/dev/null; do sleep 0.1; done; echo gone
      cat /run/said; test -S ${SOCKET} && start && ${CURL} -o /dev/null -w '%{http_code}\\n' localhost/`,
    );
    expect(stdout).toMatch(/^another\ngone\n/);
    expect(stdout).toContain('inetgw: the process that listens ended by SIGKILL; it is started again\n');
    expect(stdout).toMatch(/\n200\nended with 0\n/);
  });

  it('the socket has the group that is said', async () => {
    const { stdout } = await whileItListens(`${UNIX} --socket-group daemon`, `stat -c '%A %U:%G' ${SOCKET}`);
    expect(stdout).toMatch(/^srw-rw---- root:daemon\n/);
  });
});

it('on an address: with a token only who has it is answered', async () => {
  const { stdout } = await whileItListens(
    '--listen 0.0.0.0:8080 --token-file /run/token',
    `status() { curl -s -o /dev/null -w '%{http_code} ' "$@" http://127.0.0.1:8080/metrics; }
    status; status -H 'Authorization: Bearer 0123456789abcdef'; status -u me:0123456789abcdef; status -u me:x; echo`,
    'echo 0123456789abcdef >/run/token;',
  );
  expect(stdout).toMatch(
    /^401 200 200 401 \nended with 0\ninetgw: every user .* token in \/run\/token: chmod o= \/run\/token\ninetgw: listens on http:\/\/0\.0\.0\.0:8080\/\n$/,
  );
});

it('a token that others cannot read is worth no word, and SIGHUP ends nothing', async () => {
  const { stdout } = await whileItListens(
    '--listen 0.0.0.0:8080 --token-file /run/token',
    'kill -HUP $pid; curl -s -o /dev/null -w "%{http_code}\\n" http://127.0.0.1:8080/',
    'echo 0123456789abcdef >/run/token; chmod 600 /run/token;',
  );
  expect(stdout).toBe('401\nended with 0\ninetgw: listens on http://0.0.0.0:8080/\n');
});

it('ends with the process that listens also where it may not end that', async () => {
  const { stdout } = await whileItListens(
    UNIX,
    `${CURL} localhost/api/v1/devices | grep -c lo`,
    'setpriv --bounding-set=-kill',
  );
  expect(stdout).toBe('1\nended with 0\ninetgw: listens on unix:/run/inetgw/http.sock\n');
});

it('a reading that is for history alone answers nobody: what was not looked for is looked for when somebody asks', async () => {
  const conditions = [
    { id: 'mtu-lowered', severity: 'warning', text: 'it is', remedy: 'set it up again' },
  ] as const;
  const served = await servePage({}, ({ kind }) =>
    kind === 'wanted' ? someSnapshot(Date.now(), { conditions }) : undefined,
  );
  try {
    served.tell({ ...someSnapshot(Date.now()), isForHistory: true });
    const metrics = await (await fetch(new URL('metrics', served.url))).text();
    expect(metrics).toContain('inetgw_condition{device="ppp0",code="mtu-lowered",severity="warning"} 1\n');
  } finally {
    await served.end();
  }
});

describe('--reports', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inetgw-reports-'));
    await writeFile(join(folder, 'a down.json'), await savedResult('2026-11-27T12:00:00.000Z'));
    await writeFile(join(folder, 'broken.json'), '{"format":"searchbw-result","formatVersion":1}');
    await writeFile(join(folder, 'page.html'), '<!DOCTYPE html><script>alert(1)</script>');
    await writeFile(join(folder, 'notes.txt'), 'no result');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows what searchbw has saved there, also what is saved later, after whoever listens has ended, and nothing else', async () => {
    await writeFile(join(folder, 'later'), await savedResult('2026-11-28T12:00:00.000Z'));
    const { stdout } = await whileItListens(
      `${UNIX} --reports /run/reports`,
      `list() { ${CURL} localhost/api/v1/reports; echo; }
      until list | grep -q '"a down.json"'; do sleep 0.1; done
      list | grep -o '"device":"ppp0","finishedAtMs":1795780800000,"directions":.*"path":"[^"]*"'
      ${CURL} -D - localhost/reports/a%20down.json | grep -aiE "^HTTP|^content-security|^<h1>"
      for path in broken.json page.html notes.txt passwd.json later ..%2Freports%2Fa%20down.json; do
        ${CURL} -o /dev/null -w '%{http_code} ' localhost/reports/$path; done; echo
      mv /run/reports/later /run/reports/later.json
      until list | grep -q later; do sleep 0.1; done
      list | grep -o '"name":"[^"]*"'
      kill -KILL $child; until new=$(listener) && test "$new" != $child && list | grep -q later; do sleep 0.1; done; echo back
      rm /run/reports/*; until list | grep -qF '"reports":[]'; do sleep 0.1; done; rmdir /run/reports
      until grep -q 'cannot read /run/reports:' /run/said; do sleep 0.1; done`,
      `cp -r ${folder} /run/reports; ln -s /etc/passwd /run/reports/passwd.json;`,
    );
    const [listed, ...rest] = stdout.split('\n');
    expect(listed).toMatch(
      /^"device":"ppp0","finishedAtMs":1795780800000,"directions":\[\{"direction":"down","recommendedBitPerSec":\d+\}\],"path":"reports\/a%20down\.json"$/,
    );
    expect(rest.slice(0, 8)).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200 OK/),
      expect.stringMatching(
        /^content-security-policy: default-src 'none'; style-src 'sha256-[\w+/]+='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'/,
      ),
      '<h1>Bandwidth of ppp0</h1>',
      '404 404 404 404 404 404 ',
      '"name":"later.json"',
      '"name":"a down.json"',
      'back',
      'ended with 0',
    ]);
    const said = rest.slice(8).join('\n');
    expect(said).toContain('inetgw: report left out: broken.json is damaged: ');
    expect(said).toContain('inetgw: report left out: page.html is not JSON: ');
    // Each process that listens says so once.
    expect(said.match(/broken\.json/g)).toHaveLength(2);
    expect(said).toContain(
      'inetgw: report left out: cannot read /run/reports/passwd.json: it is a symbolic link\n',
    );
    expect(said).toContain('inetgw: cannot read /run/reports: ');
  });
});

describe('what cannot be', () => {
  it.each([
    ['longer than a header of the page may be', "head -c 257 /dev/zero | tr '\\0' a"],
    ['not of ASCII', 'echo pässwort-für-änderungen'],
  ])('a token that is %s', async (_, make) => {
    const { code, stderr } = await inNamespace(`${make} >/run/token
      ${COMMAND} ${UNIX} --change-token-file /run/token`);
    expect([code, stderr]).toEqual([
      6,
      expect.stringContaining(
        '/run/token: the token is one word of 16 to 256 letters, digits and signs of ASCII',
      ),
    ]);
  });
  it('without the right to become nobody it does not listen', async () => {
    const argv = `setpriv --bounding-set=-setuid,-setgid ${COMMAND} ${UNIX}`;
    const { code, stderr } = await inNamespace(argv);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/cannot give up its privilege: .*\n.*CAP_SETUID/),
    ]);
  });

  it('an address that is taken, a group and a folder that are not there', async () => {
    const taken = await whileItListens(`--listen '[::1]:8080'`, `${COMMAND} --listen '[::1]:8080'; echo $?`);
    expect(taken.stdout).toMatch(/^1\n/);
    expect(taken.stderr).toBe('inetgw: cannot listen on http://[::1]:8080/: another program listens there\n');
    const used = await whileItListens(UNIX, `${COMMAND} ${UNIX}; echo $?`);
    expect([used.stdout.slice(0, 2), used.stderr]).toEqual(['1\n', expect.stringContaining('listens there')]);
    const group = await inNamespace(`${COMMAND} ${UNIX} --socket-group nosuch`);
    expect([group.code, group.stderr]).toEqual([1, expect.stringContaining('there is no group nosuch')]);
    const folder = await inNamespace(`${COMMAND} --listen unix:/run/no/where`);
    expect([folder.code, folder.stderr]).toEqual([1, expect.stringContaining('there is no such folder')]);
  });

  it('what is no socket stays where it is, and is called what it is', async () => {
    const { stdout, stderr } = await inNamespace(
      `cd /run; mkdir folder; echo kept >file; ln -s nowhere link
      for path in folder file link; do ${COMMAND} --listen unix:/run/$path; echo $?; done
      cat file; ls -d folder link`,
    );
    expect(stdout).toBe('1\n1\n1\nkept\nfolder\nlink\n');
    const said = (name: string, what: string): string =>
      `inetgw: cannot listen on unix:/run/${name}: there is ${what}, which is left alone\n`;
    expect(stderr).toBe(
      said('folder', 'a folder') + said('file', 'a file') + said('link', 'a symbolic link'),
    );
  });

  it('a dry run needs the privilege too, and says what for', async () => {
    const { code, stderr } = await inNamespace(`setpriv --bounding-set=-net_admin ${COMMAND} --dry-run`);
    expect([code, stderr]).toEqual([
      4,
      expect.stringContaining('seeing what the line carries, which --dry-run does too, needs the privilege'),
    ]);
  });

  it.each([
    [['serve', '--listen', '0.0.0.0:8080'], 2, '--listen 0.0.0.0:8080 can be reached from other machines'],
    [['serve', '--listen', 'localhost'], 2, "--listen takes an address and a port, not 'localhost'"],
    [
      ['serve', '--listen', '127.0.0.1:1', '--listen', '[::1]:1'],
      2,
      '--listen can be said once: 127.0.0.1:1, or [::1]:1',
    ],
    [['serve', '--token-file', 'x'], 2, '--token-file and --socket-group go with --listen'],
    [
      ['serve', '--listen', '127.0.0.1:1', '--socket-group', 'x'],
      2,
      '--socket-group goes with --listen unix:PATH',
    ],
    [['serve', '--listen', '127.0.0.1:1', '--token-file', '/nowhere'], 6, 'cannot read /nowhere'],
    [
      ['serve', '--listen', '127.0.0.1:1', '--token-file', '/dev/null'],
      6,
      '/dev/null: the token is one word',
    ],
    [['serve', '--resolve'], 2, '--resolve goes with --listen: it is for the page'],
    [['metrics', '--resolve'], 2, '--resolve goes with inetgw watch and serve alone'],
    [['serve', '--reports', '/run'], 2, '--reports goes with --listen: it is for the page'],
    [['serve', '--listen', '127.0.0.1:1', '--reports', '/nowhere'], 6, 'cannot read /nowhere'],
    [['serve', '--listen', '127.0.0.1:1', '--reports', '/etc/passwd'], 6, 'cannot read /etc/passwd'],
    [['status', '--no-ping'], 2, '--no-ping goes with inetgw watch and serve alone'],
    [['serve', '--names', 'x'], 2, '--names goes with --listen: it is for the page'],
    [['serve', '--listen', '127.0.0.1:1', '--names', '/nowhere'], 6, 'cannot read /nowhere'],
    [
      ['serve', '--listen', '127.0.0.1:1', '--names', '/etc/passwd'],
      6,
      '/etc/passwd: no lease file of dnsmasq, Kea or dhcpd, and no hosts file',
    ],
    [['status', '--names', 'x'], 2, '--names goes with inetgw watch and metrics and serve alone'],
    [['status', '--listen', '127.0.0.1:1'], 2, '--listen goes with inetgw serve alone'],
    [['lo', '--token-file', 'x'], 2, '--token-file goes with inetgw serve alone'],
  ] as const)('%j ends with %i: %s', async (words, exitCode, message) => {
    const { code, stdout, stderr } = await inetgw(...words);
    expect([code, stdout]).toEqual([exitCode, '']);
    expect(stderr).toContain(`inetgw: ${message}`);
  });
});
