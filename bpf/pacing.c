// SPDX-License-Identifier: MIT OR GPL-2.0-only
/*
 * Window pacing: lowers the receive window in outgoing TCP segments, so that no sender has more in flight
 * than its share of the line for its own round trip. docs/pacing.md explains it; scripts/build-bpf.sh builds it.
 *
 * Two classifiers share two maps. `ingress` sees what comes in (before any queue of ours), learns the other
 * side's window scale and the round trip, and counts who is active. `egress` sees what goes out after NAT, learns
 * our side's window scale and lowers the window. Neither classifies: `ingress` never matches; `egress` matches
 * what it has rewritten, so that an action behind it counts. A third one, `bounded`, stands behind the stages and
 * matches what `ingress` has found to be new data within the window told.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Set in the object file before it is loaded, found by its magic: src/shaper/pacing.ts knows the layout. */
struct config {
	char magic[16];
	__u32 payload_bytes_per_sec_lo; /* what the line carries of user data in full segments */
	__u32 payload_bytes_per_sec_hi;
	__u32 queue_us;       /* how much of its share a flow may have standing in the local queue */
	__u32 link_header;    /* bytes before the IP header: 14 on Ethernet, 0 on ppp */
	__u32 default_mss;    /* where the SYN names none */
	__u32 max_rtt_us;     /* a longer round trip than this is a queue, not a path */
	__u32 min_segments;
	__u32 most_queue_us;  /* the same where the host behind us answers late, or the path's round trip varies */
};

volatile const struct config config = {
	.magic = "inetgw-pacing-1",
	.payload_bytes_per_sec_lo = 180000,
	.payload_bytes_per_sec_hi = 0,
	.queue_us = 20000,
	.link_header = 0,
	.default_mss = 1440,
	.max_rtt_us = 1000000,
	.min_segments = 2,
	.most_queue_us = 20000,
};

/* A connection as it is on the line: after NAT, our side first. IPv4 addresses fill the first word. */
struct flow_key {
	__u32 local[4];
	__u32 remote[4];
	__u16 local_port;
	__u16 remote_port;
	__u32 version;
};

#define SCALE_UNKNOWN 0xff /* no SYN seen from this side */
#define SCALE_ABSENT 0xfe  /* a SYN without the option: neither side scales (RFC 7323, 2.2) */

#define WEIGHT_ONE 256
#define INITIAL_SEGMENTS 10 /* RFC 6928 */
#define BEGINS_EPOCHS 2     /* that of the handshake, and a whole one */

struct flow {
	__u64 syn_ns;         /* when our SYN or SYN-ACK left; 0: nothing to be timed */
	__u64 stamp_ns;       /* when a segment with timestamp `stamp` left first; in the handshake: when their SYN came in */
	__u64 rtt_slot_ns;    /* start of the slot that rtt_us[0] belongs to */
	__u32 stamp;
	__u32 rtt_us[2];      /* least round trip in this slot and the one before; 0: none */
	__u32 epoch;          /* the epoch that bytes and weight[0] belong to */
	__u32 bytes;          /* user data received in it; of a connection that begins since it did */
	__u16 weight[2];      /* share of a fair share taken: in this epoch so far, in the one before */
	__u32 window_end;     /* the last byte, plus one, that the other side has been told it may send */
	__u32 received_end;   /* the same of what it has sent */
	__u16 mss;            /* the largest segment that we announced to take */
	__u16 window_field;   /* what was last written, for the statistics */
	__u8 local_scale;
	__u8 remote_scale;
	__u8 stamp_waits;
	__u8 syn_again;       /* a SYN was repeated: its round trip is ambiguous (Karn) */
	__u8 told : 1;        /* window_end is set */
	__u8 begins : 2;      /* for how many epochs, this one included, it counts as a connection that begins */
	__u8 received;        /* received_end is set */
	/* Last, where maps of earlier versions have padding: a change of versions keeps their connections. */
	__u16 segment;        /* the longest that has come, in bytes of user data; 0: none yet */
	__u16 turn;           /* what the host behind us took to answer in the handshake, in TIME_UNIT_US; 0: not known */
	__u16 spread;         /* by how much round trips exceed the least one, on average, in TIME_UNIT_US */
};

#define TIME_UNIT_US 16 /* 16 bits of it are a second */

