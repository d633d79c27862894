/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Who is active, and for how much of a fair share each connection counts. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "rtt.h"

#define EPOCH_NS 1000000000ULL

/* Starts a new epoch when the old one is over; what stood still longer than that is forgotten. */
static __always_inline void turn_epoch(struct state *st, __u64 now)
{
	__u64 age = now - st->epoch_ns;

	if (age < EPOCH_NS)
		return;
	st->weight_before = age < 2 * EPOCH_NS ? st->weight : 0;
	st->weight = 0;
	st->joined = 0;
	st->epoch_ns = now;
	st->epoch++;
}

/* Brings a flow's account to the current epoch. */
static __always_inline void turn_flow(struct flow *f, const struct state *st)
{
	if (f->epoch == st->epoch)
		return;
	if (f->epoch + 1 == st->epoch) {
		f->weight[1] = f->weight[0];
		f->begins = f->begins > 1 ? f->begins - 1 : 0;
	} else {
		f->weight[1] = 0;
		f->begins = 0;
	}
	f->weight[0] = 0;
	if (!f->begins)
		f->bytes = 0;
	f->epoch = st->epoch;
}

/* Raises what the flow counts for in this epoch; newcomers count at once. */
static __always_inline void raise_weight(struct flow *f, struct state *st, __u32 weight)
{
	__u32 before;

	if (weight <= f->weight[0])
		return;
	before = f->weight[0] > f->weight[1] ? f->weight[0] : f->weight[1];
	if (weight > before)
		st->joined += weight - before;
	st->weight += weight - f->weight[0];
	f->weight[0] = weight;
}

static __always_inline __u32 less(__u32 total, __u32 part)
{
	return total > part ? total - part : 0;
}

/* What ends counts no longer: a short transfer would hold a share for up to two epochs. More data counts anew. */
static __always_inline void leave(struct flow *f, struct state *st)
{
	st->weight = less(st->weight, f->weight[0]);
	st->weight_before = less(st->weight_before, f->weight[1]);
	if (f->weight[0] > f->weight[1])
		st->joined = less(st->joined, f->weight[0] - f->weight[1]);
	f->weight[0] = 0;
	f->weight[1] = 0;
	f->bytes = 0;
	f->begins = 0;
}

static __always_inline __u32 active_weight(const struct state *st)
{
	__u32 weight = st->weight_before + st->joined;

	return weight > WEIGHT_ONE ? weight : WEIGHT_ONE;
}

/* What a flow that has `share` bytes a second may have on its way. */
static __always_inline __u64 bytes_in_flight(const struct flow *f, __u64 share)
{
	return share * (least_rtt_us(f) + flow_queue_us(f)) / 1000000;
}

/*
 * What a connection that begins counts for. Slow start lets its sender have no more in flight than what has come and its
 * first segments; on a fast line that is little of its window, and short transfers take no more.
 */
static __always_inline __u32 beginners_weight(const struct flow *f, const struct state *st)
{
	__u64 share = payload_rate() * WEIGHT_ONE / active_weight(st);
	__u64 window = bytes_in_flight(f, share);
	__u32 flight = f->bytes + INITIAL_SEGMENTS * config.default_mss;

	return flight < window ? (__u64)flight * WEIGHT_ONE / window : WEIGHT_ONE;
}

/*
 * What a connection counts for by what it has received in this epoch. One that takes three quarters of a fair share
 * counts whole, one that takes less counts for less, and what it leaves is shared among the others in the next epoch.
 */
static __always_inline __u32 received_weight(const struct flow *f, const struct state *st)
{
	__u64 fair = payload_rate() * WEIGHT_ONE / active_weight(st) * 3 / 4;
	__u64 weight = fair > 0 ? (__u64)f->bytes * WEIGHT_ONE / fair : WEIGHT_ONE;

	return weight < WEIGHT_ONE ? weight : WEIGHT_ONE;
}

static __always_inline void count_bytes(struct flow *f, struct state *st, __u32 payload)
{
	f->bytes += payload;
	raise_weight(f, st, f->begins ? beginners_weight(f, st) : received_weight(f, st));
}
