/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Reads a TCP segment out of a packet. */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"

/* Flags, as they lie in the header's 14th byte (RFC 9293, 3.1). */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Kinds of TCP options, and what the two read here take with their kind and length. */
enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_MSS = 2, OPTION_SCALE = 3 };
#define OPTION_MSS_BYTES 4
#define OPTION_SCALE_BYTES 3
#define MOST_SCALE 14 /* RFC 7323, 2.3 */

/* Two no-ops, kind 8, length 10: how each sender that has timestamps begins its options (RFC 7323, appendix A). */
#define STAMP_FIRST 0x0101080a

/* An IPv4 fragment: more of them come, or it is not the first one (RFC 791, 3.1). */
#define IP_FRAGMENT 0x3fff
#define MOST_EXTENSIONS 6

struct segment {
	struct flow_key key;
	__u32 tcp_at;     /* offset of the TCP header (of what IP carries, until that is known) from the start of the frame */
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

/* As linux/tcp.h has it, with the flags in one byte. */
struct tcp_header {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset; /* of the data, in words of four bytes, in the upper four bits */
	__u8 flags;
	__be16 window, check, urgent;
};

/* A packet's scratch words. They last from one filter of a device to the next: what `ingress` has found is there for `bounded`. */
enum { BOUNDED, SCRATCH, IP_AT };

/*
 * IPsec puts the link header of the device by which a packet came in before the packet that was in it (skb_mac_header_rebuild() of
 * the kernel), Ethernet's or none. Its own devices, xfrm and vti, hand that on, and have none of their own. Told by where the IP header is.
 */
static __always_inline void find_ip(struct __sk_buff *skb)
{
	__u32 first[5], ip[5], differs = 0;

	if (!config.rebuilt)
		return;
	skb->cb[IP_AT] = 0;
	if (bpf_skb_load_bytes(skb, 0, first, sizeof(first)))
		return;
	if (bpf_skb_load_bytes_relative(skb, 0, ip, sizeof(ip), BPF_HDR_START_NET))
		return;
	for (int i = 0; i < 5; i++)
		differs |= first[i] ^ ip[i];
	if (differs)
		skb->cb[IP_AT] = ETH_HLEN;
}

/* Bytes before the IP header; of what comes in once find_ip() has looked. */
static __always_inline __u32 link_header(const struct __sk_buff *skb, int outgoing)
{
	return config.rebuilt && !outgoing ? skb->cb[IP_AT] : config.link_header;
}

/* The mask is for the verifier, which does not see what the compiler has concluded. */
static __always_inline __u8 byte_at(const __u8 *o, __u64 i)
{
	asm volatile("%0 &= 63" : "+r"(i));
	return o[i];
}

static __always_inline __u32 half_at(const __u8 *o, __u64 i)
{
	return (__u32)byte_at(o, i) << 8 | byte_at(o, i + 1);
}

/*
 * The same value, of which the verifier knows nothing any more: from here on it follows one path, not one for each value it can have
 * had. What comes out of a packet's scratch words can be anything to it; the compiler must not see that it is the same.
 */
static __always_inline __u32 forgotten(struct __sk_buff *skb, __u32 value)
{
	skb->cb[SCRATCH] = value;
	asm volatile("" : : : "memory");
	return skb->cb[SCRATCH];
}

/* The timestamp of a segment that is no SYN. */
static __always_inline int read_stamp(struct __sk_buff *skb, struct segment *s, __u32 length)
{
	__be32 words[3];

	if (length < sizeof(words))
		return 0;
	if (bpf_skb_load_bytes(skb, s->tcp_at + sizeof(struct tcp_header), words, sizeof(words)))
		return -1;
	if (words[0] != bpf_htonl(STAMP_FIRST))
		return 0;
	s->has_stamp = 1;
	s->stamp = bpf_ntohl(words[1]);
	s->stamp_echo = bpf_ntohl(words[2]);
	return 0;
}

/*
 * A mask: all ones where it holds, else zero. It is made by arithmetic, since the verifier follows both sides of each branch in each round
 * of a loop. The values are below 2^63. The empty statements keep the compiler from making branches of it.
 */
static __always_inline __u64 if_below(__u64 value, __u64 limit)
{
	__s64 difference = (__s64)value - (__s64)limit;

	asm volatile("" : "+r"(difference));
	difference >>= 63;
	asm volatile("" : "+r"(difference));
	return (__u64)difference;
}

static __always_inline __u64 if_same(__u64 one, __u64 other)
{
	return if_below(one ^ other, 1);
}

static __always_inline __u64 either(__u64 mask, __u64 where_set, __u64 where_not)
{
	return (where_set & mask) | (where_not & ~mask);
}

#define MOST_SYN_OPTIONS 20 /* no-ops count; systems send some five, and a connection that sends more is not paced */

/* What a SYN announces, in a header of so many bytes. Its timestamp is not needed: the handshake is timed as a whole. */
static __always_inline int read_syn_options(struct __sk_buff *skb, struct segment *s, __u32 header_bytes)
{
	__u64 at = sizeof(struct tcp_header), end = header_bytes;
	__u64 mss = 0, scale = SCALE_ABSENT, malformed = 0;
	__u8 header[64] = {};

	/* From 20 to 60; verifiers want to see that it is neither zero nor more than there is room for. */
	asm volatile("%0 += -1\n%0 &= 63\n%0 += 1" : "+r"(header_bytes));
	if (bpf_skb_load_bytes(skb, s->tcp_at, header, header_bytes))
		return -1;
	for (__u32 i = 0; i < MOST_SYN_OPTIONS; i++) {
		/* Behind the last one, as at an end that is said, nothing more is found. */
		__u64 kind = either(if_below(at, end), byte_at(header, at), OPTION_END);
		__u64 ends = if_same(kind, OPTION_END);
		__u64 size = either(if_same(kind, OPTION_NOP), 1, byte_at(header, at + 1));

		size = either(ends, end - at, size);
		malformed |= (if_same(size, 0) & ~ends) | if_below(end, at + size);
		mss = either(if_same(kind, OPTION_MSS) & if_same(size, OPTION_MSS_BYTES), half_at(header, at + 2), mss);
		scale = either(if_same(kind, OPTION_SCALE) & if_same(size, OPTION_SCALE_BYTES), byte_at(header, at + 2), scale);
		at += size;
	}
	if (malformed || at < end)
		return -1;
	s->mss = mss;
	s->scale = scale;
	if (s->scale > MOST_SCALE && s->scale != SCALE_ABSENT)
		s->scale = MOST_SCALE;
	return 0;
}

/*
 * The protocol of what an unfragmented IPv4 packet carries; where that begins, and the packet ends, from the start of the frame; who
 * sends it to whom.
 */
static __always_inline int read_ipv4(struct __sk_buff *skb, int outgoing, struct flow_key *key, __u32 *inner_at, __u32 *ip_end)
{
	__u32 at = link_header(skb, outgoing);
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 4 || ip.ihl < 5 || ip.frag_off & bpf_htons(IP_FRAGMENT))
		return -1;
	key->version = 4;
	*(outgoing ? key->local : key->remote) = ip.saddr;
	*(outgoing ? key->remote : key->local) = ip.daddr;
	*inner_at = at + (__u32)ip.ihl * 4;
	*ip_end = at + bpf_ntohs(ip.tot_len);
	return ip.protocol;
}

