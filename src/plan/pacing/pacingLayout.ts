/**
 * The structures of bpf/pacing.o: how many bytes they have, and at which byte each field begins. Little-endian.
 * Made by `npm run generate` from the object's BTF.
 */
export const CONFIG_LAYOUT = {
  bytes: 80,
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
    line_bytes_per_sec: 60,
    overhead: 64,
    cells: 68,
    rebuilt: 72,
    follows: 76,
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

export const BUCKET_LAYOUT = {
  bytes: 40,
  at: {
    number: 0,
    bytes: 8,
    packets: 16,
    delays: 20,
    least_delay_us: 24,
    round_trips: 28,
    least_round_trip_us: 32,
    unused: 36,
  },
} as const;

export const FOLLOWING_LAYOUT = {
  bytes: 32,
  at: {
    payload_bytes_per_sec: 0,
    planned_bytes_per_sec: 8,
    forget_before_ns: 16,
    queue_us: 24,
    unused: 28,
  },
} as const;

export const TOTAL_LAYOUT = {
  bytes: 16,
  at: {
    received: 0,
    sent: 8,
  },
} as const;

export const ANSWERS_LAYOUT = {
  bytes: 264,
  at: {
    us: 0,
    counts: 8,
  },
} as const;
