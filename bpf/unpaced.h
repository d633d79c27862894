/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What windows do not bind and marks do not slow down: QUIC and other UDP whose senders only heed losses. While more comes in than
 * DOWN, a queue stands at the provider. Then those of them who take the most lose packets, one after the other, until they send
 * less and that queue has gone; what they have in flight then waits in the local queue, where hosts and connections take turns.
 */
#pragma once
#include <stddef.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "follow.h"
#include "segment.h"

#define SECOND_NS 1000000000ULL

/*
 * What has come in beyond 99.5 % of DOWN, as time on the line: above SURPLUS_NS a queue stands. It is not counted further than
 * MOST_SURPLUS_NS, so that it is known to have gone soon after it has. Measured in docs/pacing.md, QUIC.
 */
#define SURPLUS_NS 6000000ULL
#define MOST_SURPLUS_NS 9000000ULL

#define GAP_NS 25000000ULL   /* between two losses, whoever has them: each takes a sender some 30 % of what it has in flight */
#define SPARED_NS 150000000ULL /* between two losses of one sender: a round trip, which it takes to heed the first */
#define DEAF_NS 15000000000ULL /* a queue that stands for so long is of senders that heed no loss (BBR): more would only cost data */
#define PERIOD_NS 250000000ULL /* in which a sender's bytes are counted */
#define SMALL_BYTES 256      /* up to here it is a call or an acknowledgement: these have a class of their own */

/* Bytes in this period so far, and in the one before. */
struct taken {
	__u64 period_ns;      /* start of this one */
	__u32 bytes[2];
};

/* One sender of UDP, by its address and ports. */
struct stream {
	struct taken taken;
	__u64 lost_ns;
};

struct surplus {
	struct taken all;     /* of whatever came in, */
	struct taken udp;     /* and of such senders */
	__u64 at_ns;
	__u64 lost_ns;
	__u64 since_ns;       /* the last time when no queue stood */
	__u64 ns;             /* not in coarser units: on a fast line a packet takes it down by less than a microsecond */
	__u32 mean_bytes;     /* what a sender takes in a period, on average over their packets */
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct flow_key);
	__type(value, struct stream);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igu_00000000 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct surplus);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igx_00000000 SEC(".maps");

#define streams igu_00000000
#define surpluses igx_00000000

/* Bytes a second with framing: DOWN, or what follows the line. */
static __always_inline __u64 line_rate(void)
{
	const struct following *said = in_place_of_plan();
	__u64 planned = planned_payload_rate();

	return said && planned ? config.line_bytes_per_sec * said->payload_bytes_per_sec / planned : config.line_bytes_per_sec;
}

#define CELL_BYTES 53
#define CELL_PAYLOAD 48

static __always_inline __u32 framed_bytes(__u32 length)
{
	__u32 bytes = length + config.overhead;

	return config.cells ? (bytes + CELL_PAYLOAD - 1) / CELL_PAYLOAD * CELL_BYTES : bytes;
}

/* How long the line takes for a packet; what GRO has joined counts as the packets that it was. */
static __always_inline __u64 line_ns(const struct __sk_buff *skb, __u64 rate)
{
	__u32 length = skb->len - link_header(skb, 0);
	__u32 packets = skb->gso_segs > 1 ? skb->gso_segs : 1;

	return framed_bytes(length / packets) * packets * SECOND_NS / rate;
}

static __always_inline struct surplus *count_surplus(const struct __sk_buff *skb, __u64 now)
{
	__u32 zero = 0;
	struct surplus *x = bpf_map_lookup_elem(&surpluses, &zero);
	__u64 rate = line_rate(), passed_ns, ns;

	if (!x || !rate)
		return 0;
	if (x->at_ns == 0)
		x->since_ns = now;
	passed_ns = now - x->at_ns;
	passed_ns = passed_ns < SECOND_NS ? passed_ns * 199 / 200 : SECOND_NS;
	x->at_ns = now;
	ns = x->ns + line_ns(skb, rate);
	ns = ns > passed_ns ? ns - passed_ns : 0;
	x->ns = ns < MOST_SURPLUS_NS ? ns : MOST_SURPLUS_NS;
	if (x->ns < SURPLUS_NS)
		x->since_ns = now;
	return x;
}

#define ECN_MASK 3 /* RFC 3168 */

