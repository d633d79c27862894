/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What is remembered: of each connection, of each host, and of all together. */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

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
	__u32 rtt_us[2];      /* least round trip in this slot, and before it; 0: none */
	__u32 epoch;          /* the epoch that bytes and weight[0] belong to */
	__u32 bytes;          /* user data received in it; of a connection that begins since it did */
	__u16 weight[2];      /* share of a fair share taken: in this epoch so far, in the one before */
	__u32 window_end;     /* the last byte, plus one, that the other side has been told it may send */
	__u32 received_end;   /* the same of what it has sent */
	__u16 mss;            /* the largest segment that we announced to take */
	__u16 window_field;   /* what was last written, for the statistics */
	__u8 local_scale;
	__u8 remote_scale;
	__u16 host;           /* whose it is: its place in the map of groups; 0: not known */
	__u8 told : 1;        /* window_end is set */
	__u8 begins : 2;      /* for how many epochs, this one included, it counts as a connection that begins */
	__u8 received : 1;    /* received_end is set */
	__u8 stamp_waits : 1;
	__u8 syn_again : 1;   /* a SYN was repeated: its round trip is ambiguous (Karn) */
	__u8 suspects : 1;    /* rtt_us[0] is that of the slot before, and a probe is to show whether it was a queue */
	__u8 shrank : 1;      /* it has shown that it was one */
	__u8 late;            /* by how much the last round trip exceeded the least, in LATE_UNIT_US */
	/* Last, where maps of earlier versions have padding: a change of versions keeps their connections. */
	__u16 segment;        /* the longest that has come, in bytes of user data; 0: none yet */
	__u16 turn;           /* what the host behind us took to answer in the handshake, in TIME_UNIT_US; 0: not known */
	__u16 spread;         /* by how much round trips exceed the least one, on average, in TIME_UNIT_US */
};

#define TIME_UNIT_US 16 /* 16 bits of it are a second */
#define LATE_UNIT_US 4096 /* 8 bits of it are a second */

/*
 * Those who share a rate: the line's, of which each host is a part, or a host's, of which each of its connections is.
 * Parts that take less than their fair share count for less, so what they leave goes to the others.
 */
struct group {
	__u32 epoch;          /* the epoch that all but weight_before and own[1] belong to */
	__u32 weight;         /* of its parts in this epoch so far */
	__u32 weight_before;  /* in the epoch before */
	__u32 joined;         /* what parts have added in this epoch over their last one */
	__u32 bytes;          /* user data received by a host in this epoch */
	__u16 own[2];         /* share of a host's fair share taken: in this epoch so far, in the one before */
};

/* The groups: the line, those whose host is not known, and the hosts, by a hash of what tells them apart. */
#define HOSTS 4096
#define LINE_GROUP 0
#define UNKNOWN_HOST 1
#define FIRST_HOST 2

struct state {
	__u64 epoch_ns;       /* start of the epoch */
	__u32 epoch;
	/* For the statistics, whatever host they belong to. */
	__u32 weight;         /* of all flows in this epoch so far */
	__u32 weight_before;  /* in the epoch before */
	__u32 joined;         /* what flows have added in this epoch over their last one */
	__u64 seen;           /* outgoing segments that could have been paced */
	__u64 rewritten;
	__u32 unknown;        /* outgoing segments of connections whose SYN we did not see */
	__u32 probed_slot;    /* the slot of round trips at whose beginning windows are halved */
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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FIRST_HOST + HOSTS);
	__type(key, __u32);
	__type(value, struct group);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} igh_00000000 SEC(".maps");

#define flows igf_00000000
#define states igs_00000000
#define groups igh_00000000

static __always_inline struct state *the_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&states, &zero);
}
