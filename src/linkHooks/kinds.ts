/** What can call inetgw when a device comes and goes; `heal`, when something of it is taken away, is for all devices. */
export const HOOK_KINDS = ['ppp', 'networkmanager', 'ifupdown', 'systemd', 'heal'] as const;
export type HookKind = (typeof HOOK_KINDS)[number];
