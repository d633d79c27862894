/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which host behind us a connection belongs to. NAT hides it on this device: the firewall, which sees it, puts its number
 * into the priority of the packets that open a connection. Without a number it is the address on the line that tells.
 * Hosts have several addresses of IPv6, and change them (RFC 8981): there the neighbour table tells which are one host's.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>
#include "config.h"
#include "flow.h"

/* Murmur3's last step: neighbouring addresses lie far from each other. */
static __always_inline __u32 mixed(__u32 h)
{
	h ^= h >> 16;
	h *= 0x85ebca6b;
	h ^= h >> 13;
	h *= 0xc2b2ae35;
	return h ^ h >> 16;
}

static __always_inline __u32 address_number(const __u32 *address)
{
	return mixed(mixed(mixed(mixed(address[0]) ^ address[1]) ^ address[2]) ^ address[3]) % HOSTS;
}

/* The number in the packet's priority, which then is put into its class; HOSTS: there is none. */
static __always_inline __u32 take_number(struct __sk_buff *skb)
{
	__u32 number = skb->priority - config.numbered;

	if (config.numbered == 0 || number >= HOSTS)
		return HOSTS;
	skb->priority = config.syn_class;
	return number;
}

#define FAMILY_IPV6 10 /* AF_INET6 */

/*
 * The number of the neighbour that answers for an address of IPv6, by its link-layer address; HOSTS: none is known to. Looked
 * for as though a packet to it had come in from the line. What lies behind another router goes to that router, whose hosts
 * are not to count as one.
 */
static __always_inline __u32 neighbour_number(struct __sk_buff *skb, const struct flow_key *key)
{
	struct bpf_fib_lookup way = { .family = FAMILY_IPV6, .ifindex = skb->ifindex };
	__u32 address[2], i;

	if (key->version != 6)
		return HOSTS;
#pragma unroll
	for (i = 0; i < 4; i++) {
		way.ipv6_src[i] = key->remote[i];
		way.ipv6_dst[i] = key->local[i];
	}
	if (bpf_fib_lookup(skb, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return HOSTS;
#pragma unroll
	for (i = 0; i < 4; i++)
		if (way.ipv6_dst[i] != key->local[i])
			return HOSTS;
	address[0] = (__u32)way.dmac[0] << 8 | way.dmac[1];
	address[1] = (__u32)way.dmac[2] << 24 | (__u32)way.dmac[3] << 16 | (__u32)way.dmac[4] << 8 | way.dmac[5];
	/* A neighbour that is only being looked for has none yet. */
	if ((address[0] | address[1]) == 0)
		return HOSTS;
	return mixed(mixed(address[0]) ^ address[1]) % HOSTS;
}

static __always_inline void find_neighbour(struct flow *f, struct __sk_buff *skb, const struct flow_key *key)
{
	__u32 number = counts_hosts() ? neighbour_number(skb, key) : HOSTS;

	if (number < HOSTS)
		f->host = FIRST_HOST + number;
}

static __always_inline __u16 host_of(__u32 number, const struct flow_key *key)
{
	return FIRST_HOST + (number < HOSTS ? number : address_number(key->local));
}
