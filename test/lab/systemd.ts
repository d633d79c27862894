/** systemd, with udev and the journal, in the gateway's network. */
import type { Guest } from './guest.ts';
import { DIAL } from './line.ts';
import type { ExecResult } from './protocol.ts';

/**
 * systemd as process 1 of namespaces of its own. Of what a boot usually starts only the journal and udev are left: the
 * others would work for minutes on devices that nobody asks about here.
 */
const BOOT = `
  mount -t proc proc /proc
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  # From 257 on systemd takes a process namespace for a container, in which it does not mount this.
  mount -t bpf bpf /sys/fs/bpf
  mount -t tmpfs run /run && mkdir /run/lock
  ln -sf /lib/systemd/system/basic.target /etc/systemd/system/default.target
  for unit in $(ls /lib/systemd/system/*.target.wants /etc/systemd/system/*.target.wants); do
    case $unit in
      systemd-journald.s* | systemd-journald-dev-log.socket | systemd-udevd.service | systemd-udevd-*.socket) ;;
      *.service | *.socket | *.mount | *.automount | *.timer | *.path) ln -sf /dev/null /etc/systemd/system/$unit ;;
    esac
  done
  : >/etc/fstab
  exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --show-status=false`;

/** The first process of the new namespace, as seen from outside, once it listens to systemctl. */
const FIND = `for n in $(seq 600); do
    for p in /proc/[0-9]*; do
      if [ "$(readlink $p/exe)" = /usr/lib/systemd/systemd ] && [ -S $p/root/run/systemd/private ]; then
        echo \${p#/proc/}; exit 0
      fi
    done
    sleep 0.1
  done; exit 1`;

const PATIENT = { spinMs: 120_000, timeoutMs: 120_000 };

export class Systemd {
  readonly #guest: Guest;
  readonly #job: number;
  readonly #pid: string;

  private constructor(guest: Guest, job: number, pid: string) {
    this.#guest = guest;
    this.#job = job;
    this.#pid = pid;
  }

  static async start(guest: Guest): Promise<Systemd> {
    const argv = ['unshare', '--mount', '--pid', '--cgroup', '--fork', '--kill-child', 'sh', '-ec', BOOT];
    const { job } = await guest.request('spawn', { argv: argv as [string, ...string[]], ns: 'gw' });
    const pid = (await guest.run(['sh', '-c', FIND], PATIENT)).trim();
    const systemd = new Systemd(guest, job, pid);
    await systemd.exec(
      'for n in $(seq 300); do case $(systemctl is-system-running) in running|degraded) exit 0;; esac; sleep 0.1; done; exit 1',
    );
    // Process 1 listens to udev only if it was there first: begun anew once udev runs.
    await systemd.run(
      'systemctl start systemd-udevd && udevadm trigger --subsystem-match=net --action=add && udevadm settle && systemctl daemon-reexec',
    );
    return systemd;
  }

  /** Runs a script in its namespaces, whatever its exit code. */
  exec(script: string): Promise<ExecResult> {
    const argv = ['nsenter', '-t', this.#pid, '-m', '-n', '-p', '-C', 'sh', '-c', script] as const;
    return this.#guest.exec(argv, PATIENT);
  }

  /** The same for what has to succeed; gives what it printed. */
  async run(script: string): Promise<string> {
    const { code, stdout, stderr } = await this.exec(script);
    if (code !== 0) throw new Error(`'${script.trim()}' ended with ${code}: ${(stderr || stdout).trim()}`);
    return stdout;
  }

  /** Waits for a condition; where it never comes true, the error tells what the unit and the journal say. */
  async eventually(condition: string, unit: string): Promise<void> {
    const script = `for n in $(seq 600); do if ${condition}; then exit 0; fi; sleep 0.1; done 2>/dev/null
      systemctl status ${unit}; journalctl -b -n 30 --no-pager; tc qdisc show dev ppp0; exit 1`;
    const { code, stdout } = await this.exec(script);
    if (code !== 0) throw new Error(`it never came about: ${condition}\n${stdout}`);
  }

  async stop(): Promise<void> {
    await this.#guest.request('stop', { job: this.#job, signal: 'SIGKILL' });
  }
}

/**
 * Brings the link up if it is not: while the machine waits for the host's disk its clock runs on, and pppd gives up. The
 * provider's side may not have noticed yet, and has room for one session only.
 */
export async function redial(guest: Guest): Promise<void> {
  const script = `[ ! -e /sys/class/net/ppp0 ] || exit 0
    pkill -x pppd
    for n in 1 2 3 4 5 6; do sleep 2; ${DIAL} && exit 0; done; exit 1`;
  await guest.run(['sh', '-c', script], { ns: 'gw', spinMs: 120_000, timeoutMs: 240_000 });
}
