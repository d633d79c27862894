/** QEMU's panic device, told to halt the virtual processor at this very instruction. */
import { execFileSync } from 'node:child_process';
import { openSync, readFileSync, readdirSync, writeFileSync, writeSync } from 'node:fs';

/** I/O port of the pvpanic device, and what asks for the halt (QEMU docs/specs/pvpanic). */
const PANIC_PORT = 0x505;
const PANICKED = 1;
/** The PCI form of it, where there are no I/O ports (the same document). */
const PCI_VENDOR = '0x1b36';
const PCI_DEVICE = '0x0011';

/** Gives a function that halts the processor; it returns when the host lets it go on. */
export function panicDevice(): () => void {
  if (process.arch !== 'arm64') {
    const ports = openSync('/dev/port', 'r+');
    return () => {
      writeSync(ports, Buffer.of(PANICKED), 0, 1, PANIC_PORT);
    };
  }
  const address = pciAddress();
  // Only a mapping of memory reaches the register, which node cannot make.
  return () => {
    execFileSync('busybox', ['devmem', address, '8', String(PANICKED)]);
  };
}

/** Of the register, in the machine's memory. */
function pciAddress(): string {
  const folder = '/sys/bus/pci/devices';
  const read = (name: string, file: string): string =>
    readFileSync(`${folder}/${name}/${file}`, 'utf8').trim();
  for (const name of readdirSync(folder)) {
    if (read(name, 'vendor') !== PCI_VENDOR || read(name, 'device') !== PCI_DEVICE) continue;
    writeFileSync(`${folder}/${name}/enable`, '1');
    const start = read(name, 'resource').split(/\s/)[0];
    if (start !== undefined) return start;
  }
  throw new Error('there is no pvpanic-pci device');
}
