/** What systemd keeps from a service of ours. Pure. */

/** What ProtectHome= hides, and PrivateTmp= puts out of sight: a program below them must stay to be seen (systemd.exec(5)). */
const HOMES = ['/home/', '/root/', '/run/user/'];
const TEMPORARY = ['/tmp/', '/var/tmp/'];
const isBelow =
  (folders: readonly string[]) =>
  (path: string): boolean =>
    folders.some((folder) => path.startsWith(folder));

/**
 * Hardening, as far as a node program that runs tc, nft and iptables can take it:
 * - no MemoryDenyWriteExecute: V8 compiles at run time;
 * - no ProtectProc: the lock looks up whether the process that holds it still runs;
 * - /run is writable: /run/inetgw, and iptables' lock /run/xtables.lock;
 * - the cache is that of our own code (cli/common/codeCache.ts);
 * - AF_UNIX is for name services and libc, AF_NETLINK for tc and nft, AF_INET for iptables-legacy.
 * - CAP_BPF, CAP_PERFMON, the bpf call and /sys/fs/bpf are for the program of window pacing;
 * - capset and setuid are for ping, which gives its privileges away by them;
 * - no ProtectKernelTunables, which has /sys/fs/bpf read-only whatever ReadWritePaths says: its other paths are named instead.
 * Without CAP_SYS_ADMIN there is no namespace to rehearse in: inetgw goes without and relies on its undo.
 * @param words what is run, with its files: what lies in somebody's home, as a node of nvm does, must be seen
 */
export const hardening = (words: readonly string[]): string[] => [
  'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_PERFMON',
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'CacheDirectory=inetgw',
  'ReadOnlyPaths=/sys /proc/sys -/proc/acpi -/proc/bus -/proc/fs -/proc/irq -/proc/sysrq-trigger',
  'InaccessiblePaths=-/proc/kallsyms -/proc/kcore',
  'ReadWritePaths=/run -/sys/fs/bpf',
  `ProtectHome=${words.some(isBelow(HOMES)) ? 'read-only' : 'yes'}`,
  ...(words.some(isBelow(TEMPORARY)) ? [] : ['PrivateTmp=yes']),
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'KeyringMode=private',
  'RemoveIPC=yes',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@resources @privileged',
  'SystemCallFilter=bpf capset setuid',
  'SystemCallErrorNumber=EPERM',
  'IPAddressDeny=any',
  'UMask=0022',
];
