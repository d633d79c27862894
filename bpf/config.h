/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The numbers of the plan, set before the program is loaded. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Set in the object file before it is loaded, found by its magic: src/plan/pacing/pacing.ts knows the layout. */
struct config {
	char magic[16];
	__u32 payload_bytes_per_sec_lo; /* what the line carries of user data in full segments */
	__u32 payload_bytes_per_sec_hi;
	__u32 queue_us;       /* how much of its share a flow may have standing in the local queue */
	__u32 link_header;    /* bytes before the IP header: 14 on Ethernet, 0 on ppp */
	__u32 default_mss;    /* where the SYN names none */
	__u32 max_rtt_us;     /* a longer round trip than this is a queue, not a path */
	__u32 min_segments;
	__u32 most_queue_us;  /* the same where the host behind us answers late, or the path's round trip varies */
	__u32 by_host;        /* 1: hosts share the line, and connections their host's share; 0: connections share the line */
	__u32 numbered;       /* the priority of a SYN of the host with number 0; the next ones follow. 0: nobody numbers them */
	__u32 syn_class;      /* the priority that such a SYN gets instead: its egress class */
	__u32 line_bytes_per_sec; /* DOWN, with framing: 10 Gbit/s at most */
	__u32 overhead;       /* what the framing adds to each IP packet, */
	__u32 cells;          /* 1: and it then fills ATM's cells */
	__u32 rebuilt;        /* 1: of what comes in, the link header of the device below may stand before the IP header */
	__u32 follows;        /* 1: somebody lets the rate follow the line, and wants to know what comes in when */
};

volatile const struct config config = {
	.magic = "inetgw-pacing-1",
	.payload_bytes_per_sec_lo = 180000,
	.payload_bytes_per_sec_hi = 0,
	.queue_us = 20000,
	.link_header = 0,
	.default_mss = 1440,
	.max_rtt_us = 1000000,
	.min_segments = 2,
	.most_queue_us = 20000,
	.by_host = 1,
	.numbered = 0,
	.syn_class = 0,
	.line_bytes_per_sec = 200000,
	.overhead = 0,
	.cells = 0,
	.rebuilt = 0,
	.follows = 0,
};

/* What the plan says; follow.h has what is in force. */
static __always_inline __u64 planned_payload_rate(void)
{
	return (__u64)config.payload_bytes_per_sec_hi << 32 | config.payload_bytes_per_sec_lo;
}

/* Whether it matters whose a connection is. Without numbers all hosts behind NAT would be one beside each neighbour of IPv6. */
static __always_inline int counts_hosts(void)
{
	return config.by_host && config.numbered;
}
