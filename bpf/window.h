/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The window that a connection may have, and what the other side was told of it. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"
#include "segment.h"
#include "share.h"

#define MOST_ROUNDED_OFF 64 /* of a window, this part of it: docs/pacing.md has what an eighth did */

/*
 * The window for this flow in bytes: its fair share for its round trip and the local queue; `halved`, while a queue is suspected.
 */
static __always_inline __u64 window_bytes(const struct flow *f, const struct sharing *with, int has_stamp, int halved)
{
	__u32 hosts = weight_with(with->line, with->host->own);
	__u64 share = part_of(part_of(payload_rate(), hosts), weight_with(with->host, f->weight));
	/* Timestamps take 12 bytes of each segment; a window of whole segments asks for no fractions. */
	__u32 mss = (f->mss > 88 ? f->mss : config.default_mss) - (has_stamp ? 12 : 0);
	__u64 bytes, segments;

	/* The path may carry less than we announced, and other options take from it; small messages tell nothing of that. */
	if (f->segment > mss / 4 * 3)
		mss = f->segment;
	bytes = bytes_in_flight(f, share, hosts);
	segments = (bytes + mss - 1) / mss;
	if (halved)
		segments = (segments + 1) / 2;
	if (segments < config.min_segments)
		segments = config.min_segments;
	return segments * mss;
}

/*
 * A window in units of its scale. What a sender cannot fill with whole segments it sends as a short one, which costs
 * an acknowledgement of its own: so not up, as long as what is missing from the last segment is next to nothing.
 */
static __always_inline __u64 in_units(__u64 bytes, __u32 scale)
{
	__u64 over = bytes & ((1ULL << (scale & 15)) - 1);

	return (bytes >> (scale & 15)) + (over > bytes / MOST_ROUNDED_OFF);
}

/* Windows that shrink do not take back what was told before (RFC 9293, 3.8.6). */
static __always_inline void tell_window(struct flow *f, const struct segment *s, __u32 bytes)
{
	__u32 end = s->ack + bytes;

	if (!(s->flags & TCP_ACK))
		return;
	if (f->told && (__s32)(end - f->window_end) <= 0)
		return;
	f->told = 1;
	f->window_end = end;
}

/*
 * Whether a segment's user data, which there must be, is what the other side has not sent before, within the window
 * that it was told: what windows bound. What is sent again, or beyond the window, is not, however often somebody does that.
 */
static __always_inline int takes_window(struct flow *f, const struct segment *s)
{
	__u32 end = s->seq + s->payload;

	if (f->received && (__s32)(end - f->received_end) <= 0)
		return 0;
	if (!f->told || (__s32)(end - f->window_end) > 0)
		return 0;
	f->received = 1;
	f->received_end = end;
	return 1;
}
