/**
 * `inetgw serve --change-token-file` on a real ppp0: what is changed on the page, in chromium, is what the kernel has. The browser
 * runs on the host; each of its requests is handed to the service in the guest by curl.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HANG_MS } from '../hang.ts';
import { LONG } from './forms.ts';
import type { Guest } from './guest.ts';
import { commandArgv, inetgw, inetgwOk, snapshot, statistics, withBpf, withoutIndices } from './inetgw.ts';
import {
  countedCalls,
  CUTS,
  hasKilled,
  killAt,
  putKillingPrograms,
  removeKillingPrograms,
} from './killing.ts';
import { SERVER, setUpLine } from './line.ts';
import { parseState, renderState } from '../../src/system/record/state.ts';
import { sharedGuest } from './sharedGuest.ts';

const SOCKET = '/run/inetgw/http.sock';
const TOKEN = 'a-token-for-changes';
/** What no file and no default says. */
const SETTINGS = ['--framing', 'pppoa-vcmux', '--mark', '77', '--no-large-downloads'];

let guest: Guest;
let bridge: Server;
let browser: Browser;
let page: Page;
let service: { job: number; pid: number };
let bare: string;

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  bare = await snapshot(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710', ...SETTINGS);
  await guest.request('write', { path: '/run/change-token', text: `${TOKEN}\n`, mode: 0o600 });
  service = await startService();
  bridge = createServer((request, response) => void handOn(request, response));
  bridge.listen(0, '127.0.0.1');
  await once(bridge, 'listening');
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args, timeout: HANG_MS });
  const context = await browser.newContext({ timezoneId: 'UTC' });
  context.setDefaultTimeout(HANG_MS);
  page = await context.newPage();
  await page.goto(`http://127.0.0.1:${(bridge.address() as AddressInfo).port}/`);
});
afterAll(async () => {
  await browser.close();
  bridge.closeAllConnections();
  bridge.close();
});

async function startService(): Promise<{ job: number; pid: number }> {
  const words = ['serve', '--listen', `unix:${SOCKET}`, '--change-token-file', '/run/change-token'];
  const argv = withBpf(commandArgv('inetgw', ...words));
  const started = await guest.request('spawn', { ns: 'gw', argv });
  const wait = `for n in $(seq 600); do test -S ${SOCKET} && exit; kill -0 ${started.pid} || exit; sleep 0.1; done`;
  await guest.run(['sh', '-c', `${wait} 2>/dev/null`], { ns: 'gw' });
  if ((await guest.exec(['test', '-S', SOCKET], { ns: 'gw' })).code === 0) return started;
  const { stderr } = await guest.request('stop', { job: started.job, signal: 'SIGTERM' });
  throw new Error(`it does not listen: ${stderr}`);
}

/** One at a time: the guest answers one request after the other. Of events the first few, then the browser comes again. */
let before: Promise<unknown> = Promise.resolve();
async function handOn(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.entries(request.headers)
    .filter(([name]) => !['connection', 'accept-encoding', 'content-length'].includes(name))
    .flatMap(([name, value]) => ['-H', `${name}: ${String(value)}`]);
  const url = request.url ?? '/';
  const { method = 'GET' } = request;
  const argv: [string, ...string[]] = [
    ...(['curl', '-sN', '-i', '-m', url === '/events' ? '3' : '300', '--unix-socket', SOCKET] as const),
    ...[
      '-X',
      method,
      ...headers,
      ...(method === 'POST' ? ['--data-binary', Buffer.concat(chunks).toString()] : []),
    ],
    `http://localhost${url}`,
  ];
  const answered = before.then(() => guest.exec(argv, { ns: 'gw' }));
  before = answered.catch(() => undefined);
  const [head = '', ...rest] = (await answered).stdout.split('\r\n\r\n');
  const [status = '', ...lines] = head.split('\r\n');
  // Between two services nobody answers: the browser comes again.
  if (status === '') {
    response.destroy();
    return;
  }
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^:]+): *(.*)$/.exec(line) ?? [];
    if (!/^(?:connection|keep-alive|transfer-encoding|content-length|date)$/i.test(name))
      response.setHeader(name, value);
  }
  response.writeHead(Number(status.split(' ')[1]));
  response.end(rest.join('\r\n\r\n'));
}

