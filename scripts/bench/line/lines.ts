/** The lines of the benchmark: two with ATM cells, two without. */
import type { GuestOptions } from '../../../test/lab/guest.ts';
import { ADSL_LINE, ETHERNET, type LineOptions } from '../../../test/lab/line.ts';

export interface BenchLine {
  title: string;
  options: LineOptions;
  /** What a packet takes on the wire, for `tc`: bytes besides the IP packet, and the cells. */
  framing: { linklayer: 'atm' | 'ethernet'; overheadBytes: number };
  /** The same for inetgw, where its default for the device is another. */
  inetgwFraming: readonly string[];
  guest: GuestOptions;
}

/** Twice the usual processor, so that it is idle at least half of the time on the fastest line too. */
const FAST_GUEST: GuestOptions = { shift: 0 };

export const LINES = {
  adsl: {
    title: 'ADSL 1750 / 220 kbit/s, ATM, 10 ms',
    options: ADSL_LINE,
    framing: { linklayer: 'atm', overheadBytes: 40 },
    inetgwFraming: [],
    guest: {},
  },
  adsl6: {
    title: 'ADSL 6000 / 640 kbit/s, ATM, 20 ms',
    options: {
      ...ADSL_LINE,
      upBitPerSec: 640e3,
      downBitPerSec: 6e6,
      upBufferMs: 1000,
      downBufferMs: 500,
      pathMs: 20,
    },
    framing: { linklayer: 'atm', overheadBytes: 40 },
    inetgwFraming: [],
    guest: {},
  },
  vdsl: {
    title: 'VDSL 50 / 10 Mbit/s, PPPoE, 15 ms with 2 ms of jitter',
    options: {
      ...ADSL_LINE,
      upBitPerSec: 10e6,
      downBitPerSec: 50e6,
      framing: ETHERNET,
      upBufferMs: 400,
      downBufferMs: 300,
      pathMs: 15,
      jitterMs: 2,
    },
    // The lab's wire counts the Ethernet frame with its check sequence (18 bytes), PPPoE adds 8.
    framing: { linklayer: 'ethernet', overheadBytes: 26 },
    inetgwFraming: ['--linklayer', 'ethernet', '--overhead', '26'],
    guest: FAST_GUEST,
  },
  cable: {
    title: 'cable 100 / 20 Mbit/s, Ethernet, 40 ms',
    options: {
      ...ADSL_LINE,
      upBitPerSec: 20e6,
      downBitPerSec: 100e6,
      framing: ETHERNET,
      upBufferMs: 400,
      downBufferMs: 250,
      pathMs: 40,
      access: 'ethernet',
    },
    framing: { linklayer: 'ethernet', overheadBytes: 18 },
    inetgwFraming: [],
    guest: FAST_GUEST,
  },
} as const satisfies Readonly<Record<string, BenchLine>>;

export type LineName = keyof typeof LINES;
export const LINE_NAMES = Object.keys(LINES) as LineName[];
