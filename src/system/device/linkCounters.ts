/** What a device has sent and taken in, read many times a second: the files of its counters stay open. */
import { closeSync, openSync, readSync } from 'node:fs';
import { failure } from '../../core/errors.ts';

/** Counted by the device: IP with what it adds, without the line's framing. */
export interface Counted {
  rxBytes: number;
  txBytes: number;
  txPackets: number;
}

const FILES = {
  rxBytes: 'rx_bytes',
  txBytes: 'tx_bytes',
  txPackets: 'tx_packets',
} as const satisfies Record<keyof Counted, string>;

/** What the kernel answers where the device of an open file is gone, or there is none of that name. */
const GONE = new Set(['ENOENT', 'ENODEV', 'EINVAL']);
/** The longest number of 64 bits, and the end of the line. */
const TEXT_BYTES = 21;

export class LinkCounters {
  readonly #device: string;
  readonly #text = Buffer.alloc(TEXT_BYTES);
  readonly #files: Readonly<Record<keyof Counted, number>>;
  #isOpen = true;

  /** @throws UserError where there is no such device */
  constructor(device: string) {
    this.#device = device;
    const opened: number[] = [];
    const open = (name: keyof Counted): number => {
      const file = openSync(`/sys/class/net/${device}/statistics/${FILES[name]}`, 'r');
      opened.push(file);
      return file;
    };
    try {
      this.#files = { rxBytes: open('rxBytes'), txBytes: open('txBytes'), txPackets: open('txPackets') };
    } catch (cause) {
      for (const file of opened) closeSync(file);
      throw unreadable(device, cause);
    }
  }

  /** @throws UserError where the device that it began with is gone, even if another one has its name */
  read(): Counted {
    try {
      return {
        rxBytes: this.#counter('rxBytes'),
        txBytes: this.#counter('txBytes'),
        txPackets: this.#counter('txPackets'),
      };
    } catch (cause) {
      throw unreadable(this.#device, cause);
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const file of Object.values(this.#files)) closeSync(file);
  }

  #counter(name: keyof Counted): number {
    // From its beginning each time: there the kernel writes it anew.
    const bytes = readSync(this.#files[name], this.#text, 0, TEXT_BYTES, 0);
    return Number(this.#text.toString('latin1', 0, bytes));
  }
}

function unreadable(device: string, cause: unknown): Error {
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  const why = GONE.has(code) ? 'went away' : `cannot be followed: its counters cannot be read (${code})`;
  return failure(`${device} ${why}`, undefined, { cause });
}
