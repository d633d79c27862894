/**
 * The structures of bpf/pacing.o: how many bytes they have, and at which byte each field begins. Little-endian.
 * Made by `npm run generate` from the object's BTF.
 */
export const CONFIG_LAYOUT = {
  bytes: 60,
  at: {
    magic: 0,
    payload_bytes_per_sec_lo: 16,
    payload_bytes_per_sec_hi: 20,
    queue_us: 24,
    link_header: 28,
    default_mss: 32,
    max_rtt_us: 36,
    min_segments: 40,
    most_queue_us: 44,
    by_host: 48,
    numbered: 52,
    syn_class: 56,
  },
} as const;

export const STATE_LAYOUT = {
  bytes: 56,
  at: {
    epoch_ns: 0,
    epoch: 8,
    weight: 12,
    weight_before: 16,
    joined: 20,
    seen: 24,
    rewritten: 32,
    unknown: 40,
    probed_slot: 44,
    last_window: 48,
    last_rtt_us: 52,
  },
} as const;

export const FLOW_KEY_LAYOUT = {
  bytes: 40,
  at: {
    local: 0,
    remote: 16,
    local_port: 32,
    remote_port: 34,
    version: 36,
  },
} as const;

export const FLOW_LAYOUT = {
  bytes: 72,
  at: {
    syn_ns: 0,
    stamp_ns: 8,
    rtt_slot_ns: 16,
    stamp: 24,
    rtt_us: 28,
    epoch: 36,
    bytes: 40,
    weight: 44,
    window_end: 48,
    received_end: 52,
    mss: 56,
    window_field: 58,
    local_scale: 60,
    remote_scale: 61,
    host: 62,
    told: 64,
    late: 65,
    segment: 66,
    turn: 68,
    spread: 70,
  },
} as const;
