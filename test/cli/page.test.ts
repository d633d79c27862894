/** The page in a browser: its figures, its sizes, and that it asks nobody else. PAGE_SCREENSHOTS=DIR keeps pictures. */
import { join } from 'node:path';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ChangeLine, Snapshot, Start } from '../../src/web/feed/snapshot.ts';
import { Histories } from '../../src/web/feed/histories.ts';
import { HANG_MS } from '../hang.ts';
import { savedResult } from './helpers/savedResult.ts';
import { servePage, type ServedPage } from './helpers/servedPage.ts';
import { pageSnapshot } from './helpers/pageSnapshot.ts';

/** The second before the page is opened. */
const NOW_MS = Date.parse('2026-11-27T12:00:00Z');
const HOSTILE = '<img src=x onerror="document.title=1"><script>alert(1)</script>';

let browser: Browser;
beforeAll(async () => {
  const args = [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  ];
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args, timeout: HANG_MS });
});
afterAll(() => browser.close());

let served: ServedPage;
let context: BrowserContext;
let page: Page;
/** Requests, and whatever the browser complains of. */
let asked: string[];
let complaints: string[];
/** Changes that the page has asked for. */
let wanted: ChangeLine[];

function history(): Histories {
  const histories = new Histories();
  for (let ago = 86_400; ago > 600; ago -= 60) histories.add(pageSnapshot(NOW_MS - ago * 1000, ago));
  for (let ago = 600; ago > 0; ago--) histories.add(pageSnapshot(NOW_MS - ago * 1000, ago));
  const decided = { kind: 'decision', device: 'ppp0' } as const;
  histories.decide({
    ...decided,
    atMs: NOW_MS - 90_000,
    text: 'down 19.6 Mbit/s → 4 Mbit/s: a queue stands',
  });
  return histories;
}
let known: Histories;
beforeAll(() => {
  known = history();
});

beforeEach(() => {
  [asked, complaints, wanted] = [[], [], []];
});
afterEach(async () => {
  await context.close();
  await served.end();
});

