/**
 * Programs that see folders as their root and write into memory: an overlay in namespaces of its own, gone with the
 * last of them. Needs root.
 */

export interface MemoryRoot {
  /** An empty folder to mount it at; others do not see what is mounted. */
  mountPoint: string;
  /** What it consists of, the uppermost first. */
  folders: readonly string[];
  /** `own`: its loopback device alone. `machine`: this machine's network and devices. */
  network: 'own' | 'machine';
  /** Shell commands that are run outside of it, in its folder; `$home` is root's home there, `/…`. */
  prepare?: string;
  /** All that the program sees beside HOME, PATH and TERM, as `NAME=value`. */
  environment?: readonly string[];
}

/** As root has it on Debian. */
export const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const MOUNT = `
  mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root
  mount -t overlay overlay -o "lowerdir=$2,upperdir=$PWD/upper,workdir=$PWD/work" root && cd root
  shift 2
  mount -t proc proc proc
  mount -t tmpfs tmpfs tmp && mount -t tmpfs -o mode=755 tmpfs run && mkdir run/lock
  home=$(chroot . sh -c 'echo ~root')`;

const NETWORK = {
  own: 'mount -t sysfs sysfs sys && ip link set lo up',
  machine: 'mount --rbind /sys sys && mount --rbind /dev dev',
};

/**
 * The words of a command that runs the program in the root and ends with it. It is no chroot, in which the kernel makes no user
 * namespace.
 */
export function inMemoryRoot(root: MemoryRoot, argv: readonly [string, ...string[]]): [string, ...string[]] {
  const { mountPoint, folders, network, prepare = '', environment = [] } = root;
  const script = `${MOUNT}
    ${NETWORK[network]}
    ${prepare}
    mkdir outside
    pivot_root . outside
    cd /
    umount --lazy outside
    rmdir outside
    exec /usr/bin/env -i HOME="$home" "$@"`;
  return [
    // It ends with whoever started it, however that ends.
    ...(['setpriv', '--pdeathsig', 'KILL'] as const),
    ...(['unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child'] as const),
    ...(network === 'own' ? ['--net'] : []),
    ...['sh', '-euc', script, 'sh', mountPoint, folders.join(':')],
    ...[PATH, 'TERM=dumb', ...environment, ...argv],
  ];
}
