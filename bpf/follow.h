/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What whoever lets the rate follow the line says to the program, and the rate in force. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"

struct following {
	__u64 payload_bytes_per_sec; /* in place of the plan's; 0: that */
	__u64 planned_bytes_per_sec; /* the plan's then: what was said for another plan does not count */
	__u64 forget_before_ns;      /* least delays known before are those of another way: what is the least since then counts */
	__u32 queue_us;              /* in place of the plan's, with the rate */
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct following);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igr_00000000 SEC(".maps");

#define followings igr_00000000

static __always_inline const struct following *the_following(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&followings, &zero);
}

/* What is said in place of the plan's numbers; 0: nothing. */
static __always_inline const struct following *in_place_of_plan(void)
{
	const struct following *said = config.follows ? the_following() : 0;

	return said && said->payload_bytes_per_sec && said->planned_bytes_per_sec == planned_payload_rate() ? said : 0;
}

static __always_inline __u64 payload_rate(void)
{
	const struct following *said = in_place_of_plan();

	return said ? said->payload_bytes_per_sec : planned_payload_rate();
}

static __always_inline __u32 queue_us(void)
{
	const struct following *said = in_place_of_plan();

	return said ? said->queue_us : config.queue_us;
}
