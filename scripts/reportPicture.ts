/**
 * The report of a bandwidth search as a browser shows it: runs the article's overview on the virtual ADSL line,
 * opens the page in a headless chromium, in light and in dark, and leaves the pictures in `docs/images/`.
 * `npx tsx scripts/reportPicture.ts`; needs Debian's `chromium`; build first.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { execa } from 'execa';
import { Guest } from '../test/lab/guest.ts';
import { commandArgv } from '../test/lab/inetgw.ts';
import { SERVER, setUpLine } from '../test/lab/line.ts';
import { keepFull } from '../test/lab/traffic.ts';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
const WORDS = ['ppp0', 'DOWN', '1300-1800', '50', '20', '210'];
const PAGE_IN_GUEST = '/tmp/report.html';
/** Wide enough for the charts, high enough for the whole page. */
const WINDOW = '1000,2150';

async function measuredPage(): Promise<string> {
  const guest = await Guest.boot();
  try {
    await setUpLine(guest);
    await keepFull(guest, 'DOWN');
    const command = commandArgv('searchbw', ...WORDS, '--ping-host', SERVER.ipv4, '--report', PAGE_IN_GUEST);
    const search = await guest.request('exec', { argv: command, ns: 'gw', timeoutMs: 3_600_000 });
    console.log(search.stdout + search.stderr);
    return (await guest.request('read', { path: PAGE_IN_GUEST })).text;
  } finally {
    await guest.close();
  }
}

/** One picture; `dark` as the system of the reader would ask for it. */
async function picture(page: string, profile: string, dark: boolean): Promise<void> {
  const file = join(IMAGES, `searchbw-report${dark ? '-dark' : ''}.png`);
  await execa('chromium', [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    `--user-data-dir=${profile}`,
    `--window-size=${WINDOW}`,
    ...(dark ? ['--blink-settings=preferredColorScheme=0'] : []),
    `--screenshot=${file}`,
    pathToFileURL(page).href,
  ]);
  console.log(`wrote ${file}`);
}

const folder = await mkdtemp(join(tmpdir(), 'searchbw-report-'));
try {
  const page = join(folder, 'report.html');
  await writeFile(page, await measuredPage());
  await mkdir(IMAGES, { recursive: true });
  await picture(page, join(folder, 'profile'), false);
  await picture(page, join(folder, 'profile'), true);
} finally {
  await rm(folder, { recursive: true, force: true });
}
