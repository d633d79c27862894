/**
 * Reads the connections that the kernel tracks, over netlink, with one perl (bpfMap.ts says why): /proc/net/nf_conntrack is not in each
 * kernel, and takes the square of the time where there are many. Nothing of the kernel is set; it may load nf_conntrack_netlink.
 */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { BlockList, isIPv6 } from 'node:net';
import { UserError } from '../../core/errors.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { isOfDevice } from '../link/labels.ts';

/** Some 200 000 connections: a table that is larger is read as far as that. */
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * AF_NETLINK (16), SOCK_RAW (3), NETLINK_NETFILTER (12); IPCTNL_MSG_CT_GET (0x101) as a dump (0x301) of all families. What is told
 * goes on as it is, up to NLMSG_DONE (3), which may end a packet of others, or NLMSG_ERROR (2).
 */
const SCRIPT = `
  my ($most, $mine) = (@ARGV, 0x69676177);
  socket(my $s, 16, 3, 12) or die "socket: $!\\n";
  defined syswrite($s, pack("LSSLLCCn", 20, 0x101, 0x301, $mine, 0, 0, 0, 0)) or die "send: $!\\n";
  binmode STDOUT;
  for (my $all = 0; $all < $most; ) {
    defined sysread($s, my $told, 65536) or die "receive: $!\\n";
    print $told;
    $all += length $told;
    my $first = unpack("x4 S", $told);
    my ($length, $last, undef, $whose) = unpack("LSSL", substr($told, -20));
    last if $first == 2 || $first == 3 || $length == 20 && $last == 3 && $whose == $mine;
  }
`;

/** @returns why it could not be read; undefined: it was */
export async function readConnections(
  onChunk: (chunk: Buffer) => void,
  run: Runner,
): Promise<string | undefined> {
  const onOutput = (_bytes: number, chunk: Buffer): void => {
    onChunk(chunk);
  };
  try {
    await run(['perl', '-e', SCRIPT, String(MOST_BYTES)], { onOutput });
    return undefined;
  } catch (error) {
    if (error instanceof ProgramError)
      return error.result.stderr.trim() || error.message.replaceAll(SCRIPT, '…');
    if (error instanceof UserError)
      return [error.message, error.hint].filter((each) => each !== undefined).join('; ');
    throw error;
  }
}

/** `0` or `1`, as the kernel has it; undefined: there is no connection tracking, or it cannot be read. */
export async function readAccounting(): Promise<string | undefined> {
  const text = await readFile('/proc/sys/net/netfilter/nf_conntrack_acct', 'utf8').catch(() => undefined);
  return text?.trim();
}

export interface MachineAddresses {
  /** Of the device, and of all. */
  own: ReadonlySet<string>;
  machine: ReadonlySet<string>;
  /** Whether it is of a network that another device is on. Link-local ones are on each. */
  isNeighbour: (address: string) => boolean;
}

export function machineAddresses(device: string): MachineAddresses {
  const [own, machine, others] = [new Set<string>(), new Set<string>(), new BlockList()];
  for (const [name, addresses] of Object.entries(networkInterfaces()))
    for (const { address, cidr, family } of addresses ?? []) {
      machine.add(address);
      if (isOfDevice(name, device)) own.add(address);
      else if (!address.startsWith('fe80:'))
        others.addSubnet(address, Number(cidr?.split('/')[1]), family === 'IPv6' ? 'ipv6' : 'ipv4');
    }
  const isNeighbour = (address: string): boolean => others.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  return { own, machine, isNeighbour };
}
