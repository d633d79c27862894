/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * By how much what comes in is later than it can be: our clock minus the other side's timestamps, beyond the least of that for
 * each connection. That is the queue of the downlink alone, seen on the very packets that stand in it; nothing is sent for it.
 * User space reads it in buckets of time.
 */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "follow.h"

#define BUCKET_NS 50000000ULL
#define BUCKETS 64

struct bucket {
	__u64 number;        /* of the bucket since the clock's beginning; another one: it is of an earlier time */
	__u64 bytes;         /* that came in, of all protocols, as the device counts them */
	__u32 packets;       /* as many as they were on the line, about, where GRO has joined some */
	__u32 delays;        /* how many one-way delays were taken, */
	__u32 least_delay_us; /* and the least excess of them */
	__u32 round_trips;   /* the same of round trips of connections that receive */
	__u32 least_round_trip_us;
	__u32 unused;
};

/* The clock of the other side of a connection. */
struct clock {
	__u64 first_ns;      /* when the first timestamp came */
	__u64 slot_ns;       /* start of the slot that least_us[0] belongs to */
	__u32 first_stamp;
	__u32 tick_us;       /* 0: not known yet */
	__u32 least_us[2];   /* our clock minus theirs, in a circle of 32 bits: the least in this slot, and before it */
};

/* Fewer than connections: those that carry the line's load tell enough, and the longest unused go first. */
#define CLOCKS 1024

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, struct bucket);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igb_00000000 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, CLOCKS);
	__type(key, struct flow_key);
	__type(value, struct clock);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igc_00000000 SEC(".maps");

#define buckets igb_00000000
#define clocks igc_00000000

/* The bucket of a time; undefined contents of an earlier round are cleared where `now` is its own. */
static __always_inline struct bucket *bucket_of(__u64 now)
{
	__u64 number = now / BUCKET_NS;
	__u32 at = number % BUCKETS;
	struct bucket *b = bpf_map_lookup_elem(&buckets, &at);

	if (b && b->number != number) {
		__builtin_memset(b, 0, sizeof(*b));
		b->number = number;
	}
	return b;
}

/* Whatever comes in, segment or not. */
static __always_inline void count_arrival(const struct __sk_buff *skb, __u64 now)
{
	struct bucket *b = bucket_of(now);

	if (!b)
		return;
	b->bytes += skb->len;
	/* A packet on the line carries no more than an MSS and its headers, which are 40 bytes at least. */
	b->packets += 1 + skb->len / (config.default_mss + 80);
}

static __always_inline void count_round_trip(const struct flow *f, __u64 now, __u32 us)
{
	struct bucket *b = bucket_of(now);
	__u32 least = f->rtt_us[0];
	__u32 over;

	if (f->rtt_us[1] != 0 && f->rtt_us[1] < least)
		least = f->rtt_us[1];
	over = us > least ? us - least : 0;
	/* Who only sends waits in the uplink's local queue, which is ours. */
	if (!b || (f->weight[0] == 0 && f->weight[1] == 0))
		return;
	if (b->round_trips == 0 || over < b->least_round_trip_us)
		b->least_round_trip_us = over;
	b->round_trips++;
}

/* The queue that others were seen to stand in just now; 0: none, or nobody knows. */
static __always_inline __u32 queue_now_us(__u64 now)
{
	__u64 number = now / BUCKET_NS;
	__u32 at = number % BUCKETS, before = (number - 1) % BUCKETS;
	const struct bucket *b = bpf_map_lookup_elem(&buckets, &at);

	if (b && b->number == number && b->delays)
		return b->least_delay_us;
	b = bpf_map_lookup_elem(&buckets, &before);
	return b && b->number + 1 == number && b->delays ? b->least_delay_us : 0;
}

#define LEARN_NS 400000000ULL /* so long a tick of 10 ms is known to a fortieth */
#define NEAR(per, tick) ((per) > (tick) / 5 * 4 && (per) < (tick) / 4 * 5)

