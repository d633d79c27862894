/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Who is active, for how much of a fair share each connection and each host counts, and what that share is. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "follow.h"
#include "rtt.h"

#define EPOCH_NS 1000000000ULL

/* What a connection shares with others: its host's rate, and with all hosts the line's. */
struct sharing {
	struct state *all;
	struct group *line;
	struct group *host;
};

/* Starts a new epoch when the old one is over; what stood still longer than that is forgotten. */
static __always_inline void turn_epoch(struct state *st, __u64 now)
{
	/* Negative where another processor has turned it since this one read its clock. */
	__s64 age = now - st->epoch_ns;
	int follows = age < 2 * (__s64)EPOCH_NS;

	if (age < (__s64)EPOCH_NS)
		return;
	/* First, so that another processor does not turn it once more. */
	*(volatile __u64 *)&st->epoch_ns = now;
	st->weight_before = follows ? st->weight : 0;
	st->weight = 0;
	st->joined = 0;
	/* One is left out when a whole one has passed, so that nobody takes what was before it for the one before. */
	st->epoch += follows ? 1 : 2;
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

/* The same of a group. */
static __always_inline void turn_group(struct group *g, const struct state *st)
{
	int follows = g->epoch + 1 == st->epoch;

	if (g->epoch == st->epoch)
		return;
	g->weight_before = follows ? g->weight : 0;
	g->own[1] = follows ? g->own[0] : 0;
	g->weight = 0;
	g->joined = 0;
	g->own[0] = 0;
	g->bytes = 0;
	g->epoch = st->epoch;
}

/* With whom a flow shares, in the current epoch; -1: nothing is known, which cannot be. */
static __always_inline int find_sharing(const struct flow *f, struct state *st, struct sharing *with)
{
	__u32 line = LINE_GROUP, host = counts_hosts() && f->host ? f->host : UNKNOWN_HOST;

	with->all = st;
	with->line = bpf_map_lookup_elem(&groups, &line);
	with->host = bpf_map_lookup_elem(&groups, &host);
	if (!with->line || !with->host)
		return -1;
	turn_group(with->line, st);
	turn_group(with->host, st);
	return 0;
}

/* A part of a group counts for more in this epoch than so far; `own` is what it counted for in this one and the one before. */
static __always_inline void raise_part(struct group *g, __u16 *own, __u32 weight)
{
	__u32 before = own[0] > own[1] ? own[0] : own[1];

	if (weight > before)
		g->joined += weight - before;
	g->weight += weight - own[0];
	own[0] = weight;
}

static __always_inline void raise_host(struct sharing *with, __u32 weight)
{
	if (weight > with->host->own[0])
		raise_part(with->line, with->host->own, weight < WEIGHT_ONE ? weight : WEIGHT_ONE);
}

/* Raises what the flow counts for in this epoch; newcomers count at once, and so does their host. */
static __always_inline void raise_weight(struct flow *f, struct sharing *with, __u32 weight)
{
	__u32 before;

	raise_host(with, weight);
	if (weight <= f->weight[0])
		return;
	before = f->weight[0] > f->weight[1] ? f->weight[0] : f->weight[1];
	if (weight > before)
		with->all->joined += weight - before;
	with->all->weight += weight - f->weight[0];
	raise_part(with->host, f->weight, weight);
}

static __always_inline __u32 less(__u32 total, __u32 part)
{
	return total > part ? total - part : 0;
}

static __always_inline void leave_group(struct group *g, __u16 *own)
{
	g->weight = less(g->weight, own[0]);
	g->weight_before = less(g->weight_before, own[1]);
	if (own[0] > own[1])
		g->joined = less(g->joined, own[0] - own[1]);
	own[0] = 0;
	own[1] = 0;
}

/* What ends counts no longer: a short transfer would hold a share for up to two epochs. More data counts anew. */
static __always_inline void leave(struct flow *f, struct sharing *with)
{
	struct group *host = with->host;

	with->all->weight = less(with->all->weight, f->weight[0]);
	with->all->weight_before = less(with->all->weight_before, f->weight[1]);
	if (f->weight[0] > f->weight[1])
		with->all->joined = less(with->all->joined, f->weight[0] - f->weight[1]);
	leave_group(host, f->weight);
	if (host->weight == 0 && host->weight_before + host->joined == 0)
		leave_group(with->line, host->own);
	f->bytes = 0;
	f->begins = 0;
}

static __always_inline __u32 active_weight(const struct group *g)
{
	__u32 weight = g->weight_before + g->joined;

	return weight > WEIGHT_ONE ? weight : WEIGHT_ONE;
}

/* The same, a part of it counted as though it took a whole share from now on, whatever it took so far. */
static __always_inline __u32 weight_with(const struct group *g, const __u16 *own)
{
	__u32 weight = active_weight(g);
	__u32 whole = g->weight_before + g->joined + WEIGHT_ONE - (own[0] > own[1] ? own[0] : own[1]);

	return weight > whole ? weight : whole;
}

/* Bytes a second, of a group that has `rate`. */
static __always_inline __u64 part_of(__u64 rate, __u32 weight)
{
	return rate * WEIGHT_ONE / weight;
}

/* The fair share of a host, and of one of its connections. */
static __always_inline __u64 host_share(const struct sharing *with)
{
	return part_of(payload_rate(), active_weight(with->line));
}

static __always_inline __u64 flow_share(const struct sharing *with)
{
	return part_of(host_share(with), active_weight(with->host));
}

/* What a flow that has `share` bytes a second may have on its way while there are so many hosts. */
static __always_inline __u64 bytes_in_flight(const struct flow *f, __u64 share, __u32 hosts)
{
	return share * (least_rtt_us(f) + flow_queue_us(f, hosts)) / 1000000;
}

/*
 * What a connection that begins counts for. Slow start lets its sender have no more in flight than what has come and its
 * first segments; on a fast line that is little of its window, and short transfers take no more.
 */
static __always_inline __u32 beginners_weight(const struct flow *f, const struct sharing *with)
{
	__u64 window = bytes_in_flight(f, flow_share(with), active_weight(with->line));
	__u32 flight = f->bytes + INITIAL_SEGMENTS * config.default_mss;

	return flight < window ? (__u64)flight * WEIGHT_ONE / window : WEIGHT_ONE;
}

/*
 * What somebody counts for by what was received in this epoch. Who takes three quarters of a fair share counts whole, who
 * takes less counts for less, and what is left so is shared among the others in the next epoch.
 */
static __always_inline __u32 received_weight(__u32 bytes, __u64 share)
{
	__u64 fair = share * 3 / 4;
	__u64 weight = fair > 0 ? (__u64)bytes * WEIGHT_ONE / fair : WEIGHT_ONE;

	return weight < WEIGHT_ONE ? weight : WEIGHT_ONE;
}

static __always_inline void count_bytes(struct flow *f, struct sharing *with, __u32 payload)
{
	__u32 hosts = active_weight(with->line);

	f->bytes += payload;
	with->host->bytes += payload;
	raise_host(with, received_weight(with->host->bytes, slowed(f, host_share(with), hosts)));
	raise_weight(f, with, f->begins ? beginners_weight(f, with) : received_weight(f->bytes, slowed(f, flow_share(with), hosts)));
}