/* Of IPv4 the last two bits of the second byte, of IPv6 those before the flow label. */
static __always_inline int takes_marks(struct __sk_buff *skb)
{
	__u8 first[2];

	if (bpf_skb_load_bytes(skb, link_header(skb, 0), first, sizeof(first)))
		return 0;
	return (skb->protocol == bpf_htons(ETH_P_IP) ? first[1] : first[1] >> 4) & ECN_MASK;
}

/* Adds the ports of a datagram that came in; -1: its sender takes marks, or it is too short. */
static __always_inline int read_ports(struct __sk_buff *skb, struct flow_key *key, __u32 udp_at)
{
	struct udphdr udp;

	if (takes_marks(skb) || bpf_skb_load_bytes(skb, udp_at, &udp, sizeof(udp)))
		return -1;
	key->local_port = udp.dest;
	key->remote_port = udp.source;
	return 0;
}

/* Counts it; how much has come in the period before, or in this one if that is more already. */
static __always_inline __u32 take(struct taken *t, __u64 now, __u32 length)
{
	__u64 age = now - t->period_ns;

	if (age >= PERIOD_NS) {
		t->bytes[1] = age < 2 * PERIOD_NS ? t->bytes[0] : 0;
		t->bytes[0] = 0;
		t->period_ns = now;
	}
	t->bytes[0] += length;
	return t->bytes[0] > t->bytes[1] ? t->bytes[0] : t->bytes[1];
}

/* How many connections are paced now, in parts of WEIGHT_ONE. */
static __always_inline __u32 paced_weight(__u64 now)
{
	const struct state *st = the_state();

	return st && now - st->epoch_ns < 2 * SECOND_NS ? st->weight_before + st->joined : 0;
}

/*
 * Whether a sender takes so much that the queue is its doing: three quarters of what such senders take on average; and if each paced
 * connection took as much as it does, they and all UDP would be three quarters of what comes in. A call beside downloads takes less.
 */
static __always_inline int is_heavy(const struct surplus *x, __u32 bytes, __u32 all, __u32 udp, __u64 now)
{
	__u64 if_all_took_that = (__u64)bytes * paced_weight(now) + (__u64)udp * WEIGHT_ONE;

	return bytes >= x->mean_bytes / 4 * 3 && if_all_took_that >= (__u64)all * WEIGHT_ONE / 4 * 3;
}

/*
 * Whether the sender of a packet is to lose it. With what is in it read: `protocol` as read_ip() gives it, `key` without ports, and where
 * what it carries begins and it ends.
 */
static __always_inline int is_to_be_lost(struct __sk_buff *skb, __u64 now, int protocol, struct flow_key *key, __u32 udp_at, __u32 ip_end)
{
	struct surplus *x = count_surplus(skb, now);
	struct stream *s;
	__u32 bytes, all, udp, length = ip_end - link_header(skb, 0);

	if (!x)
		return 0;
	all = take(&x->all, now, skb->len);
	if (protocol != IPPROTO_UDP || length <= SMALL_BYTES || read_ports(skb, key, udp_at))
		return 0;
	udp = take(&x->udp, now, length);
	s = bpf_map_lookup_elem(&streams, key);
	if (!s) {
		struct stream fresh = { .taken = { .period_ns = now, .bytes = { length } } };

		bpf_map_update_elem(&streams, key, &fresh, BPF_ANY);
		return 0;
	}
	bytes = take(&s->taken, now, length);
	x->mean_bytes += bytes / 64 - x->mean_bytes / 64;
	if (x->ns < SURPLUS_NS || now - x->since_ns > DEAF_NS || now - x->lost_ns < GAP_NS || now - s->lost_ns < SPARED_NS)
		return 0;
	if (!is_heavy(x, bytes, all, udp, now))
		return 0;
	x->lost_ns = now;
	s->lost_ns = now;
	return 1;
}

/*
 * Makes it a packet that IP drops, once it has passed the local queue: its header says that it is longer than it is. Dropped
 * before, it would not take its turn there, and the queue would stay at the provider.
 */
static __always_inline void spoil(struct __sk_buff *skb)
{
	__u32 field = skb->protocol == bpf_htons(ETH_P_IP) ? offsetof(struct iphdr, tot_len) : offsetof(struct ipv6hdr, payload_len);
	__be16 most = bpf_htons(0xffff);

	bpf_skb_store_bytes(skb, link_header(skb, 0) + field, &most, sizeof(most), 0);
}