/* The same of IPv6. Hop-by-hop, routing and destination options are passed over; a fragment is not ours. */
static __always_inline int read_ipv6(struct __sk_buff *skb, int outgoing, struct flow_key *key, __u32 *inner_at, __u32 *ip_end)
{
	__u32 at = link_header(skb, outgoing);
	struct ipv6hdr ip;
	__u8 next;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 6)
		return -1;
	key->version = 6;
	__builtin_memcpy(outgoing ? key->local : key->remote, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(outgoing ? key->remote : key->local, &ip.daddr, sizeof(ip.daddr));
	at += sizeof(ip);
	*ip_end = at + bpf_ntohs(ip.payload_len);
	next = ip.nexthdr;
	for (int i = 0; i < MOST_EXTENSIONS; i++) {
		struct ipv6_opt_hdr extension;

		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS)
			break;
		if (bpf_skb_load_bytes(skb, at, &extension, sizeof(extension)))
			return -1;
		next = extension.nexthdr;
		at += ((__u32)extension.hdrlen + 1) * 8;
	}
	*inner_at = at;
	return next;
}

/*
 * Either; -1: anything else, which is none of our business. IPv6 comes first: to the verifier what is known of IPv4's shorter addresses
 * is then less than what it has seen already, so that it follows one path from here on.
 */
static __always_inline int read_ip(struct __sk_buff *skb, int outgoing, struct flow_key *key, __u32 *inner_at, __u32 *ip_end)
{
	int protocol = -1;

	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		protocol = read_ipv6(skb, outgoing, key, inner_at, ip_end);
	else if (skb->protocol == bpf_htons(ETH_P_IP))
		protocol = read_ipv4(skb, outgoing, key, inner_at, ip_end);
	*inner_at = forgotten(skb, *inner_at);
	*ip_end = forgotten(skb, *ip_end);
	return (int)forgotten(skb, protocol);
}

/* Reads a TCP segment, once read_ip() has read its packet. Anything malformed is none of our business. */
static __always_inline int read_segment(struct __sk_buff *skb, int outgoing, struct segment *s, __u32 ip_end)
{
	__u32 header_bytes;
	struct tcp_header tcp;

	if (bpf_skb_load_bytes(skb, s->tcp_at, &tcp, sizeof(tcp)))
		return -1;
	header_bytes = (__u32)(tcp.offset >> 4) * 4;
	if (header_bytes < sizeof(tcp) || s->tcp_at + header_bytes > ip_end)
		return -1;
	s->payload = ip_end - s->tcp_at - header_bytes;
	s->seq = bpf_ntohl(tcp.seq);
	s->ack = bpf_ntohl(tcp.ack);
	s->window = bpf_ntohs(tcp.window);
	s->flags = tcp.flags;
	s->key.local_port = outgoing ? tcp.source : tcp.dest;
	s->key.remote_port = outgoing ? tcp.dest : tcp.source;
	if (s->flags & TCP_SYN)
		return read_syn_options(skb, s, header_bytes);
	return read_stamp(skb, s, header_bytes - sizeof(tcp));
}
