/**
 * The kernel inside the image that a distribution ships, so that the guest does not have to unpack it itself under
 * emulation: the ELF file of a bzImage, the flat image of an EFI zboot or gzip file. Pure but for the unpacking.
 */
import { failure } from '../../src/core/errors.ts';
import { compressionOf, uncompressed } from './compression.ts';

/** Linux, Documentation/arch/x86/boot.rst: offsets in the setup header. */
const SETUP_SECTORS = 0x1f1;
const HEADER_MAGIC = 0x202;
const PROTOCOL_VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR_BYTES = 512;
/** The first protocol version that says where the payload is. */
const WITH_PAYLOAD = 0x0208;
/** Linux, drivers/firmware/efi/libstub/zboot-header.S. */
const ZBOOT_MAGIC_OFFSET = 4;
const ZBOOT_PAYLOAD_OFFSET = 8;
const ZBOOT_PAYLOAD_LENGTH = 12;
/** Linux, Documentation/arch/arm64/booting.rst. */
const ARM64_MAGIC_OFFSET = 0x38;

/** The uncompressed kernel, as QEMU takes it. */
export async function kernelOf(image: Buffer): Promise<Uint8Array> {
  const payload = kernelPayload(image);
  return payload === undefined ? image : uncompressed(payload, 'the kernel image');
}

/** The compressed kernel in the image; undefined where the image is the kernel itself. Pure. */
export function kernelPayload(image: Buffer): Buffer | undefined {
  if (isText(image, HEADER_MAGIC, 'HdrS') && image.readUInt16LE(PROTOCOL_VERSION) >= WITH_PAYLOAD) {
    // 0 stands for 4.
    const setupSectors = image[SETUP_SECTORS] === 0 ? 4 : (image[SETUP_SECTORS] ?? 4);
    const start = (setupSectors + 1) * SECTOR_BYTES + image.readUInt32LE(PAYLOAD_OFFSET);
    return withoutSize(image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH)));
  }
  if (isText(image, 0, 'MZ') && isText(image, ZBOOT_MAGIC_OFFSET, 'zimg')) {
    // Here the length that the build appends is not counted.
    const start = image.readUInt32LE(ZBOOT_PAYLOAD_OFFSET);
    return image.subarray(start, start + image.readUInt32LE(ZBOOT_PAYLOAD_LENGTH));
  }
  if (isText(image, ARM64_MAGIC_OFFSET, 'ARMd')) return undefined;
  if (compressionOf(image) !== undefined) return image;
  throw failure('the kernel image is of a kind that the lab does not know');
}

/** The kernel's build appends the length before compression, which gzip alone has of its own (`size_append`). */
function withoutSize(payload: Buffer): Buffer {
  return compressionOf(payload) === 'gzip' ? payload : payload.subarray(0, -4);
}

function isText(image: Buffer, offset: number, text: string): boolean {
  return image.toString('latin1', offset, offset + text.length) === text;
}
