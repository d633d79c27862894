/**
 * The units that put back what a firewall takes away when it is loaded anew: a path unit that starts a service as soon as
 * anything is set up, and that service, a shell's loop (`templates/heal.sh`) which starts node only when something has
 * changed. Looking beats waiting to be told: `firewall-cmd --reload`, `ufw reload` and `nft -f` pass systemd by, and
 * iptables-legacy tells nobody. Pure.
 */
import { hardening } from './hardening.ts';
import { systemdWord } from '../core/shellWords.ts';

export const HEAL_UNITS = { path: 'inetgw-heal.path', service: 'inetgw-heal.service' } as const;

/** So long a shaper is without its rules at most, and half a second for node and nft. */
const LOOK_EVERY_SEC = 5;

/** It may outlive the program; a condition that is not met is no failure. */
const unlessRemoved = (program: readonly string[]): string =>
  `ConditionFileIsExecutable=${(program.at(-1) ?? '').replaceAll('%', '%%')}`;

/** @param program as in `HookSettings` */
export function healPath(program: readonly string[]): string {
  return [
    '[Unit]',
    'Description=Whether inetgw has set up a device',
    'Documentation=man:inetgw(8)',
    unlessRemoved(program),
    '',
    '[Path]',
    'PathExistsGlob=/run/inetgw/*.json',
    '',
    '[Install]',
    'WantedBy=paths.target',
    '',
  ].join('\n');
}

/** @param script the path of `templates/heal.sh` */
export function healService(program: readonly string[], script: string): string {
  const words = ['/bin/sh', script, String(LOOK_EVERY_SEC), ...program, 'heal'];
  return [
    '[Unit]',
    'Description=Puts back what somebody has taken away of inetgw',
    'Documentation=man:inetgw(8)',
    unlessRemoved(program),
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${words.map(systemdWord).join(' ')}`,
    // That all is well is no news.
    'StandardOutput=null',
    // Without it, it would go where standard output goes.
    'StandardError=journal',
    // The shell alone is told to end: it waits for a change that is being made.
    'KillMode=mixed',
    'Restart=on-failure',
    ...hardening([...program, script]),
    '',
  ].join('\n');
}
