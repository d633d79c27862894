/** Conditions of the firewall rules. Pure. */
import type { Condition } from './condition.ts';

const AGAIN = 'set it up again: inetgw DEV UP DOWN';

export const FIREWALL_CONDITIONS: readonly Condition[] = [
  {
    id: 'rules-gone',
    severity: 'broken',
    title: 'the firewall rules were taken away',
    seenIn: '`nft list table inet inetgw_DEV`, or `iptables-save`, `ip6tables-save`',
    meaning: 'a firewall was loaded anew: nothing goes into the classes, and large downloads do not give way',
    remedy: AGAIN,
    find: ({ firewall }) =>
      firewall?.state === 'gone' ? ['the firewall rules were taken away by someone'] : [],
  },
  {
    id: 'rules-altered',
    severity: 'broken',
    title: 'some of the firewall rules are missing',
    seenIn: 'the same',
    meaning: 'a chain or a table of ours was emptied in part or whole (`nft flush table`, `iptables -F`)',
    remedy: AGAIN,
    find: ({ firewall }) =>
      firewall?.state === 'altered'
        ? [`of the firewall rules, someone has taken away: ${firewall.missing.join(', ')}`]
        : [],
  },
];