/** Presses a button of the card, says yes to the dialog, and gives its text and what came of it. */
async function change(button: string): Promise<{ asked: string; outcome: string }> {
  await page.getByRole('button', { name: `${button} …` }).click();
  const asked = await page.locator('#confirm-text').innerText();
  if (await page.locator('#token-row').isVisible()) await page.locator('#token').fill(TOKEN);
  await page.locator('#confirm-yes').click();
  await page.locator('#confirm').waitFor({ state: 'hidden' });
  return { asked, outcome: await page.locator('#outcome').innerText() };
}

const inGateway = (script: string): Promise<string> => guest.run(['sh', '-c', script], { ns: 'gw' });
/** As a script asks. */
const post = (word: string, body: string): Promise<string> =>
  inGateway(
    `curl -s --unix-socket ${SOCKET} -H 'Content-Type: application/json' -H 'Authorization: Bearer ${TOKEN}' -d '${body}' http://localhost/api/v1/devices/ppp0/${word}`,
  );
const rootClass = (): Promise<string> => inGateway('tc -s class show dev ppp0');

test('rates that are set on the page are what tc says, and all else is as it was set up', async () => {
  await page.locator('#rate-up').fill('300');
  await page.locator('#rate-down').fill('2mbit');
  const { asked, outcome } = await change('Set rates');
  expect(asked).toContain('ppp0: Up 210 kbit/s → 300 kbit/s. Down 1710 kbit/s → 2000 kbit/s.');
  expect(outcome).toContain('ppp0: up 300 kbit/s, down 2000 kbit/s');
  const changed = await snapshot(guest);
  const { upBitPerSec, downBitPerSec } = await statistics(guest);
  expect([upBitPerSec, downBitPerSec]).toEqual([300_000, 2_000_000]);
  const byPage = await rootClass();
  await inetgwOk(guest, 'ppp0', '300', '2mbit', ...SETTINGS);
  expect(await snapshot(guest)).toBe(changed);
  const ceilings = (text: string): string[] => text.match(/ ceil \S+/g) ?? [];
  expect(ceilings(byPage)).toEqual(ceilings(await rootClass()));
  expect(ceilings(byPage).length).toBeGreaterThan(2);
});

test('a rate that the command does not take changes nothing, and is told in its words', async () => {
  const whole = await snapshot(guest);
  await page.locator('#rate-up').fill('10');
  const { outcome } = await change('Set rates');
  expect(outcome).toContain('Not done: UP is 10 kbit/s; it must be between 64 kbit/s and 10 Gbit/s');
  expect(await snapshot(guest)).toBe(whole);
});

test('paused, nothing of it stands; resumed, the same does', async () => {
  const whole = await snapshot(guest);
  const { asked, outcome } = await change('Pause');
  expect(asked).toContain('Then up 300 kbit/s and down 2000 kbit/s are set up again.');
  expect(outcome).toContain('ppp0: paused for 5 min');
  const without = (text: string): string => text.replace(/\n\/run\/inetgw.*/g, '');
  expect(without(await snapshot(guest))).toBe(without(bare));
  await expectPauseTold();
  await page.getByRole('button', { name: 'Resume …' }).waitFor();
  const resumed = await change('Resume');
  expect(resumed.outcome).toContain('ppp0: up 300 kbit/s, down 2000 kbit/s');
  expect(withoutIndices(await snapshot(guest))).toBe(withoutIndices(whole));
});

