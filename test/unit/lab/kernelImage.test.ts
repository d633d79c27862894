/** Kernels and modules as distributions ship them, unpacked for the guest. */
import { gzipSync } from 'node:zlib';
import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { compressionOf, uncompressed, type Compression } from '../../lab/compression.ts';
import { kernelOf, kernelPayload } from '../../lab/kernelImage.ts';

const ELF = Buffer.concat([
  Buffer.from([0x7f, 0x45, 0x4c, 0x46]),
  Buffer.alloc(5000, 'kernel '),
  Buffer.from('\r\n'),
]);

function piped(file: string, ...args: string[]): Buffer {
  const options = { input: ELF, encoding: 'buffer', stripFinalNewline: false } as const;
  return Buffer.from(execaSync(file, args, options).stdout);
}

const COMPRESSED: readonly (readonly [Compression, Buffer])[] = [
  ['none', ELF],
  ['gzip', gzipSync(ELF)],
  ['xz', piped('xz', '-c', '--check=crc32')],
  ['zstd', piped('zstd', '-qc')],
  ['lz4', piped('lz4', '-qc')],
  ['lz4', piped('lz4', '-qcl')],
  ['lzma', piped('xz', '-c', '--format=lzma')],
];

describe.each(COMPRESSED)('%s', (name, data) => {
  test('is known by its first bytes, and unpacked', async () => {
    expect(compressionOf(data)).toBe(name);
    expect(Buffer.from(await uncompressed(data, 'it')).equals(ELF)).toBe(true);
  });

  test('is unpacked out of a bzImage, whatever follows it there', async () => {
    const image = bzImage(data);
    expect(Buffer.from(await kernelOf(image)).equals(ELF)).toBe(true);
  });
});

test('what is not known, or broken, is said by name', async () => {
  expect(compressionOf(Buffer.from('PK'))).toBeUndefined();
  await expect(uncompressed(Buffer.from('PK'), 'a.ko.zip')).rejects.toThrow(/^a\.ko\.zip is compressed/);
  const broken = Buffer.concat([piped('zstd', '-qc').subarray(0, 8), Buffer.alloc(8)]);
  await expect(uncompressed(broken, 'a.ko.zst')).rejects.toThrow(
    /^a\.ko\.zst could not be unpacked with zstd: /,
  );
  expect(() => kernelPayload(Buffer.alloc(4096))).toThrow('the kernel image is of a kind');
});

test('an arm64 image is taken flat, out of gzip, and out of an EFI zboot image', async () => {
  const flat = Buffer.alloc(5000, 'kernel ');
  flat.write('ARMd', 0x38, 'latin1');
  expect(kernelPayload(flat)).toBeUndefined();
  expect(Buffer.from(await kernelOf(flat)).equals(flat)).toBe(true);
  expect(Buffer.from(await kernelOf(gzipSync(flat))).equals(flat)).toBe(true);
  const payload = gzipSync(flat);
  const head = Buffer.alloc(0x200);
  head.write('MZ\0\0zimg', 0, 'latin1');
  head.writeUInt32LE(0x200, 8);
  head.writeUInt32LE(payload.length, 12);
  const zboot = Buffer.concat([head, payload, Buffer.alloc(100, 1)]);
  expect(Buffer.from(await kernelOf(zboot)).equals(flat)).toBe(true);
});

/** Linux, Documentation/arch/x86/boot.rst: as much of it as the lab reads. */
function bzImage(payload: Buffer): Buffer {
  const setupSectors = 2;
  const before = 100;
  const head = Buffer.alloc((setupSectors + 1) * 512 + before);
  const length = Buffer.alloc(payload[0] === 0x1f ? 0 : 4);
  length.fill(7);
  head[0x1f1] = setupSectors;
  head.write('HdrS', 0x202, 'latin1');
  head.writeUInt16LE(0x020f, 0x206);
  head.writeUInt32LE(before, 0x248);
  head.writeUInt32LE(payload.length + length.length, 0x24c);
  return Buffer.concat([head, payload, length, Buffer.alloc(333, 9)]);
}
