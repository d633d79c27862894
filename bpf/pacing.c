// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Window pacing: lowers the receive window in outgoing TCP segments, so that no sender has more in flight
 * than its share of the line for its own round trip. docs/pacing.md explains it; scripts/build-bpf.sh builds it.
 *
 * Two classifiers share three maps. `ingress` sees what comes in (before any queue of ours), learns the other
 * side's window scale and the round trip, counts who is active, and spoils packets of UDP that overfills the line. `egress`
 * sees what goes out after NAT, learns our side's window scale and lowers the window. Neither classifies: each matches what it has
 * changed, so that an action behind it counts. A third one, `bounded`, stands behind the stages and
 * matches what `ingress` has found to be new data within the window told. A fourth, `again`, comes first: it matches what the
 * device has counted already and IPsec has decrypted since.
 */
#include <stddef.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "account.h"
#include "config.h"
#include "delay.h"
#include "flow.h"
#include "follow.h"
#include "host.h"
#include "rtt.h"
#include "segment.h"
#include "share.h"
#include "unpaced.h"
#include "window.h"

/* A SYN begins anew whatever was known of these ports; a SYN-ACK answers one that may have been seen. */
static __always_inline struct flow *flow_for_syn(struct segment *s)
{
	struct flow *known = bpf_map_lookup_elem(&flows, &s->key);
	struct flow fresh = { .local_scale = SCALE_UNKNOWN, .remote_scale = SCALE_UNKNOWN };

	if (known && (s->flags & TCP_ACK))
		return known;
	if (known && known->syn_ns != 0)
		return known; /* repeated */
	bpf_map_update_elem(&flows, &s->key, &fresh, BPF_ANY);
	return bpf_map_lookup_elem(&flows, &s->key);
}

static __always_inline void see_reset(const struct segment *s, struct state *st, __u64 now)
{
	struct flow *f = bpf_map_lookup_elem(&flows, &s->key);
	struct sharing with;

	if (!f)
		return;
	turn_epoch(st, now);
	turn_flow(f, st);
	if (find_sharing(f, st, &with) == 0)
		leave(f, &with);
}

/* Learns from a segment that came in, whose addresses and place are read; whether it is bounded by a window of ours. */
static __always_inline int see_incoming(struct __sk_buff *skb, struct segment *s, __u32 ip_end)
{
	struct flow *f;
	struct state *st = the_state();
	struct sharing with;
	__u64 now, since = 0;
	__u32 of = OF_NOTHING;

	if (!st || read_segment(skb, 0, s, ip_end))
		return 0;
	now = bpf_ktime_get_ns();
	if (s->flags & TCP_RST) {
		see_reset(s, st, now);
		return 0;
	}
	if (s->flags & TCP_SYN) {
		f = flow_for_syn(s);
		if (!f)
			return 0;
		f->remote_scale = s->scale;
		/* Repeated, it says nothing new; an answer to what we have sent since is still to be timed. */
		if (!f->stamp_waits)
			f->stamp_ns = now;
		if (!(s->flags & TCP_ACK))
			return 0;
	} else {
		f = bpf_map_lookup_elem(&flows, &s->key);
		if (!f)
			return 0;
	}
	/* The first answer to our SYN or SYN-ACK. */
	if (f->syn_ns != 0) {
		if (!f->syn_again) {
			take_rtt(f, st, now, f->syn_ns);
			of = OF_HANDSHAKES;
			since = f->syn_ns;
		}
		f->syn_ns = 0;
	}
	if (f->stamp_waits && s->has_stamp && (__s32)(s->stamp_echo - f->stamp) >= 0) {
		__u32 us = take_rtt(f, st, now, f->stamp_ns);

		if (config.follows)
			count_round_trip(f, now, us);
		of = echo_of(f, st, now);
		since = f->stamp_ns;
		f->stamp_waits = 0;
	}
	count_answer(f, of, now, since);
	if (config.follows && s->has_stamp && s->payload > 0)
		take_delay(&s->key, now, s->stamp);
	if (s->payload == 0 && !(s->flags & TCP_FIN))
		return 0;
	turn_epoch(st, now);
	turn_flow(f, st);
	if (find_sharing(f, st, &with))
		return 0;
	if (s->flags & TCP_FIN)
		leave(f, &with);
	else
		count_bytes(f, &with, s->payload);
	count_total(f, s->payload, 0);
	/* What GRO has joined is longer than any segment. */
	if (s->payload <= f->mss && s->payload > f->segment)
		f->segment = s->payload;
	return s->payload > 0 && takes_window(f, s);
}

/*
 * What IPsec has decrypted in tunnel mode comes in by the same device once more (xfrm_input() of the kernel), in the same socket buffer.
 * It is told by a mark for this device in a field that nothing else here uses, and by having been decrypted: a mark alone
 * would also be there where packets go on into another network namespace. With a device of its own (xfrm, vti) it comes in by that.
 */
