/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Round trips: of the path, of the host behind us, and how much they vary. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"

#define RTT_SLOT_NS 10000000000ULL

static __always_inline __u32 least_rtt_us(const struct flow *f)
{
	if (f->rtt_us[0] == 0)
		return f->rtt_us[1];
	return f->rtt_us[1] != 0 && f->rtt_us[1] < f->rtt_us[0] ? f->rtt_us[1] : f->rtt_us[0];
}

/*
 * How long beyond its least round trip a flow's data may be on its way: in the local queue, to the host behind us and back,
 * in round trips that take longer than the least. What of it does not vary stands in the local queue. Where hosts take
 * turns there (`hosts` is their weight), the time that as many packets take is longer in the same proportion, and from two
 * hosts on it is twice as many packets: whoever has none when its turn comes loses it.
 */
static __always_inline __u32 flow_queue_us(const struct flow *f, __u32 hosts)
{
	__u32 times = hosts < 2 * WEIGHT_ONE ? hosts : 2 * WEIGHT_ONE;
	__u64 most = (__u64)config.most_queue_us * hosts / WEIGHT_ONE;
	__u64 us = (__u64)config.queue_us * hosts / WEIGHT_ONE * times / WEIGHT_ONE;

	us += ((__u32)f->turn + f->spread) * TIME_UNIT_US;
	return us < most ? us : most;
}

static __always_inline __u32 us_since(__u64 now, __u64 since_ns, __u32 most_us)
{
	__u64 us = (now - since_ns) / 1000;

	return us < most_us ? us : most_us;
}

/* The average over the last eight, or so (RFC 6298 has the same gain for the round trip). */
static __always_inline void take_spread(struct flow *f, __u32 rtt_us)
{
	__u32 least_us = least_rtt_us(f);
	__u32 over = rtt_us > least_us ? rtt_us - least_us : 0;

	if (over > config.most_queue_us)
		over = config.most_queue_us;
	f->spread = ((__u32)f->spread * 7 + over / TIME_UNIT_US) / 8;
}

static __always_inline void take_rtt(struct flow *f, __u64 now, __u64 since_ns)
{
	__u32 us = us_since(now, since_ns, config.max_rtt_us);

	if (us == 0)
		us = 1;
	if (now - f->rtt_slot_ns >= RTT_SLOT_NS) {
		f->rtt_us[1] = f->rtt_us[0];
		f->rtt_us[0] = us;
		f->rtt_slot_ns = now;
	} else if (f->rtt_us[0] == 0 || us < f->rtt_us[0]) {
		f->rtt_us[0] = us;
	}
	take_spread(f, us);
}

/*
 * What the host behind us takes to answer, and the way to it and back: from what came in in a handshake to what it says
 * to it, seen before any queue of ours. A Wi-Fi takes milliseconds, and acknowledgements of data are no faster.
 */
static __always_inline void take_turn(struct flow *f, __u64 now)
{
	if (f->turn == 0 && f->stamp_ns != 0)
		f->turn = us_since(now, f->stamp_ns, config.most_queue_us) / TIME_UNIT_US + 1;
}
