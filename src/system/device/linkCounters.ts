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

/** The longest number of 64 bits, and the end of the line. */
const TEXT_BYTES = 21;

export class LinkCounters {
  readonly #device: string;
  readonly #text = Buffer.alloc(TEXT_BYTES);
  readonly #files = new Map<keyof Counted, number>();

  constructor(device: string) {
    this.#device = device;
  }

  /** @throws UserError where the device that it began with is gone, even if another one has its name */
  read(): Counted {
    return {
      rxBytes: this.#counter('rxBytes'),
      txBytes: this.#counter('txBytes'),
      txPackets: this.#counter('txPackets'),
    };
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
    this.#files.clear();
  }

  #counter(name: keyof Counted): number {
    try {
      const file =
        this.#files.get(name) ?? openSync(`/sys/class/net/${this.#device}/statistics/${FILES[name]}`, 'r');
      this.#files.set(name, file);
      // From its beginning each time: there the kernel writes it anew.
      const bytes = readSync(file, this.#text, 0, TEXT_BYTES, 0);
      return Number(this.#text.toString('latin1', 0, bytes));
    } catch (cause) {
      this.close();
      throw failure(`${this.#device} went away`, undefined, { cause });
    }
  }
}
