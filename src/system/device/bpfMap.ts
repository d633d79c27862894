/**
 * What it takes to read a pinned BPF map without bpftool, which few gateways have: the system call is made by perl, which every
 * Debian has (perl-base is essential). Node has no way to make it itself.
 */
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