async function open(
  snapshot: Snapshot,
  {
    width = 1440,
    scheme = 'light',
    ...start
  }: { width?: number; scheme?: 'light' | 'dark' } & Pick<Start, 'changes' | 'reports'> = {},
): Promise<void> {
  served = await servePage({ histories: known.all(), ...start }, (line) => {
    if (line.kind === 'change') wanted.push(line);
    return undefined;
  });
  served.tell(snapshot);
  context = await browser.newContext({
    viewport: { width, height: 1000 },
    colorScheme: scheme,
    timezoneId: 'UTC',
  });
  context.setDefaultTimeout(HANG_MS);
  page = await context.newPage();
  page.on('request', (request) => asked.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(served.url);
  await page.locator('#connection.good').waitFor();
}

const picture = async (name: string): Promise<void> => {
  const folder = process.env['PAGE_SCREENSHOTS'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
};

const textOf = async (selector: string): Promise<string> =>
  (await page.locator(selector).innerText()).replaceAll(/\s+/g, ' ');

describe.each([
  [360, 'light'],
  [360, 'dark'],
  [1440, 'light'],
  [1440, 'dark'],
] as const)('at %i pixels, %s', (width, scheme) => {
  it('shows the line, asks nobody else, breaks no policy, fits, and axe finds nothing serious', async () => {
    await open(pageSnapshot(NOW_MS, 0), { width, scheme });
    await page.locator('#plots canvas').nth(2).waitFor();
    expect(await textOf('#rates .down')).toBe('Down 16.1 Mbit/s of 17 Mbit/s, 95 %, set up: 19.6 Mbit/s');
    expect(await textOf('#rates .up')).toBe('Up 1250 kbit/s of 5000 kbit/s, 25 %');
    expect(await page.getByRole('meter', { name: 'Down' }).getAttribute('aria-valuenow')).toBe('95');
    expect(await textOf('#classes tbody tr:nth-child(1)')).toMatch(/^interactive 3446 kbit\/s /);
    expect(await textOf('#plots figure:nth-child(1) figcaption')).toMatch(
      /^Down the last 10 min: mean 1\d(?:\.\d+)? Mbit\/s, most 1\d(?:\.\d+)? Mbit\/s$/,
    );
    expect(await textOf('#decisions')).toBe('11:58:30 down 19.6 Mbit/s → 4 Mbit/s: a queue stands');
    await picture(`page-${String(width)}-${scheme}`);
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBe(width);
    await page.evaluate(axe.source);
    const found = await page.evaluate<axe.AxeResults>('axe.run()');
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(asked.filter((url) => !url.startsWith(served.url))).toEqual([]);
    expect(asked.length).toBeGreaterThan(4);
    expect(complaints).toEqual([]);
    expect(await page.locator('#changes-card').isVisible()).toBe(false);
  });
});

describe.each([360, 1440])('what searchbw has measured, at %i pixels', (width) => {
  it('is listed with what was recommended, and its report opens with its style and breaks no policy', async () => {
    await open(pageSnapshot(NOW_MS, 0), { width, reports: true });
    expect(await page.locator('#reports-card').isVisible()).toBe(false);
    // The page that is open is told of it.
    const text = await savedResult('2026-11-27T11:30:00.000Z');
    served.tell({ kind: 'reportFile', name: 'down.json', text });
    const link = page.locator('#reports a');
    await link.waitFor();
    expect(await textOf('#reports')).toMatch(/^27 Nov 2026, 11:30: down 1\d\d\d kbit\/s$/);
    await page.evaluate(axe.source);
    const found = await page.evaluate<axe.AxeResults>('axe.run()');
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await picture(`page-${String(width)}-reports`);
    await link.click();
    await page.locator('h1', { hasText: 'Bandwidth of ppp0' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/reports/down.json');
    // Its own style is in force.
    expect(await page.evaluate('getComputedStyle(document.body).maxWidth')).not.toBe('none');
    expect(asked.filter((url) => !url.startsWith(served.url))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

describe.each([360, 1440])('what can be changed, at %i pixels', (width) => {
  it('is offered only where it is allowed, says what will be done, by keyboard, fits, and axe finds nothing serious', async () => {
    await open(pageSnapshot(NOW_MS, 0), { width, changes: true });
    await page.locator('#rate-up').fill('4mbit');
    await page.keyboard.press('Enter');
    expect(await textOf('#confirm-text')).toContain(
      'ppp0: Up 5000 kbit/s → 4000 kbit/s. Down stays at 19.6 Mbit/s.',
    );
    expect(await page.evaluate('document.activeElement.id')).toBe('token');
    await picture(`page-${String(width)}-change`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.evaluate(axe.source);
    const found = await page.evaluate<axe.AxeResults>('axe.run()');
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    await page.keyboard.press('Escape');
    expect(await page.locator('#confirm').isVisible()).toBe(false);
    expect(asked.filter((url) => url.includes('/rates'))).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

it('while a change is being made its dialog can be closed, no other is asked for, and what came of it is told', async () => {
  await open(pageSnapshot(NOW_MS, 0), { changes: true });
  await page.locator('#rate-up').fill('4mbit');
  await page.keyboard.press('Enter');
  await page.locator('#token').fill('a-token-for-changes');
  await page.locator('#confirm-yes').click();
  await expect.poll(() => wanted, { timeout: HANG_MS }).toHaveLength(1);
  await page.locator('#confirm-no').click();
  await page.locator('#change-pause button').click();
  expect(await page.locator('#confirm').isVisible()).toBe(false);
  expect(await textOf('#outcome')).toBe('A change is being made: ask again when its answer is here.');
  const [{ id } = { id: 0 }] = wanted;
  served.tell({ kind: 'changed', id, status: 200, message: 'ppp0: shaped' });
  await page.locator('#outcome.good', { hasText: 'ppp0: shaped' }).waitFor();
  await page.locator('#change-pause button').click();
  expect(await page.locator('#confirm').isVisible()).toBe(true);
  expect(complaints).toEqual([]);
});

it.each([360, 1440])(
  'a device that is paused, at %i pixels: until when, and that it can be resumed',
  async (width) => {
    const paused = {
      ...{ sinceMs: NOW_MS, untilMs: NOW_MS + 900_000 },
      ...{ upBitPerSec: 210_000, downBitPerSec: 1_710_000 },
    };
    const devices = [{ device: 'ppp0', paused }];
    await open({ kind: 'snapshot', atMs: NOW_MS, devices }, { width, changes: true });
    expect(await textOf('#standing')).toBe('paused');
    expect(await textOf('#paused')).toBe('Paused until 12:15:00: nothing is shaped meanwhile.');
    expect(await page.locator('#change-rates, #change-pause').filter({ visible: true }).count()).toBe(0);
    await page.getByRole('button', { name: 'Resume …' }).click();
    expect(await textOf('#confirm-text')).toContain('up 210 kbit/s and down 1710 kbit/s are set up again');
    await picture(`page-${String(width)}-paused`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    await page.evaluate(axe.source);
    const found = await page.evaluate<axe.AxeResults>('axe.run()');
    const serious = found.violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(complaints).toEqual([]);
  },
);

it('follows what it is told, by the second, and says when nobody tells it any more', async () => {
  await open(pageSnapshot(NOW_MS, 0));
  served.tell(pageSnapshot(NOW_MS + 1000, 300));
  await expect.poll(() => textOf('#rates .down')).not.toContain('16.1 Mbit/s');
  served.tell({ kind: 'decision', device: 'ppp0', atMs: NOW_MS + 1000, text: HOSTILE });
  await expect.poll(() => textOf('#decisions li:nth-child(2)')).toContain('11:58:30');
  await served.end();
  await page.locator('#connection.bad').waitFor();
  served = await servePage();
});

it('by keyboard: past the head, to the range, another range', async () => {
  await open(pageSnapshot(NOW_MS, 0));
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the figures');
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.value')).toBe('minutes');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => textOf('#plots figure:nth-child(1) figcaption')).toContain('the last 24 h: mean');
  await picture('page-1440-day');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(() => textOf('#plots figure:nth-child(1) figcaption')).toContain('the last minute: mean');
});

it('names from outside are text, and a choice of devices is offered where there are several', async () => {
  const conditions = [{ id: HOSTILE, severity: 'warning', text: HOSTILE, remedy: HOSTILE }] as const;
  const names = new Map([['192.168.1.20', HOSTILE]]);
  const devices = pageSnapshot(NOW_MS, 0, { conditions, names }).devices.map((each) => ({
    ...each,
    device: HOSTILE,
  }));
  const more = { device: 'wan<b>1', error: HOSTILE };
  await open({ kind: 'snapshot', atMs: NOW_MS, devices: [...devices, more] });
  expect(await textOf('h1')).toBe(`inetgw ${HOSTILE}`);
  expect(await textOf('#conditions')).toContain(`warning ${HOSTILE}; ${HOSTILE} [${HOSTILE}]`);
  expect(await textOf('#hosts')).toContain(`${HOSTILE.slice(0, 23)}… 192.168.1.20`);
  await page.getByLabel('Device').selectOption('wan<b>1');
  expect(await textOf('#empty')).toBe(HOSTILE);
  expect(await page.locator('main img, main script').count()).toBe(0);
  expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  expect(await page.title()).toBe('wan<b>1 – inetgw');
});

it('where no device is set up it says how one is', async () => {
  await open({ kind: 'snapshot', atMs: NOW_MS, devices: [] });
  expect(await textOf('#empty')).toContain('inetgw DEV UP DOWN');
});
