/**
 * The hooks that call inetgw when a device comes and goes: texts of files, made from the device and the
 * command. Pure; system/install/linkHooks.ts writes them.
 *
 * What all shell hooks have in common: POSIX sh, absolute paths, nothing on standard output. They return
 * at once, because pppd and NetworkManager wait for nobody, or for everybody; but what clears a device that will come
 * back with the same number ends before that. What inetgw says goes to the system log.
 */
import { hardening } from './hardening.ts';
import { HEAL_UNITS, healPath, healService } from './heal.ts';
import type { HookKind } from './kinds.ts';
import { fromShellWord, shellWord, systemdEscape, systemdWord } from '../core/shellWords.ts';

export interface HookSettings {
  /** A device name, or for ppp a beginning with `*` after it: a link that comes back under another number. */
  device: string;
  /** The program and what comes before its words, absolute: `/usr/bin/inetgw`, or node and the script. */
  program: readonly string[];
  /** What sets the device up; `undefined` stands for the device. */
  apply: readonly (string | undefined)[];
  /** Where `templates/heal.sh` is, for `heal`. */
  healScript?: string;
}

export const UNIT_FOLDER = '/etc/systemd/system';

/**
 * Where hooks of all kinds and devices are: folder, and what their names begin with. Whoever looks for hooks without
 * knowing the devices looks here: `inetgw uninstall`, and the Debian package when it is purged.
 */
export const HOOK_PLACES: readonly { folder: string; prefix: string }[] = [
  { folder: '/etc/ppp/ip-up.d', prefix: 'inetgw-' },
  { folder: '/etc/ppp/ip-down.d', prefix: 'inetgw-' },
  { folder: '/etc/NetworkManager/dispatcher.d', prefix: '90-inetgw-' },
  { folder: '/etc/network/if-up.d', prefix: 'inetgw-' },
  { folder: '/etc/network/if-down.d', prefix: 'inetgw-' },
  { folder: UNIT_FOLDER, prefix: 'inetgw@' },
  { folder: UNIT_FOLDER, prefix: 'inetgw-heal.' },
];

export interface HookFile {
  path: string;
  mode: number;
  text: string;
}

/** What each kind writes. */
export function hookFiles(kind: HookKind, settings: HookSettings): HookFile[] {
  const name = fileName(settings.device);
  const script = (path: string, text: string): HookFile => ({ path, mode: 0o755, text });
  switch (kind) {
    case 'ppp':
      return [
        script(`/etc/ppp/ip-up.d/inetgw-${name}`, pppHook('up', settings)),
        script(`/etc/ppp/ip-down.d/inetgw-${name}`, pppHook('down', settings)),
      ];
    case 'networkmanager':
      return [script(`/etc/NetworkManager/dispatcher.d/90-inetgw-${name}`, networkManagerHook(settings))];
    case 'ifupdown':
      return [
        script(`/etc/network/if-up.d/inetgw-${name}`, ifupdownHook('up', settings)),
        script(`/etc/network/if-down.d/inetgw-${name}`, ifupdownHook('down', settings)),
      ];
    case 'systemd': {
      const instance = systemdEscape(settings.device);
      return [
        {
          path: `${UNIT_FOLDER}/inetgw@${instance}.service`,
          mode: 0o644,
          text: systemdUnit(settings),
        },
      ];
    }
    case 'heal': {
      const head = header('Puts back what a firewall that is loaded anew takes away of inetgw.', 'heal');
      const unit = (name: string, text: string): HookFile => ({
        path: `${UNIT_FOLDER}/${name}`,
        mode: 0o644,
        text: [...head, text].join('\n'),
      });
      return [
        unit(HEAL_UNITS.path, healPath(settings.program)),
        unit(HEAL_UNITS.service, healService(settings.program, settings.healScript ?? '')),
      ];
    }
  }
}

/** run-parts ignores files with a dot in their names. */
function fileName(device: string): string {
  return device.replaceAll('*', '-any').replaceAll('.', '_');
}

function header(what: string, kind: HookKind, settings?: HookSettings): string[] {
  const words = [kind, ...(settings === undefined ? [] : [shellWord(settings.device)])].join(' ');
  return [
    `# ${what}`,
    `# Written by inetgw install-hook. Taken away by: inetgw install-hook ${words} --remove`,
    '# Once you have changed it, inetgw leaves it alone.',
  ];
}

/** A hook may outlive the program: it then does nothing, and says nothing each time a line comes up. */
function unlessRemoved({ program }: HookSettings): string {
  return `[ -x ${shellWord(program.at(-1) ?? '')} ] || exit 0`;
}

/** The program that a hook calls; undefined for another file. */
export function hookProgram(text: string): string | undefined {
  const ofShell = /^\[ -x (.+) \] \|\| exit 0$/m.exec(text)?.[1];
  if (ofShell !== undefined) return fromShellWord(ofShell);
  return /^ConditionFileIsExecutable=(.+)$/m.exec(text)?.[1]?.replaceAll('%%', '%');
}

/** The command for whatever device `$dev` is. */
function command({ program }: HookSettings, words: readonly (string | undefined)[]): string {
  return [...program, ...words].map((word) => (word === undefined ? '"$dev"' : shellWord(word))).join(' ');
}

/** The body of a hook for a device that came up. */
function whenUp(settings: HookSettings): string[] {
  return [
    'wait_for_it() {',
    '  # The device may be announced before it is there.',
    '  for _ in 1 2 3 4 5 6 7 8 9 10; do [ -e "/sys/class/net/$dev" ] && return; /bin/sleep 1; done',
    '}',
    'work() {',
    '  wait_for_it',
    `  ${command(settings, settings.apply)}`,
    '}',
  ];
}