struct state {
	__u64 epoch_ns;       /* start of the epoch */
	__u32 epoch;
	__u32 weight;         /* of all flows in this epoch so far */
	__u32 weight_before;  /* in the epoch before */
	__u32 joined;         /* what flows have added in this epoch over their last one */
	__u64 seen;           /* outgoing segments that could have been paced */
	__u64 rewritten;
	__u64 unknown;        /* outgoing segments of connections whose SYN we did not see */
	__u32 last_window;    /* bytes, as last written */
	__u32 last_rtt_us;
};

/* The names end in the device's index, so that two devices do not share a map. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igf_00000000 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igs_00000000 SEC(".maps");

#define flows igf_00000000
#define states igs_00000000

#define MOST_ROUNDED_OFF 64 /* of a window, this part of it: docs/pacing.md has what an eighth did */

#define EPOCH_NS 1000000000ULL
#define RTT_SLOT_NS 10000000000ULL

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct segment {
	struct flow_key key;
	__u32 tcp_at;     /* offset of the TCP header from the start of the frame */
	__u32 payload;    /* bytes of user data; a packet that GRO has joined counts whole */
	__u32 seq, ack;
	__u16 window;
	__u8 flags;
	__u8 has_stamp;
	__u32 stamp;      /* TSval */
	__u32 stamp_echo; /* TSecr */
	__u16 mss;        /* 0: not named */
	__u8 scale;       /* SCALE_ABSENT: not named */
};

struct tcp_header {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window, check, urgent;
};

/* The mask is for the verifier, which does not see what the compiler has concluded. */
static __always_inline __u8 byte_at(const __u8 *o, __u32 i)
{
	asm volatile("%0 &= 63" : "+r"(i));
	return o[i];
}

static __always_inline __u32 half_at(const __u8 *o, __u32 i)
{
	return (__u32)byte_at(o, i) << 8 | byte_at(o, i + 1);
}

/* The timestamp of a segment that is no SYN. All senders that have one put it first (RFC 7323, appendix A). */
static __always_inline int read_stamp(struct __sk_buff *skb, struct segment *s, __u32 length)
{
	__be32 words[3];

	if (length < sizeof(words))
		return 0;
	if (bpf_skb_load_bytes(skb, s->tcp_at + sizeof(struct tcp_header), words, sizeof(words)))
		return -1;
	if (words[0] != bpf_htonl(0x0101080a))
		return 0;
	s->has_stamp = 1;
	s->stamp = bpf_ntohl(words[1]);
	s->stamp_echo = bpf_ntohl(words[2]);
	return 0;
}

/*
 * What is found lies in the packet's scratch words while the loop runs: the verifier knows nothing of their
 * values, so that all rounds look the same to it and it need not follow each combination of options.
 */
enum { AT, MSS, SCALE };

#define MOST_SYN_OPTIONS 20 /* no-ops count; systems send some five, and a connection that sends more is not paced */

/* What a SYN announces. Its timestamp is not needed: the handshake is timed as a whole. */
static __always_inline int read_syn_options(struct __sk_buff *skb, struct segment *s, __u32 length)
{
	__u8 o[64] = {};

	/* Word by word: verifiers want a length that cannot be zero. */
	for (__u32 word = 0; word < 10; word++) {
		if (word * 4 >= length)
			break;
		if (bpf_skb_load_bytes(skb, s->tcp_at + sizeof(struct tcp_header) + word * 4, o + word * 4, 4))
			return -1;
	}
	skb->cb[AT] = 0;
	skb->cb[MSS] = 0;
	skb->cb[SCALE] = SCALE_ABSENT;
	for (__u32 i = 0; i < MOST_SYN_OPTIONS; i++) {
		__u32 at = skb->cb[AT];
		__u32 kind, size;

		if (at >= length)
			break;
		kind = byte_at(o, at);
		if (kind == 0) {
			skb->cb[AT] = length;
			break;
		}
		size = kind == 1 ? 1 : byte_at(o, at + 1);
		if (size == 0 || at + size > length)
			return -1;
		if (kind == 2 && size == 4)
			skb->cb[MSS] = half_at(o, at + 2);
		else if (kind == 3 && size == 3)
			skb->cb[SCALE] = byte_at(o, at + 2);
		skb->cb[AT] = at + size;
	}
	if (skb->cb[AT] < length)
		return -1;
	s->mss = skb->cb[MSS];
	s->scale = skb->cb[SCALE];
	if (s->scale > 14 && s->scale != SCALE_ABSENT)
		s->scale = 14; /* RFC 7323, 2.3 */
	return 0;
}

