/**
 * `tsx scripts/soak/counters.ts`: more than 2^32 bytes each way through a shaped device in a lab guest; what
 * `inetgw DEV --json` counts then must not have started again. Exit code 1 if it has. Build first.
 */
import { Guest } from '../../test/lab/guest.ts';
import { inetgwOk, statistics } from '../../test/lab/inetgw.ts';
import { soakOn } from './onGuest.ts';

const HOUR_MS = 3_600_000;
const PACKETS = 68_000;
const PAYLOAD_BYTES = 65_000;

/** To hosts that are not there: what counts is that packets pass the queues. */
const SET_UP = `
  ip netns add gw; ip netns add far; mkdir -p /run/bpf
  ip link add big0 netns gw mtu 65535 type veth peer name big1 mtu 65535 netns far
  ip netns exec gw sh -ec 'ip addr add 10.9.0.1/24 dev big0; ip link set big0 up
    ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev big0'
  ip netns exec far sh -ec 'ip addr add 10.9.0.2/24 dev big1; ip link set big1 up
    ip neigh add 10.9.0.8 lladdr 02:00:00:00:00:08 dev big1'`;

const guest = await Guest.boot();
await soakOn(guest, async () => {
  await guest.run(['sh', '-ec', SET_UP]);
  await inetgwOk(guest, 'big0', '10gbit', '10gbit', '--firewall', 'none');
  for (const [ns, host] of [
    ['gw', '10.9.0.9'],
    ['far', '10.9.0.8'],
  ] as const) {
    const send = `dd if=/dev/zero bs=${PAYLOAD_BYTES} count=${PACKETS} 2>/dev/null >/dev/udp/${host}/9`;
    await guest.run(['bash', '-c', send], { ns, timeoutMs: HOUR_MS });
  }
  const { egress, ingress } = await statistics(guest, 'big0');
  const sentBytes = egress.reduce((sum, each) => sum + each.sentBytes, 0);
  console.log(`counted ${sentBytes} bytes out and ${ingress.seenBytes} in`);
  if (Math.min(sentBytes, ingress.seenBytes) <= 2 ** 32) throw new Error('a counter of bytes has wrapped');
});
