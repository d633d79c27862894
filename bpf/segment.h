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

/* As linux/tcp.h has it, with the flags in one byte. */
struct tcp_header {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset; /* of the data, in words of four bytes, in the upper four bits */
	__u8 flags;
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
		if (kind == OPTION_END) {
			skb->cb[AT] = length;
			break;
		}
		size = kind == OPTION_NOP ? 1 : byte_at(o, at + 1);
		if (size == 0 || at + size > length)
			return -1;
		if (kind == OPTION_MSS && size == OPTION_MSS_BYTES)
			skb->cb[MSS] = half_at(o, at + 2);
		else if (kind == OPTION_SCALE && size == OPTION_SCALE_BYTES)
			skb->cb[SCALE] = byte_at(o, at + 2);
		skb->cb[AT] = at + size;
	}
	if (skb->cb[AT] < length)
		return -1;
	s->mss = skb->cb[MSS];
	s->scale = skb->cb[SCALE];
	if (s->scale > MOST_SCALE && s->scale != SCALE_ABSENT)
		s->scale = MOST_SCALE;
	return 0;
}

/* Where the TCP header of an unfragmented IPv4 packet begins and the packet ends, from the start of the frame. */
static __always_inline int read_ipv4(struct __sk_buff *skb, int outgoing, struct segment *s, __u32 *ip_end)
{
	__u32 at = config.link_header;
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 4 || ip.ihl < 5 || ip.frag_off & bpf_htons(IP_FRAGMENT) || ip.protocol != IPPROTO_TCP)
		return -1;
	s->key.version = 4;
	*(outgoing ? s->key.local : s->key.remote) = ip.saddr;
	*(outgoing ? s->key.remote : s->key.local) = ip.daddr;
	s->tcp_at = at + (__u32)ip.ihl * 4;
	*ip_end = at + bpf_ntohs(ip.tot_len);
	return 0;
}

/* The same of IPv6. Hop-by-hop, routing and destination options are passed over; a fragment is not ours. */
static __always_inline int read_ipv6(struct __sk_buff *skb, int outgoing, struct segment *s, __u32 *ip_end)
{
	__u32 at = config.link_header;
	struct ipv6hdr ip;
	__u8 next;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)))
		return -1;
	if (ip.version != 6)
		return -1;
	s->key.version = 6;
	__builtin_memcpy(outgoing ? s->key.local : s->key.remote, &ip.saddr, sizeof(ip.saddr));
	__builtin_memcpy(outgoing ? s->key.remote : s->key.local, &ip.daddr, sizeof(ip.daddr));
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
	s->tcp_at = at;
	return next == IPPROTO_TCP ? 0 : -1;
}

/* Reads an unfragmented TCP segment. Anything else, and anything malformed, is none of our business. */
static __always_inline int read_segment(struct __sk_buff *skb, int outgoing, struct segment *s)
{
	__u32 ip_end, header_bytes;
	struct tcp_header tcp;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (read_ipv4(skb, outgoing, s, &ip_end))
			return -1;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (read_ipv6(skb, outgoing, s, &ip_end))
			return -1;
	} else {
		return -1;
	}
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
		return read_syn_options(skb, s, header_bytes - sizeof(tcp));
	return read_stamp(skb, s, header_bytes - sizeof(tcp));
}
