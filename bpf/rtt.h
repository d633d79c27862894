/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Round trips: of the path, of the host behind us, and how much they vary. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "follow.h"

#define RTT_SLOT_NS 10000000000ULL
#define PROBE_NS 1000000000ULL   /* of a slot in which a queue is suspected: all windows are halved */
#define VERDICT_NS 2000000000ULL /* until then the probe shows in round trips of up to half a second or so */
#define QUEUE_ALLOWANCES 3       /* so many times the most that is allowed for is surely a queue */

static __always_inline __u32 slot_of(__u64 ns)
{
	return ns / RTT_SLOT_NS;
}

/* Whether windows are halved just now, to see whether round trips get shorter with them. */
static __always_inline int probes_queue(const struct state *st, __u64 now)
{
	return st->probed_slot == slot_of(now) && now % RTT_SLOT_NS < PROBE_NS;
}

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
	__u64 us = (__u64)queue_us() * hosts / WEIGHT_ONE * times / WEIGHT_ONE;

	us += ((__u32)f->turn + f->spread) * TIME_UNIT_US;
	return us < most ? us : most;
}

/*
 * What of a rate a connection gets whose window is for its least round trip and the local queue, while round trips take longer:
 * no more comes in one than its window, however slow the line has become.
 */
static __always_inline __u64 slowed(const struct flow *f, __u64 rate, __u32 hosts)
{
	__u32 least_us = least_rtt_us(f), planned_us = least_us + flow_queue_us(f, hosts);
	__u32 us = least_us + (__u32)f->late * LATE_UNIT_US;

	return us > planned_us ? rate * planned_us / us : rate;
}

static __always_inline __u32 us_since(__u64 now, __u64 since_ns, __u32 most_us)
{
	__u64 us = (now - since_ns) / 1000;

	return us < most_us ? us : most_us;
}

/*
 * The average over the last eight, or so (RFC 6298 has the same gain for the round trip), counted from the least of this slot. What
 * is so late that it can only be a queue, or beyond all allowance where one was shown to stand, is nothing to allow for: the
 * allowance would feed that queue.
 */
static __always_inline void take_spread(struct flow *f, __u32 rtt_us)
{
	__u32 least_us = least_rtt_us(f);
	__u32 over = rtt_us > f->rtt_us[0] ? rtt_us - f->rtt_us[0] : 0;

	if (rtt_us > least_us + config.most_queue_us * (f->shrank ? 1 : QUEUE_ALLOWANCES))
		over = 0;
	if (over > config.most_queue_us)
		over = config.most_queue_us;
	f->spread = ((__u32)f->spread * 7 + over / TIME_UNIT_US) / 8;
}

static __always_inline void take_late(struct flow *f, __u32 rtt_us)
{
	__u32 least_us = least_rtt_us(f);
	__u32 late = rtt_us > least_us ? (rtt_us - least_us) / LATE_UNIT_US : 0;

	f->late = late < 255 ? late : 255;
}

/* Whether the window that was last written could be a smaller one. */
static __always_inline int may_shrink(const struct flow *f)
{
	__u32 scale = f->local_scale == SCALE_ABSENT || f->remote_scale == SCALE_ABSENT ? 0 : f->local_scale;
	__u32 segment = f->segment > config.default_mss / 4 * 3 ? f->segment : config.default_mss;

	/* In whole segments, but for what the scale cannot say. */
	return ((__u32)f->window_field << (scale & 15)) > config.min_segments * segment + segment / 2;
}

/*
 * A slot is over, and all slots begin at the same time. Where round trips were never as short in it as they had been, either
 * the path is longer or a queue stands, which larger windows would feed. Round trips over a path do not care for windows, those
 * in a queue get shorter with them: so all windows are halved for a moment, and until the verdict both are remembered. Windows of the
 * fewest segments tell nothing, and would fill the queue anew afterwards.
 */
static __always_inline void turn_slot(struct flow *f, struct state *st, __u64 now, __u32 us)
{
	__u32 known = f->rtt_us[1], slot_least = f->rtt_us[0];

	f->rtt_slot_ns = now - now % RTT_SLOT_NS;
	f->shrank = 0;
	f->suspects = 0;
	if (known == 0 || slot_least < known)
		f->rtt_us[1] = slot_least;
	else if (slot_least > known + queue_us() && now - f->rtt_slot_ns < PROBE_NS && (f->weight[0] || f->weight[1]) &&
		 may_shrink(f)) {
		f->suspects = 1;
		st->probed_slot = slot_of(now);
		return;
	}
	f->rtt_us[0] = us;
}

/* What the probe has shown: it was a queue if a quarter of it went away, and then the least is what it was. */
static __always_inline void take_verdict(struct flow *f, __u64 now, __u32 us)
{
	__u32 known = f->rtt_us[1], slot_least = f->rtt_us[0];

	if (now - f->rtt_slot_ns < VERDICT_NS) {
		if (slot_least > known && us < slot_least - (slot_least - known) / 4)
			f->shrank = 1;
		return;
	}
	if (!f->shrank)
		f->rtt_us[1] = slot_least;
	f->suspects = 0;
	f->rtt_us[0] = us;
}

/* The round trip, in microseconds. */
static __always_inline __u32 take_rtt(struct flow *f, struct state *st, __u64 now, __u64 since_ns)
{
	__u32 us = us_since(now, since_ns, config.max_rtt_us);

	if (us == 0)
		us = 1;
	if (f->rtt_us[0] == 0) {
		f->rtt_us[0] = us;
		f->rtt_slot_ns = now - now % RTT_SLOT_NS;
	} else if (slot_of(f->rtt_slot_ns) != slot_of(now)) {
		turn_slot(f, st, now, us);
	}
	if (f->suspects)
		take_verdict(f, now, us);
	else if (us < f->rtt_us[0])
		f->rtt_us[0] = us;
	take_spread(f, us);
	take_late(f, us);
	return us;
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