/** By all that look at a device. */
async function expectPauseTold(): Promise<void> {
  const what =
    /ppp0 was paused by the page of inetgw serve at \S+, until \S+; then up 300 kbit\/s, down 2000 kbit\/s come back/;
  const shown = await inetgw(guest, 'ppp0');
  expect([shown.code, shown.stderr]).toEqual([3, expect.stringMatching(what)]);
  expect(shown.stderr).toContain('resume it on the page, or set it up: inetgw ppp0 UP DOWN');
  const status = await inetgw(guest, 'status', '--json');
  expect([status.code, JSON.parse(status.stdout)]).toEqual([
    3,
    [expect.objectContaining({ device: 'ppp0', state: 'paused', upBitPerSec: null })],
  ]);
  expect((await inetgw(guest, 'watch', '--once')).stdout.replaceAll(/\s+/g, ' ')).toMatch(what);
  const condition = /^inetgw_condition\{device="ppp0",code="paused",severity="broken"\} 1$/m;
  expect((await inetgw(guest, 'metrics')).stdout).toMatch(condition);
  expect(await inGateway(`curl -s --unix-socket ${SOCKET} http://localhost/metrics`)).toMatch(condition);
  expect((await inetgw(guest, 'heal', 'ppp0')).stdout).toContain('it is paused: see inetgw ppp0');
}

test('what is paused is resumed by itself when its time is over, and when the service ends', async () => {
  const whole = withoutIndices(await snapshot(guest));
  expect(await post('pause', '{"minutes":1}')).toContain('paused for 1 min');
  expect(await post('rates', '{"up":400}')).toContain('ppp0 is paused: resume it first');
  await guest.request('sleep', { ms: 70_000 });
  expect(withoutIndices(await snapshot(guest))).toBe(whole);
  expect(await post('pause', '{}')).toContain('paused until it is resumed');
  const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  expect(stderr).toMatch(/inetgw: ppp0: resumed, it ends with the service: ppp0: up 300 kbit\/s/);
  expect(stderr).toContain('inetgw: ppp0: rates up 300 kbit/s, down 2000 kbit/s, by the socket: done: ');
  expect(withoutIndices(await snapshot(guest)).replace(/^.*http\.sock\n/m, '')).toBe(
    whole.replace(/^.*http\.sock\n/m, ''),
  );
  service = await startService();
});

test('limits of hosts stay in force, parts of the line at its new rates; one above them is refused by its place', async () => {
  const file = '/run/limits.conf';
  const limits = `[network.guest]\nhosts = ["192.168.78.0/24", "2001:db8:4::/64"]\ndown = "20%"\nup = "100kbit"\n`;
  await guest.request('write', { path: file, text: limits, mode: 0o644 });
  await inetgwOk(guest, 'ppp0', '300', '1500', '--config', file, ...SETTINGS);
  const wanted = withoutIndices(await snapshot(guest));
  await inetgwOk(guest, 'ppp0', '300', '2mbit', '--config', file, ...SETTINGS);
  const before = await snapshot(guest);
  expect(before).toContain('guest');
  expect(withoutIndices(before)).not.toBe(wanted);
  await inGateway(`mv ${file} ${file}.away`);
  expect(await post('rates', '{"up":90}')).toContain(
    `${file}:4:6: up of guest (100 kbit/s) is above that of ppp0 (90 kbit/s)`,
  );
  expect(await snapshot(guest)).toBe(before);
  expect(await post('rates', '{"down":1500}')).toContain('down 1500 kbit/s');
  expect(withoutIndices(await snapshot(guest))).toBe(wanted);
  expect(await post('pause', '{}')).toContain('paused until it is resumed');
  expect(await snapshot(guest)).not.toContain('guest');
  expect(await post('resume', '{}')).toContain('down 1500 kbit/s');
  expect(withoutIndices(await snapshot(guest))).toBe(wanted);
});

