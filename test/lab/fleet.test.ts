/**
 * The role for Ansible on three gateways of a real kernel: what it sets up is in force, the second run changes nothing, and what
 * somebody took away is seen and put back. test/cli/ansible.test.ts has packages and hooks.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Ansible, type Played } from '../ansible.ts';
import type { Guest } from './guest.ts';
import { commandArgv, withBpf } from './inetgw.ts';
import { sharedGuest } from './sharedGuest.ts';

const NAMES = ['gw1', 'gw2', 'gw3'] as const;
const PATIENT = { spinMs: 120_000, timeoutMs: 600_000 };
const PROGRAM = '/run/fleet/inetgw';

let guest: Guest;
let ansible: Ansible;
const inside = (name: string, script: string): Promise<string> =>
  guest.run(withBpf(['sh', '-ec', script]), { ns: name, ...PATIENT });

beforeAll(async () => {
  guest = await sharedGuest();
  await guest.run([
    'sh',
    '-ec',
    `mkdir -p /run/fleet /run/bpf; mountpoint -q /run/bpf || mount -t bpf bpf /run/bpf
    printf '#!/bin/sh\nexec ${commandArgv('inetgw').join(' ')} "$@"\n' >${PROGRAM}; chmod +x ${PROGRAM}
    for ns in ${NAMES.join(' ')}; do
      ip netns add $ns; ip -n $ns link add wan0 type veth peer name far0; ip -n $ns link set wan0 up
      ip -n $ns link set far0 up
    done`,
  ]);
  const targets = NAMES.map(
    (name) =>
      [
        name,
        (command: string, input: Buffer) =>
          guest.exec(withBpf(['sh', '-c', command]), { ns: name, input: input.toString(), ...PATIENT }),
      ] as const,
  );
  ansible = await Ansible.begin(Object.fromEntries(targets));
});
afterAll(async () => {
  await ansible.end();
  await guest.run(
    [
      'sh',
      '-c',
      `for ns in ${NAMES.join(' ')}; do
    ip netns exec $ns ${PROGRAM} wan0 clear; ip netns del $ns; done; rm -r /run/fleet`,
    ],
    PATIENT,
  );
});

/** The file of each is its own: they share a root. */
const play = (up: number, ...words: readonly string[]): Promise<Played> =>
  ansible.play(
    {
      inetgw_program: PROGRAM,
      inetgw_conf_path: '/run/fleet/{{ inventory_hostname }}.conf',
      inetgw_devices: { wan0: { up, down: 1710, framing: 'raw' } },
    },
    ...words,
  );
const changed = ({ recap }: Played): (number | undefined)[] => NAMES.map((name) => recap[name]?.changed);

test('sets up three gateways; the second run changes nothing, and one that lost its rules is told and mended', async () => {
  const played = await play(210);
  expect({ ...played, changed: changed(played) }).toMatchObject({ code: 0, changed: [2, 2, 2] });
  for (const name of NAMES)
    expect(await inside(name, 'tc qdisc show dev wan0 root; nft list tables')).toMatch(
      /htb 1: root[^]*inetgw_wan0/,
    );

  await inside('gw2', 'nft delete table inet inetgw_wan0');
  const looked = await play(210, '--check', '--limit', 'gw2');
  expect(looked).toMatchObject({ code: 0, recap: { gw2: { changed: 1 } } });
  expect(looked.text).toContain('wan0 would be set up: not all of what was set is in force (rules-gone)');
  expect(await inside('gw2', 'nft list tables')).toBe('');

  const again = await play(210);
  expect({ ...again, changed: changed(again) }).toMatchObject({ code: 0, changed: [0, 1, 0] });
  expect(await inside('gw2', 'nft list tables')).toContain('inetgw_wan0');
});
