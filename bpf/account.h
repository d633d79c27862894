/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What hosts have taken and how long answers took, for whoever shows it: nothing is decided by it. Counts only grow. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"
#include "share.h"

/* User data in segments of connections whose opening was seen; what is sent again counts again. */
struct total {
	__u64 received;
	__u64 sent;
};

/*
 * Round trips by how long they took. Four buckets to each doubling, from 512 us (what takes less is in the first) to 8.4 s
 * (what takes longer is in the last): p50 and p95 are known to an eighth or better.
 */
#define LEAST_ANSWER_BITS 9
#define MOST_ANSWER_BITS 23
#define ANSWER_BUCKETS (2 + (MOST_ANSWER_BITS - LEAST_ANSWER_BITS) * 4)

struct answers {
	__u64 us; /* all of them together */
	__u32 counts[64]; /* the first ANSWER_BUCKETS of them: a mask shows the verifier that no other place is written */
};

static const struct answers no_answers;

/* Beside the hosts, which have the numbers of their groups: all answers of the line, by what they answer. */
enum { OF_NOTHING = 0, OF_DOWNLOADS = FIRST_HOST + HOSTS, OF_UPLOADS, OF_HANDSHAKES };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FIRST_HOST + HOSTS);
	__type(key, __u32);
	__type(value, struct total);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igt_00000000 SEC(".maps");

/* Filled as hosts appear, so it takes memory for those alone. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, FIRST_HOST + HOSTS + 3);
	__type(key, __u32);
	__type(value, struct answers);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} iga_00000000 SEC(".maps");

#define totals igt_00000000
#define all_answers iga_00000000

static __always_inline void count_total(const struct flow *f, __u32 received, __u32 sent)
{
	__u32 host = f->host ? f->host : UNKNOWN_HOST;
	struct total *t;

	if (received + sent == 0)
		return;
	t = bpf_map_lookup_elem(&totals, &host);
	if (!t)
		return;
	if (received)
		__sync_fetch_and_add(&t->received, received);
	else
		__sync_fetch_and_add(&t->sent, sent);
}

/* How many bits a number takes; without a branch, each of which the verifier would follow to the program's end. */
static __always_inline __u32 bits_of(__u32 v)
{
	v |= v >> 1;
	v |= v >> 2;
	v |= v >> 4;
	v |= v >> 8;
	v |= v >> 16;
	v -= v >> 1 & 0x55555555;
	v = (v & 0x33333333) + (v >> 2 & 0x33333333);
	return ((v + (v >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

static __always_inline __u32 answer_bucket(__u32 us)
{
	__u32 doublings = bits_of(us >> LEAST_ANSWER_BITS);

	if (doublings == 0)
		return 0;
	if (doublings > MOST_ANSWER_BITS - LEAST_ANSWER_BITS)
		return ANSWER_BUCKETS - 1;
	return 1 + (doublings - 1) * 4 + (us >> ((doublings + LEAST_ANSWER_BITS - 3) & 31) & 3);
}

static __always_inline void add_answer(__u32 whose, __u32 us)
{
	struct answers *a = bpf_map_lookup_elem(&all_answers, &whose);
	__u32 bucket = answer_bucket(us);

	if (!a) {
		bpf_map_update_elem(&all_answers, &whose, &no_answers, BPF_NOEXIST);
		a = bpf_map_lookup_elem(&all_answers, &whose);
	}
	if (!a)
		return;
	asm volatile("%0 &= 63" : "+r"(bucket));
	__sync_fetch_and_add(&a->us, us);
	__sync_fetch_and_add(&a->counts[bucket], 1);
}

/*
 * Which answers the echo of a timestamp is one of. Who waits for the other side's next word hears it when that has something to
 * say, so this is the line's time only where data flows all the while: for who takes half of a fair share at least, and who only
 * sends. What was silent for more than a second, or has just begun, tells nothing.
 */
static __always_inline __u32 echo_of(const struct flow *f, const struct state *st, __u64 now)
{
	__u32 weight = f->weight[0] > f->weight[1] ? f->weight[0] : f->weight[1];

	if (f->begins || now - st->epoch_ns >= 2 * EPOCH_NS || st->epoch - f->epoch > 1)
		return OF_NOTHING;
	if (weight >= WEIGHT_ONE / 2)
		return OF_DOWNLOADS;
	return weight + f->bytes == 0 ? OF_UPLOADS : OF_NOTHING;
}

static __always_inline void count_answer(const struct flow *f, __u32 of, __u64 now, __u64 since_ns)
{
	__u32 us = us_since(now, since_ns, ~0U);

	if (of == OF_NOTHING)
		return;
	add_answer(of, us);
	add_answer(f->host ? f->host : UNKNOWN_HOST, us);
}
