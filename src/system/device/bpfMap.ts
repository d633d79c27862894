/**
 * Reads a pinned BPF map without bpftool, which few gateways have: the system call is made by perl, which every
 * Debian has (perl-base is essential). Node has no way to make it itself.
 */
import { ProgramError, type Runner } from '../exec/run.ts';
import { UserError } from '../../core/errors.ts';

/** Where iproute2 pins maps that ask for it by name (lib/bpf_libbpf.c); it mounts the file system if need be. */
export const PIN_FOLDER = '/sys/fs/bpf/tc/globals';

/** __NR_bpf; the program is for little-endian machines only. */
export const SYSCALL_NUMBER: Partial<Record<NodeJS.Architecture, number>> = {
  x64: 321,
  ia32: 357,
  arm: 386,
  arm64: 280,
  riscv64: 280,
};

/** BPF_OBJ_GET (7) and BPF_MAP_LOOKUP_ELEM (1) of element 0; prints the value in hexadecimal. */
const SCRIPT = `
  my ($nr, $path, $size) = @ARGV;
  sub pointer { my $p = pack("P", $_[0]); $p . "\\0" x (8 - length $p) }
  my ($name, $key, $value) = ("$path\\0", pack("L", 0), "\\0" x $size);
  my $get = pointer($name) . "\\0" x 64;
  my $fd = syscall($nr + 0, 7, $get, 16);
  die "$path: $!\\n" if $fd < 0;
  my $lookup = pack("LL", $fd, 0) . pointer($key) . pointer($value) . "\\0" x 64;
  die "$path: $!\\n" if syscall($nr + 0, 1, $lookup, 32) < 0;
  print unpack("H*", $value);
`;

/** Element 0 of a pinned array map whose values have `bytes` bytes; undefined where it cannot be read. */
export async function readPinnedElement(
  path: string,
  bytes: number,
  run: Runner,
): Promise<Buffer | undefined> {
  const number = SYSCALL_NUMBER[process.arch];
  if (number === undefined) return undefined;
  try {
    const { stdout } = await run(['perl', '-e', SCRIPT, String(number), path, String(bytes)]);
    const value = Buffer.from(stdout, 'hex');
    return value.length === bytes ? value : undefined;
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}
