/** `inetgw metrics` on a real ppp0 says what `inetgw DEV --json` says, and goes on saying it when something was taken away. */
import { beforeAll, expect, test } from 'vitest';
import type { Guest } from './guest.ts';
import { inetgw, inetgwOk, statistics } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { sharedGuest } from './sharedGuest.ts';

const FILE = '/var/lib/prometheus/node-exporter/inetgw.prom';

let guest: Guest;
const inGateway = (script: string): Promise<string> => guest.run(['sh', '-ec', script], { ns: 'gw' });

beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  await inetgwOk(guest, 'ppp0', '210', '1710');
  await inGateway(`mkdir -p ${FILE.replace(/\/[^/]*$/, '')}; ping -q -c 20 -i 0.2 ${SERVER.ipv4}`);
});

/** Values by name and labels, as they stand in the text. */
const valuesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );

test('the counters are those of inetgw DEV --json, in base units', async () => {
  // The line is idle by now: both read the same.
  const shown = await statistics(guest);
  const found = valuesOf(await inetgwOk(guest, 'metrics'));
  const get = (name: string, labels = ''): number | undefined =>
    found.get(`inetgw_${name}{device="ppp0"${labels}}`);
  expect(get('in_force')).toBe(1);
  expect(get('rate_bytes_per_second', ',direction="down"')).toBe(1_710_000 / 8);
  for (const row of shown.egress) {
    expect(get('class_sent_bytes_total', `,class="${row.class}"`)).toBe(row.sentBytes);
    expect(get('class_dropped_packets_total', `,class="${row.class}"`)).toBe(row.droppedPackets);
  }
  expect(get('class_sent_packets_total', ',class="interactive"')).toBeGreaterThanOrEqual(20);
  expect(get('ingress_received_packets_total')).toBeGreaterThanOrEqual(20);
  expect(get('ingress_received_packets_total')).toBe(shown.ingress.seenPackets);
  expect(get('ingress_stage_seen_packets_total', ',stage="1"')).toBe(shown.ingress.stages[0].seenPackets);
  expect(get('pacing_lowered_windows_total')).toBe(shown.pacing?.rewrittenPackets);
  expect(get('ingress_queue_sent_packets_total')).toBe(shown.pacing?.queue.sentPackets);
  expect(get('marked_packets_total')).toBe(shown.firewall.markedPackets);
});

test('the file tells that rules are gone, and that they are back', async () => {
  const write = async (): Promise<Map<string, number>> => {
    const { code, stdout, stderr } = await inetgw(guest, 'metrics', 'ppp0', '--output', FILE);
    expect([code, stdout, stderr]).toEqual([0, '', '']);
    return valuesOf(await inGateway(`cat ${FILE}`));
  };
  await inGateway('nft delete table inet inetgw_ppp0');
  const without = await write();
  expect(without.get('inetgw_in_force{device="ppp0"}')).toBe(0);
  expect(without.get('inetgw_condition{device="ppp0",code="rules-gone",severity="broken"}')).toBe(1);
  expect(without.get('inetgw_firewall_present{device="ppp0"}')).toBe(0);
  expect(without.has('inetgw_class_sent_bytes_total{device="ppp0",class="normal"}')).toBe(true);
  await inetgwOk(guest, 'heal');
  const healed = await write();
  expect(healed.get('inetgw_in_force{device="ppp0"}')).toBe(1);
  expect(healed.get('inetgw_condition{device="ppp0",code="rules-gone",severity="broken"}')).toBe(0);
});
