/** The examples of the documents, the manual pages and the help, as they stand, on a gateway with a real ppp0. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXAMPLES, type Treatment } from '../examples/commands.ts';
import type { Guest } from './guest.ts';
import { commandArgv, snapshot, withBpf } from './inetgw.ts';
import { SERVER, setUpLine } from './line.ts';
import { LONG } from './forms.ts';
import { sharedGuest } from './sharedGuest.ts';
import { keepFull } from './traffic.ts';

const CONFIG = '/etc/inetgw.conf';
const INSTALLED = '/usr/local/bin/inetgw /usr/local/bin/searchbw /usr/local/bin/iprelay';

let guest: Guest;
let untouched: string;
beforeAll(async () => {
  guest = await sharedGuest();
  await setUpLine(guest);
  const commands = (['inetgw', 'searchbw', 'iprelay'] as const)
    .map((name) => `printf '#!/bin/sh\nexec ${commandArgv(name).join(' ')} "$@"\n' > /usr/local/bin/${name}`)
    .join('\n');
  const folders = 'ppp/ip-up.d ppp/ip-down.d NetworkManager/dispatcher.d network/if-up.d network/if-down.d';
  const script = `${commands}\nchmod 755 ${INSTALLED}; rm -f ${CONFIG}; cd /etc; mkdir -p ${folders}`;
  await guest.run(['sh', '-ec', script]);
  await guest.run(['sh', '-ec', 'ip link add eth1 type dummy; ip link set eth1 up'], { ns: 'gw' });
  untouched = await snapshot(guest);
});
afterAll(async () => {
  const hooks = ['ppp ppp0', "ppp 'ppp*'", 'networkmanager ppp0', 'ifupdown eth1', 'systemd eth1'];
  const remove = hooks.map((words) => `inetgw install-hook ${words} --remove --quiet`).join('\n');
  await guest.run(['bash', '-ec', `${remove}\nrm -f ${CONFIG}; ip link del eth1`], { ns: 'gw' });
  await guest.run(['sh', '-ec', `rm -f ${INSTALLED}`]);
});

function ofLab(): [string, Extract<Treatment, { by: 'lab' }>][] {
  return EXAMPLES.flatMap(({ command, treatment }) =>
    treatment.by === 'lab' && typeof command === 'string' && (LONG || treatment.long !== true)
      ? [[command, treatment] as const]
      : [],
  ).map(([command, treatment]) => [command, treatment]);
}

test.each(ofLab())('%s', async (command, { code = 0, says = '', load }) => {
  if (load !== undefined) {
    // A host that answers: of the provider's there is none in the lab.
    await guest.request('write', { path: CONFIG, text: `[ppp0]\nping-host = "${SERVER.ipv4}"\n` });
  }
  const full = load === undefined ? undefined : await keepFull(guest, load);
  const argv = withBpf(['bash', '-c', command]);
  const result = await guest.request('exec', { argv, ns: 'gw', timeoutMs: 3_000_000 });
  await full?.end();
  const said = `${result.stdout}${result.stderr}`;
  expect([result.code, said]).toEqual([code, expect.stringContaining(says)]);
});

test('what was set up is taken away again', async () => {
  await guest.run(withBpf(['bash', '-ec', 'inetgw eth1 clear; inetgw ppp0 clear']), {
    ns: 'gw',
  });
  expect(await snapshot(guest)).toBe(untouched);
});
