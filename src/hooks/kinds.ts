/** What can call inetgw when a device comes and goes. */
export const HOOK_KINDS = ['ppp', 'networkmanager', 'ifupdown', 'systemd'] as const;
export type HookKind = (typeof HOOK_KINDS)[number];
