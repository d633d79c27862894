/** What differs between the processors that a guest may have. */
import { failure } from '../../src/core/errors.ts';

export type Architecture = 'amd64' | 'arm64';

export interface ArchitectureFacts {
  /** As `uname -m` says it. */
  machine: string;
  /** Folder of the libraries below /usr/lib (Debian's multiarch). */
  multiarch: string;
  /** Debian's package that depends on the kernel of the day. */
  kernelPackage: string;
  /** As npm and Node name it: `node-linux-…`. */
  nodeName: string;
  qemu: { program: string; debianPackage: string; machineArguments: readonly string[] };
  /** Words for the kernel: the console on QEMU's first serial port, and what makes the clock steady. */
  kernelArguments: string;
  /** The device that halts the guest: see agent/halt.ts. */
  panicDevice: string;
}

export const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureFacts>> = {
  amd64: {
    machine: 'x86_64',
    multiarch: 'x86_64-linux-gnu',
    kernelPackage: 'linux-image-amd64',
    nodeName: 'x64',
    qemu: {
      program: 'qemu-system-x86_64',
      debianPackage: 'qemu-system-x86',
      machineArguments: ['-machine', 'q35'],
    },
    // tsc=reliable: the clock counts instructions, there is nothing to compare it with. The rest saves time: QEMU keeps
    // what it has translated by its address, so a program that always stands at the same is translated once.
    kernelArguments: 'console=ttyS0 tsc=reliable mitigations=off norandmaps',
    panicDevice: 'pvpanic',
  },
  arm64: {
    machine: 'aarch64',
    multiarch: 'aarch64-linux-gnu',
    kernelPackage: 'linux-image-arm64',
    nodeName: 'arm64',
    qemu: {
      program: 'qemu-system-aarch64',
      debianPackage: 'qemu-system-arm',
      machineArguments: ['-machine', 'virt', '-cpu', 'cortex-a72'],
    },
    kernelArguments: 'console=ttyAMA0 mitigations=off norandmaps',
    panicDevice: 'pvpanic-pci',
  },
};

/** This machine's. */
export function hostArchitecture(): Architecture {
  const found = (Object.keys(ARCHITECTURES) as Architecture[]).find(
    (name) => ARCHITECTURES[name].nodeName === process.arch,
  );
  if (found === undefined) throw failure(`the lab runs on amd64 and arm64, this machine is ${process.arch}`);
  return found;
}
