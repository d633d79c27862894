/**
 * Programs at tcx (kernel 6.6 and later), which come before all filters of a clsact. tc does not show them, and few
 * gateways have bpftool: the system call is made by perl, as in bpfMap.ts.
 */
import { UserError } from '../../core/errors.ts';
import { SYSCALL_NUMBER } from './bpfMap.ts';
import { ProgramError, type Runner } from '../exec/run.ts';

/** BPF_TCX_INGRESS and BPF_TCX_EGRESS of include/uapi/linux/bpf.h. */
const ATTACH_TYPE = { ingress: 46, egress: 47 } as const;

/** BPF_PROG_QUERY (16) of `struct { u32 target_ifindex, attach_type, query_flags, attach_flags; u64 prog_ids; u32 prog_cnt; … }`. */
const SCRIPT = `
  my ($nr, $ifindex, @types) = @ARGV;
  for my $type (@types) {
    my $query = pack("LLLLQL", $ifindex, $type, 0, 0, 0, 0) . "\\0" x 64;
    die "$!\\n" if syscall($nr + 0, 16, $query, 64) < 0;
    print unpack("L", substr($query, 24, 4)), "\\n";
  }
`;

export interface TcxPrograms {
  ingress: number;
  egress: number;
}

/** How many hang at either side of a device; undefined where the kernel does not tell, as one that has no tcx. */
export async function tcxPrograms(ifindex: number, run: Runner): Promise<TcxPrograms | undefined> {
  const number = SYSCALL_NUMBER[process.arch];
  if (number === undefined) return undefined;
  const { ingress, egress } = ATTACH_TYPE;
  try {
    const { stdout } = await run(['perl', '-e', SCRIPT, ...[number, ifindex, ingress, egress].map(String)]);
    const [atIngress, atEgress] = stdout.split('\n').map(Number);
    return atIngress === undefined || atEgress === undefined
      ? undefined
      : { ingress: atIngress, egress: atEgress };
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}