/* Reads an unfragmented TCP segment. Anything else, and anything malformed, is none of our business. */
static __always_inline int read_segment(struct __sk_buff *skb, int outgoing, struct segment *s)
{
	__u32 at = config.link_header;
	__u32 ip_end;
	__u8 protocol;
	struct tcp_header tcp;
	__u32 header_bytes;
	__u32 *source = outgoing ? s->key.local : s->key.remote;
	__u32 *destination = outgoing ? s->key.remote : s->key.local;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		__u8 ip[20];

		if (bpf_skb_load_bytes(skb, at, ip, sizeof(ip)))
			return -1;
		if (ip[0] >> 4 != 4 || (ip[0] & 15) < 5)
			return -1;
		/* More fragments, or not the first. */
		if ((ip[6] & 0x3f) != 0 || ip[7] != 0)
			return -1;
		protocol = ip[9];
		s->key.version = 4;
		__builtin_memcpy(source, ip + 12, 4);
		__builtin_memcpy(destination, ip + 16, 4);
		ip_end = at + ((__u32)ip[2] << 8 | ip[3]);
		at += (__u32)(ip[0] & 15) * 4;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		__u8 ip[40];

		if (bpf_skb_load_bytes(skb, at, ip, sizeof(ip)))
			return -1;
		if (ip[0] >> 4 != 6)
			return -1;
		protocol = ip[6];
		s->key.version = 6;
		__builtin_memcpy(source, ip + 8, 16);
		__builtin_memcpy(destination, ip + 24, 16);
		ip_end = at + 40 + ((__u32)ip[4] << 8 | ip[5]);
		at += 40;
		/* Hop-by-hop, routing and destination options; with a fragment header it is not ours. */
		for (int i = 0; i < 6; i++) {
			__u8 extension[2];

			if (protocol != 0 && protocol != 43 && protocol != 60)
				break;
			if (bpf_skb_load_bytes(skb, at, extension, sizeof(extension)))
				return -1;
			protocol = extension[0];
			at += ((__u32)extension[1] + 1) * 8;
		}
	} else {
		return -1;
	}
	if (protocol != IPPROTO_TCP)
		return -1;
	if (bpf_skb_load_bytes(skb, at, &tcp, sizeof(tcp)))
		return -1;
	header_bytes = (__u32)(tcp.offset >> 4) * 4;
	if (header_bytes < sizeof(tcp) || at + header_bytes > ip_end)
		return -1;
	s->tcp_at = at;
	s->payload = ip_end - at - header_bytes;
	s->seq = bpf_ntohl(tcp.seq);
	s->ack = bpf_ntohl(tcp.ack);
	s->window = bpf_ntohs(tcp.window);
	s->flags = tcp.flags;
	s->key.local_port = outgoing ? tcp.source : tcp.dest;
	s->key.remote_port = outgoing ? tcp.dest : tcp.source;
	if (s->flags & TCP_SYN)
		return read_syn_options(skb, s, header_bytes - sizeof(tcp));
	return read_stamp(skb, s, header_bytes - sizeof(tcp));
}

static __always_inline __u64 payload_rate(void)
{
	return (__u64)config.payload_bytes_per_sec_hi << 32 | config.payload_bytes_per_sec_lo;
}

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

static __always_inline __u32 least_rtt_us(const struct flow *f)
{
	if (f->rtt_us[0] == 0)
		return f->rtt_us[1];
	return f->rtt_us[1] != 0 && f->rtt_us[1] < f->rtt_us[0] ? f->rtt_us[1] : f->rtt_us[0];
}

/*
 * How long beyond its least round trip a flow's data may be on its way: in the local queue, to the host behind us and back,
 * in round trips that take longer than the least. What of it does not vary stands in the local queue.
 */
static __always_inline __u32 flow_queue_us(const struct flow *f)
{
	__u32 us = config.queue_us + ((__u32)f->turn + f->spread) * TIME_UNIT_US;

	return us < config.most_queue_us ? us : config.most_queue_us;
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

static __always_inline struct state *the_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&states, &zero);
}

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

	if (!f)
		return;
	turn_epoch(st, now);
	turn_flow(f, st);
	leave(f, st);
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

