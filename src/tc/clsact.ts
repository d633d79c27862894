/** The two hooks of a clsact qdisc, as parents of filters (linux/pkt_sched.h: TC_H_MIN_INGRESS, TC_H_MIN_EGRESS). */
export const CLSACT_HOOK = { ingress: 'ffff:fff2', egress: 'ffff:fff3' } as const;