static __always_inline __u16 counted_mark(const struct __sk_buff *skb)
{
	return (__u16)(skb->ifindex ^ 0x4947);
}

SEC("again")
int pacing_again(struct __sk_buff *skb)
{
	struct bpf_xfrm_state decrypted;

	if ((__u16)skb->tc_index != counted_mark(skb))
		return 0;
	return bpf_skb_get_xfrm_state(skb, 0, &decrypted, sizeof(decrypted), 0) == 0 ? -1 : 0;
}

SEC("ingress")
int pacing_ingress(struct __sk_buff *skb)
{
	__u64 now = bpf_ktime_get_ns();
	struct segment s = {};
	__u32 ip_end = 0;
	int protocol;

	find_ip(skb);
	protocol = read_ip(skb, 0, &s.key, &s.tcp_at, &ip_end);

	skb->tc_index = counted_mark(skb);
	skb->cb[BOUNDED] = protocol == IPPROTO_TCP ? see_incoming(skb, &s, ip_end) : 0;
	if (config.follows)
		count_arrival(skb, now);
	if (!is_to_be_lost(skb, now, protocol, &s.key, s.tcp_at, ip_end))
		return 0;
	spoil(skb);
	return -1;
}

SEC("bounded")
int pacing_bounded(struct __sk_buff *skb)
{
	return skb->cb[BOUNDED] == 1 ? -1 : 0;
}

SEC("egress")
int pacing_egress(struct __sk_buff *skb)
{
	struct segment s = {};
	struct flow *f;
	struct state *st = the_state();
	struct sharing with;
	__u64 now, window;
	__u32 scale, ip_end = 0;
	__be16 old_field, new_field;
	/* First: whatever becomes of the packet here, it must get to its class. */
	__u32 number = take_number(skb);

	if (!st || read_ip(skb, 1, &s.key, &s.tcp_at, &ip_end) != IPPROTO_TCP || read_segment(skb, 1, &s, ip_end))
		return 0;
	now = bpf_ktime_get_ns();
	if (s.flags & TCP_RST) {
		see_reset(&s, st, now);
		return 0;
	}
	if (s.flags & TCP_SYN) {
		f = flow_for_syn(&s);
		if (!f)
			return 0;
		f->syn_again = f->local_scale != SCALE_UNKNOWN;
		f->local_scale = s.scale;
		f->mss = s.mss;
		f->host = host_of(number, &s.key);
		find_neighbour(f, skb, &s.key);
		f->syn_ns = now;
		take_turn(f, now); /* where it answers theirs */
		return 0;
	}
	st->seen++;
	f = bpf_map_lookup_elem(&flows, &s.key);
	if (!f || f->local_scale == SCALE_UNKNOWN || f->remote_scale == SCALE_UNKNOWN) {
		st->unknown++;
		return 0;
	}
	count_total(f, 0, s.payload);
	if (f->epoch == 0)
		take_turn(f, now);
	if (s.has_stamp && !f->stamp_waits) {
		f->stamp = s.stamp;
		f->stamp_ns = now;
		f->stamp_waits = 1;
	}
	if (s.window == 0)
		return 0;
	turn_epoch(st, now);
	/* At a first SYN nobody may have asked for the host's link-layer address; their answer has got to it. */
	if (f->epoch == 0)
		find_neighbour(f, skb, &s.key);
	if (find_sharing(f, st, &with))
		return 0;
	/* The end of the handshake: it counts at once. */
	if (f->epoch == 0) {
		turn_flow(f, st);
		f->begins = BEGINS_EPOCHS;
		raise_weight(f, &with, beginners_weight(f, &with));
	}
	turn_flow(f, st);
	window = window_bytes(f, &with, s.has_stamp, probes_queue(st, now));
	scale = f->local_scale == SCALE_ABSENT || f->remote_scale == SCALE_ABSENT ? 0 : f->local_scale;
	window = in_units(window, scale);
	if (window >= s.window) {
		tell_window(f, &s, (__u32)s.window << (scale & 15));
		return 0;
	}
	old_field = bpf_htons(s.window);
	new_field = bpf_htons((__u16)window);
	if (bpf_l4_csum_replace(skb, s.tcp_at + offsetof(struct tcp_header, check), old_field, new_field, sizeof(new_field)))
		return 0;
	if (bpf_skb_store_bytes(skb, s.tcp_at + offsetof(struct tcp_header, window), &new_field, sizeof(new_field), 0))
		return 0;
	tell_window(f, &s, (__u32)window << (scale & 15));
	st->rewritten++;
	st->last_window = (__u32)window << (scale & 15);
	st->last_rtt_us = least_rtt_us(f);
	f->window_field = (__u16)window;
	return -1;
}

/* Needed for helpers that kernels before 5.8 keep to themselves. */
char _license[] SEC("license") = "Dual MIT/GPL";
