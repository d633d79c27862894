/** Packets that are handed to the pacing program at chosen times of the guest's clock, by `bpftool prog run`, in one script. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PacingConfig } from '../../src/plan/pacing/pacing.ts';
import { configuredObject, mapNames } from '../../src/plan/pacing/pacingObject.ts';
import { HOST_NUMBERS, OPENING_PRIORITY } from '../../src/plan/queues/egressClasses.ts';
import { frame, OPTION, type FrameOptions } from './frames.ts';
import type { Guest } from './guest.ts';
import { checkoutRoot } from './paths.ts';

export const SUFFIX = 'ffff0002';
const FOLDER = '/sys/fs/bpf/timed-packets';

export const CONFIG: PacingConfig = {
  payloadBytesPerSec: 200_000,
  queueUs: 20_000,
  mostQueueUs: 20_000,
  linkHeaderBytes: 14,
  defaultMssBytes: 1440,
  maxRttUs: 1_000_000,
  minSegments: 2,
  byHost: 1,
  numberedPriority: HOST_NUMBERS.first,
  synPriority: OPENING_PRIORITY,
  lineBytesPerSec: 230_000,
  overheadBytes: 0,
  cells: 0,
};

/** As long as the slots of bpf/rtt.h and bpf/delay.h; they begin when the kernel's clock is a multiple of it. */
const SLOT_SEC = 10;

export const SYN = 0x02;
export const ACK = 0x10;
const HERE = { address: '192.0.2.1', port: 40000 };
const THERE = { address: '198.51.100.9', port: 443 };

type Words = Omit<FrameOptions, 'from' | 'to'>;
export const out = (words: Words): FrameOptions => ({ from: HERE, to: THERE, ...words });
export const back = (words: Words): FrameOptions => ({ from: THERE, to: HERE, ...words });

/** A line of the script that hands the program a packet; what becomes of it is in `$work/out`. */
export function handed(direction: 'ingress' | 'egress', packet: FrameOptions): string {
  return `printf %s ${frame(packet).toString('base64')} | base64 -d > $work/in
    bpftool prog run pinned ${FOLDER}/pacing_${direction} data_in $work/in data_out $work/out > /dev/null`;
}

/** One that waits until so many seconds of a slot have passed: of this one, or of the next. */
export const at = (sec: number): string =>
  `sleep $(awk '{ left = ${sec} - $1 % ${SLOT_SEC}; if (left < 0) left += ${SLOT_SEC}; print left }' /proc/uptime)`;

/** Those of a handshake that takes 20 ms and a little more. */
export function handshake(): string {
  const scale = (shift: number): number[] => [...OPTION.mss(1460), ...OPTION.scale(shift)];
  return `${handed('egress', out({ flags: SYN, window: 64240, seq: 99, options: scale(7) }))}
    sleep 0.02
    ${handed('ingress', back({ flags: SYN | ACK, window: 65535, seq: 499, ack: 100, options: scale(9) }))}`;
}

/** Runs the lines on a program that is loaded for them; what they print to descriptor 3, line by line. */
export async function withProgram(
  guest: Guest,
  lines: readonly string[],
  config: PacingConfig = CONFIG,
): Promise<string[]> {
  const template = await readFile(join(checkoutRoot, 'bpf/pacing.o'));
  const object = configuredObject(template, config, SUFFIX).toString('base64');
  const maps = mapNames(SUFFIX).map((name) => `/sys/fs/bpf/${name}`);
  const script = `set -eu; exec 3>&1 >&2; work=$(mktemp -d)
    end() { rm -rf $work ${FOLDER} ${maps.join(' ')}; }; trap end EXIT
    base64 -d > $work/pacing.o; bpftool prog loadall $work/pacing.o ${FOLDER} type classifier
    ${lines.join('\n')}`;
  const printed = await guest.run(['sh', '-c', script], { input: object });
  return printed.split('\n').filter((line) => line !== '');
}