/** The body of a hook for a device that went down. */
function whenDown(settings: HookSettings): string[] {
  return [
    'index() { /bin/cat "/sys/class/net/$dev/ifindex" 2>/dev/null; }',
    'before=$(index)',
    'work() {',
    `  ${command(settings, [undefined, 'clear'])}`,
    '  # Back already, as another device of the same name: what was cleared may have been the new one.',
    '  now=$(index)',
    '  if [ -n "$now" ] && [ "$now" != "$before" ]; then',
    `    ${command(settings, settings.apply)}`,
    '  fi',
    '}',
  ];
}

/**
 * Runs `work` with nothing left that ties it to the program that called the hook. What inetgw warns of is logged like its
 * errors, that all went well is not: hence no --quiet, which would keep both back.
 */
const WORK = '{ work 2>&1 >/dev/null | log; } </dev/null >/dev/null 2>&1';
const ENDING = [
  'log() { if [ -x /usr/bin/logger ]; then /usr/bin/logger -t inetgw; else /bin/cat >/dev/null; fi; }',
  "trap '' HUP",
];
const IN_BACKGROUND = [...ENDING, `${WORK} &`, 'exit 0', ''];
/** Of a device that keeps its number: cleared in the background, one that is back at once would be cleared as well. */
const WAITED_FOR = [...ENDING, '# To its end, before the device can come up again.', WORK, 'exit 0', ''];

function pppHook(event: 'up' | 'down', settings: HookSettings): string {
  return [
    '#!/bin/sh',
    ...header(`Sets inetgw up and takes it away with a ppp link (ip-${event}).`, 'ppp', settings),
    unlessRemoved(settings),
    "# Debian's pppd passes PPP_IFACE, the upstream one IFNAME and the first argument.",
    'PPP_IFACE=${PPP_IFACE:-${IFNAME:-${1-}}}',
    'case "$PPP_IFACE" in',
    `${settings.device}) dev=$PPP_IFACE ;;`,
    '*) exit 0 ;;',
    'esac',
    ...(event === 'up' ? whenUp(settings) : whenDown(settings)),
    ...IN_BACKGROUND,
  ].join('\n');
}

function ifupdownHook(event: 'up' | 'down', settings: HookSettings): string {
  return [
    '#!/bin/sh',
    ...header(`Sets inetgw up and takes it away with ifup and ifdown (if-${event}.d).`, 'ifupdown', settings),
    unlessRemoved(settings),
    '# It runs once for each address family; that does no harm.',
    'case "${IFACE-}" in',
    `${settings.device}) dev=$IFACE ;;`,
    '*) exit 0 ;;',
    'esac',
    ...(event === 'up' ? [...whenUp(settings), ...IN_BACKGROUND] : [...whenDown(settings), ...WAITED_FOR]),
  ].join('\n');
}

function networkManagerHook(settings: HookSettings): string {
  return [
    '#!/bin/sh',
    ...header(
      'Sets inetgw up and takes it away with a connection of NetworkManager.',
      'networkmanager',
      settings,
    ),
    unlessRemoved(settings),
    '# $1 is the device, $2 what happened; a modem has its IP device in DEVICE_IP_IFACE.',
    'dev=',
    'for name in "${DEVICE_IP_IFACE-}" "${1-}"; do',
    `  case "$name" in ${settings.device}) dev=$name ;; esac`,
    'done',
    '[ -n "$dev" ] || exit 0',
    'case "${2-}" in',
    'up)',
    ...[...whenUp(settings), ...IN_BACKGROUND.slice(0, -1)].map((line) => `  ${line}`),
    '  ;;',
    'down)',
    ...[...whenDown(settings), ...WAITED_FOR.slice(0, -1)].map((line) => `  ${line}`),
    '  ;;',
    'esac',
    'exit 0',
    '',
  ].join('\n');
}

/** The unit; as a template (`inetgw@.service`) the device is systemd's `%I`. */
export function systemdUnit(settings: HookSettings): string {
  const isTemplate = settings.device === '%I';
  const device = isTemplate ? '%I' : systemdWord(settings.device);
  const unit = `sys-subsystem-net-devices-${isTemplate ? '%i' : systemdEscape(settings.device).replaceAll('%', '%%')}.device`;
  const line = (words: readonly (string | undefined)[]): string =>
    [...settings.program, ...words]
      .map((word) => (word === undefined ? device : systemdWord(word)))
      .join(' ');
  return [
    ...(isTemplate
      ? ['# inetgw@DEV.service: what /etc/inetgw.conf says about DEV, for as long as the device is there.']
      : header('Sets inetgw up for as long as the device is there.', 'systemd', settings)),
    '[Unit]',
    `Description=Traffic control of inetgw on ${device}`,
    'Documentation=man:inetgw(8) man:inetgw.conf(5)',
    // It may outlive the program; a condition that is not met is no failure.
    `ConditionFileIsExecutable=${(settings.program.at(-1) ?? '').replaceAll('%', '%%')}`,
    `BindsTo=${unit}`,
    // A firewall that starts later would flush the rules.
    `After=${unit} nftables.service netfilter-persistent.service`,
    '',
    '[Service]',
    'Type=oneshot',
    'RemainAfterExit=yes',
    `ExecStart=${line(settings.apply)}`,
    `ExecReload=${line(settings.apply)}`,
    `ExecStop=${line([undefined, 'clear'])}`,
    ...hardening([...settings.program, ...settings.apply.filter((word) => word !== undefined)]),
    '',
    '[Install]',
    `WantedBy=${unit}`,
    '',
  ].join('\n');
}