test('of a line whose rates are followed, those that are said are in force, and followed from there', async () => {
  await inetgwOk(guest, 'ppp0', '300', '2mbit', '--down-min', '1mbit', ...SETTINGS);
  const followed = async (bitPerSec: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const { following } = await statistics(guest);
      if (following?.pid === service.pid && following.down?.bitPerSec === bitPerSec) return;
      if (n > 120) throw new Error(`it is not followed: ${JSON.stringify(following)}`);
      await guest.request('sleep', { ms: 500 });
    }
  };
  await followed(2e6);
  expect(await post('rates', '{"down":900}')).toMatch(/"error":"[^"]*down-min/);
  expect(await post('rates', '{"down":1500}')).toContain('down 1500 kbit/s');
  await followed(1.5e6);
  expect(await statistics(guest)).toMatchObject({
    ...{ upBitPerSec: 300_000, downBitPerSec: 1_500_000 },
    following: { limits: { down: { leastBitPerSec: 1e6, mostBitPerSec: 1.5e6 } } },
  });
  await inetgwOk(guest, 'ppp0', '300', '2mbit', ...SETTINGS);
});

test('while searchbw measures nothing is changed, and who measures is told', async () => {
  const words = ['ppp0', 'DOWN', '1300-1800', '50', '5', '210', '--ping-host', SERVER.ipv4];
  const { job, pid } = await guest.request('spawn', { argv: commandArgv('searchbw', ...words), ns: 'gw' });
  const measured = async (): Promise<boolean> =>
    (await inetgw(guest, 'status', '--json')).stdout.includes('"measured"');
  while (!(await measured())) await guest.request('sleep', { ms: 500 });
  for (const [word, body] of [
    ['rates', '{"up":400}'],
    ['pause', '{}'],
    ['clear', '{}'],
  ] as const)
    expect(await post(word, body)).toContain(
      `searchbw, process ${pid}, is measuring ppp0 at this moment: wait until it has ended, or end it: kill ${pid}`,
    );
  expect((await guest.request('stop', { job, signal: 'SIGINT' })).code).toBe(130);
  expect(await post('rates', '{"up":310}')).toContain('up 310 kbit/s');
});

const askForPause = `curl -s -m 300 --unix-socket ${SOCKET} -H 'Content-Type: application/json' -H 'X-Inetgw-Token: ${TOKEN}' -d '{}' http://localhost/api/v1/devices/ppp0/pause`;

/** The service is gone. */
async function startAgain(): Promise<void> {
  await inGateway(`rm -f ${SOCKET}`);
  await guest.request('stop', { job: service.job, signal: 'SIGKILL' });
  service = await startService();
}

describe('killed at each call by which the clear of a pause changes something', () => {
  beforeAll(() => putKillingPrograms(guest, { changesOnly: true }));
  afterAll(() => removeKillingPrograms(guest));

  test.each([
    ['the clear alone', false],
    ['the service with it', true],
  ])('%s: all of it is in force, or it is paused and comes back', async (_, withService) => {
    const whole = withoutIndices(await snapshot(guest));
    let kills = 0;
    for (let call = 1; ; call++) {
      await killAt(guest, call, { half: CUTS[0] ?? 50, too: withService ? [service.pid] : [] });
      const { stdout: answer } = await guest.exec(['sh', '-c', askForPause], { ns: 'gw' });
      const wasKilled = await hasKilled(guest);
      const at = `killed at ${(await countedCalls(guest)).at(-1) ?? '?'}`;
      if (wasKilled && withService) await startAgain();
      else if (wasKilled) expect(answer, at).toMatch(/not paused: .*SIGKILL.*set up again: ppp0: up/);
      expect(await post('resume', '{}'), at).toMatch(/resumed, somebody wants it back|"ppp0 is not paused"/);
      expect(withoutIndices(await snapshot(guest)), at).toBe(whole);
      if (!wasKilled) break;
      kills++;
    }
    expect(kills).toBeGreaterThan(1);
  });
});

