/**
 * What searchbw says that window pacing gains on four lines of the lab: `searchbw DEV DOWN --auto` with a load of its
 * own, which begins anew once pacing is there. `npx tsx scripts/bench/pacingGain.ts [LINE …]` with adsl, adsl6, vdsl,
 * cable; build first. Figures are in the guest's virtual time.
 */
import { Guest } from '../../test/lab/guest.ts';
import { commandArgv, withBpf } from '../../test/lab/inetgw.ts';
import { setUpLine, SERVER } from '../../test/lab/line.ts';
import { serveDownloads } from '../../test/lab/traffic.ts';
import { LINES, type BenchLine } from './line/lines.ts';

const STREAMS = 4;

async function search(guest: Guest, { options, inetgwFraming }: BenchLine): Promise<string> {
  const { device } = await setUpLine(guest, options);
  const upKbit = Math.floor((options.upBitPerSec * 0.98) / 1000);
  const words = [device, 'DOWN', '--auto', String(upKbit), ...inetgwFraming, '--ping-host', SERVER.ipv4];
  const load = ['--load', await serveDownloads(guest), '--streams', String(STREAMS)];
  const argv = withBpf(commandArgv('searchbw', ...words, ...load));
  const result = await guest.request('exec', { argv, ns: 'gw', timeoutMs: 36_000_000 });
  const said = result.stdout
    .split('\n')
    .filter((line) => /recommended|^window pacing|then use/.test(line))
    .join('\n');
  return `${said}\ntook ${(result.elapsedMs / 1000).toFixed(0)} s, exit code ${String(result.code)}\n${result.stderr}`;
}

const lines: Readonly<Record<string, BenchLine>> = LINES;
const wanted = process.argv.slice(2);
for (const name of wanted.length > 0 ? wanted : Object.keys(lines)) {
  const line = lines[name];
  if (line === undefined) throw new Error(`there is no line ${name}: ${Object.keys(lines).join(', ')}`);
  const guest = await Guest.boot();
  try {
    console.log(`# ${line.title}\n${await search(guest, line)}`);
  } finally {
    await guest.close();
  }
}