/* How long a tick of the other side's clock is: 1 ms nearly everywhere, 4 and 10 ms on older systems. Others are left out: 0. */
static __always_inline __u32 tick_of(const struct clock *c, __u64 now, __u32 stamp)
{
	__u32 us = (now - c->first_ns) / 1000;
	__u32 ticks = stamp - c->first_stamp;
	__u32 per = ticks ? us / ticks : 0;

	if (NEAR(per, 1000))
		return 1000;
	if (NEAR(per, 4000))
		return 4000;
	return NEAR(per, 10000) ? 10000 : 0;
}

#define ASSUMED_TICK_US 1000

/*
 * Whether the clock is known. Before it is, its tick is taken for 1 ms, so that the least delay is known from the first segment
 * on, when the queue is shortest, if that turns out to be right. A queue that grows as it is learned makes another try.
 */
static __always_inline int knows_clock(struct clock *c, __u64 now, __u32 stamp)
{
	if (c->tick_us)
		return 1;
	if (now - c->first_ns < LEARN_NS)
		return 0;
	c->tick_us = tick_of(c, now, stamp);
	if (!c->tick_us || c->tick_us != ASSUMED_TICK_US) {
		c->first_ns = now;
		c->first_stamp = stamp;
		c->least_us[0] = (__u32)(now / 1000) - stamp * (c->tick_us ? c->tick_us : ASSUMED_TICK_US) - queue_now_us(now);
		c->least_us[1] = c->least_us[0];
	}
	return c->tick_us != 0;
}

#define DELAY_SLOT_NS 10000000000ULL
#define DELAY_STANDS_US 4000 /* what all delays of a slot exceed the least before by, where a queue stood */

/* Which of two comes first in the circle. */
static __always_inline __u32 lesser(__u32 one, __u32 other)
{
	return (__s32)(one - other) < 0 ? one : other;
}

/* The least delay follows the other clock's drift from slot to slot; while a queue stands it stays. */
static __always_inline void take_least_delay(struct clock *c, __u64 now, __u32 us)
{
	if (now / DELAY_SLOT_NS == c->slot_ns / DELAY_SLOT_NS) {
		c->least_us[0] = lesser(c->least_us[0], us);
		return;
	}
	if ((__s32)(c->least_us[0] - c->least_us[1]) < DELAY_STANDS_US)
		c->least_us[1] = c->least_us[0];
	c->least_us[0] = us;
	c->slot_ns = now;
}

/* A segment with user data came in that was sent at `stamp` by the other side's clock. */
static __always_inline void take_delay(const struct flow_key *key, __u64 now, __u32 stamp)
{
	struct clock *c = bpf_map_lookup_elem(&clocks, key);
	const struct following *said = the_following();
	struct bucket *b = bucket_of(now);
	__u32 us, over;

	if (!c) {
		us = (__u32)(now / 1000) - stamp * ASSUMED_TICK_US - queue_now_us(now);
		struct clock fresh = { .first_ns = now, .slot_ns = now, .first_stamp = stamp, .least_us = { us, us } };

		bpf_map_update_elem(&clocks, key, &fresh, BPF_ANY);
		return;
	}
	us = (__u32)(now / 1000) - stamp * (c->tick_us ? c->tick_us : ASSUMED_TICK_US);
	if (said && c->slot_ns < said->forget_before_ns) {
		c->slot_ns = now;
		c->least_us[0] = us;
		c->least_us[1] = us;
	}
	take_least_delay(c, now, us);
	if (!knows_clock(c, now, stamp) || !b)
		return;
	us = (__u32)(now / 1000) - stamp * c->tick_us;
	over = us - lesser(c->least_us[0], c->least_us[1]);
	if ((__s32)over < 0)
		over = 0;
	if (b->delays == 0 || over < b->least_delay_us)
		b->least_delay_us = over;
	b->delays++;
}