/** Before the clear that begins the pause has changed anything, and in the long form whenever (on the guest's processor). */
const KILLED_AFTER_MS = LONG ? [0, 300, 800, 1300, 1800, 2300, 3000, 5000] : [300];
test('killed at any moment of a pause, the service is back with all of it in force, or with the pause', async () => {
  const whole = withoutIndices(await snapshot(guest));
  for (const ms of KILLED_AFTER_MS) {
    await inGateway(`(${askForPause} >/dev/null 2>&1 &) ; sleep ${ms / 1000}; kill -9 ${service.pid}`);
    await startAgain();
    const resumed = await post('resume', '{}');
    expect(resumed, `killed after ${ms} ms`).toMatch(/resumed, somebody wants it back|"ppp0 is not paused"/);
    expect(withoutIndices(await snapshot(guest)), `killed after ${ms} ms`).toBe(whole);
  }
});

test('a pause that was begun is no pause yet: by hand it is ended, and not made up for', async () => {
  await inetgwOk(guest, 'ppp0', '310', '2mbit', ...SETTINGS);
  const whole = withoutIndices(await snapshot(guest));
  const folder = (await inGateway('dirname /run/inetgw/*/ppp0.json')).trim();
  const noted = `cat ${folder}/ppp0.paused 2>/dev/null || echo none`;
  expect(await post('pause', '{}')).toContain('paused until it is resumed');
  const { isBegun, ...note } = JSON.parse(await inGateway(noted)) as Record<string, unknown>;
  expect(isBegun).toBeUndefined();
  const begin = async (): Promise<void> => {
    await inGateway(`mkdir -p ${folder}`);
    const text = JSON.stringify({ ...note, isBegun: true });
    await guest.request('write', { path: `${folder}/ppp0.paused`, text, mode: 0o644 });
  };
  await begin();
  expect((await inetgw(guest, 'status', '--json')).stdout).not.toContain('"paused"');
  await inetgwOk(guest, 'ppp0', 'clear');
  expect(await inGateway(noted)).toBe('none\n');
  const refused = await inetgw(guest, 'ppp0', 'clear', '--for-pause');
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining('it is not cleared for a pause'),
  ]);
  await begin();
  await inetgwOk(guest, 'ppp0', '310', '2mbit', ...SETTINGS);
  expect(await inGateway(noted)).toBe('none\n');
  expect(withoutIndices(await snapshot(guest))).toBe(whole);
});

test('a device that an earlier version has set up: how it can be changed is told', async () => {
  const path = (await inGateway('ls /run/inetgw/*/ppp0.json')).trim();
  const text = await guest.run(['cat', path]);
  const state = parseState(text, 'ppp0');
  if (state === undefined) throw new Error(`no record: ${text}`);
  const { said, ...earlier } = state;
  expect(said?.keys).toMatchObject({ framing: 'pppoa-vcmux', mark: '77', 'large-downloads': 'false' });
  await guest.request('write', { path, text: renderState(earlier), mode: 0o644 });
  expect(await post('rates', '{"up":400}')).toContain(
    'ppp0 was set up by an earlier version, which did not keep what was said; set it up once: inetgw ppp0 UP DOWN',
  );
  await inetgwOk(guest, 'ppp0', '300', '2mbit', ...SETTINGS);
  expect(await post('rates', '{"up":310}')).toContain('up 310 kbit/s');
});

test('cleared, nothing is left', async () => {
  await page.getByRole('button', { name: 'Clear …' }).waitFor();
  const { outcome } = await change('Clear');
  expect(outcome).toContain('ppp0: cleared');
  const { stderr } = await guest.request('stop', { job: service.job, signal: 'SIGTERM' });
  expect(stderr).toMatch(/inetgw: ppp0: clear, by the socket: done: ppp0: cleared/);
  expect(await snapshot(guest)).toBe(bare);
});