/* Learns from a segment that came in; whether it is bounded by a window of ours. */
static __always_inline int see_incoming(struct __sk_buff *skb)
{
	struct segment s = {};
	struct flow *f;
	struct state *st = the_state();
	__u64 now;

	if (!st || read_segment(skb, 0, &s))
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
		f->remote_scale = s.scale;
		f->stamp_ns = now;
		if (!(s.flags & TCP_ACK))
			return 0;
	} else {
		f = bpf_map_lookup_elem(&flows, &s.key);
		if (!f)
			return 0;
	}
	/* The first answer to our SYN or SYN-ACK. */
	if (f->syn_ns != 0) {
		if (!f->syn_again)
			take_rtt(f, now, f->syn_ns);
		f->syn_ns = 0;
	}
	if (f->stamp_waits && s.has_stamp && (__s32)(s.stamp_echo - f->stamp) >= 0) {
		take_rtt(f, now, f->stamp_ns);
		f->stamp_waits = 0;
	}
	if (s.payload == 0 && !(s.flags & TCP_FIN))
		return 0;
	turn_epoch(st, now);
	turn_flow(f, st);
	if (s.flags & TCP_FIN)
		leave(f, st);
	else
		count_bytes(f, st, s.payload);
	/* What GRO has joined is longer than any segment. */
	if (s.payload <= f->mss && s.payload > f->segment)
		f->segment = s.payload;
	return s.payload > 0 && takes_window(f, &s);
}

/* A packet's scratch words last from one filter of a device to the next. */
#define BOUNDED 0

SEC("ingress")
int pacing_ingress(struct __sk_buff *skb)
{
	int bounded = see_incoming(skb);

	skb->cb[BOUNDED] = bounded;
	return 0;
}

SEC("bounded")
int pacing_bounded(struct __sk_buff *skb)
{
	return skb->cb[BOUNDED] == 1 ? -1 : 0;
}

/* The window for this flow in bytes: its fair share for its round trip and the local queue. */
static __always_inline __u64 window_bytes(const struct flow *f, const struct state *st, int has_stamp)
{
	__u32 own = f->weight[0] > f->weight[1] ? f->weight[0] : f->weight[1];
	/* Whatever it took so far: as though it took a whole share from now on. */
	__u32 total = active_weight(st);
	/* Timestamps take 12 bytes of each segment; a window of whole segments asks for no fractions. */
	__u32 mss = (f->mss > 88 ? f->mss : config.default_mss) - (has_stamp ? 12 : 0);
	__u64 share, bytes, segments;

	/* The path may carry less than we announced, and other options take from it; small messages tell nothing of that. */
	if (f->segment > mss / 4 * 3)
		mss = f->segment;
	if (st->weight_before + st->joined + WEIGHT_ONE - own > total)
		total = st->weight_before + st->joined + WEIGHT_ONE - own;
	share = payload_rate() * WEIGHT_ONE / total;
	bytes = bytes_in_flight(f, share);
	segments = (bytes + mss - 1) / mss;
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

SEC("egress")
int pacing_egress(struct __sk_buff *skb)
{
	struct segment s = {};
	struct flow *f;
	struct state *st = the_state();
	__u64 now, window;
	__u32 scale;
	__be16 old_field, new_field;

	if (!st || read_segment(skb, 1, &s))
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
	/* The end of the handshake: it counts at once. */
	if (f->epoch == 0) {
		turn_flow(f, st);
		f->begins = BEGINS_EPOCHS;
		raise_weight(f, st, beginners_weight(f, st));
	}
	turn_flow(f, st);
	window = window_bytes(f, st, s.has_stamp);
	scale = f->local_scale == SCALE_ABSENT || f->remote_scale == SCALE_ABSENT ? 0 : f->local_scale;
	window = in_units(window, scale);
	if (window >= s.window) {
		tell_window(f, &s, (__u32)s.window << (scale & 15));
		return 0;
	}
	old_field = bpf_htons(s.window);
	new_field = bpf_htons((__u16)window);
	if (bpf_l4_csum_replace(skb, s.tcp_at + 16, old_field, new_field, sizeof(new_field)))
		return 0;
	if (bpf_skb_store_bytes(skb, s.tcp_at + 14, &new_field, sizeof(new_field), 0))
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
