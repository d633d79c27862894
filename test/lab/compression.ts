/**
 * What distributions compress kernels and modules with, found by the first bytes and undone by the format's own
 * tool: Debian 12 has images in xz and plain modules, Debian 13 images in zstd and modules in xz, Ubuntu zstd for
 * both and lz4 before that.
 */
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { failure } from '../../src/core/errors.ts';

export type Compression = 'none' | 'gzip' | 'xz' | 'zstd' | 'lz4' | 'lzma';

/** First bytes: the formats' own specifications, and for lz4 also the legacy frame that the kernel's build uses. */
const MAGICS: readonly (readonly [readonly number[], Compression])[] = [
  [[0x7f, 0x45, 0x4c, 0x46], 'none'],
  [[0x1f, 0x8b], 'gzip'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'xz'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0x02, 0x21, 0x4c, 0x18], 'lz4'],
  [[0x04, 0x22, 0x4d, 0x18], 'lz4'],
  [[0x5d, 0x00, 0x00], 'lzma'],
];

const TOOLS = {
  // What follows the stream belongs to the image; xz calls it garbage.
  xz: ['xz', '-dcq', '--single-stream'],
  zstd: ['zstd', '-dcq'],
  lz4: ['lz4', '-dcq'],
  lzma: ['xz', '-dcq', '--format=lzma'],
} as const satisfies Partial<Record<Compression, readonly [string, ...string[]]>>;

/** How the data begins; `none` for an ELF file, undefined for anything else. Pure. */
export function compressionOf(data: Uint8Array): Compression | undefined {
  return MAGICS.find(([magic]) => magic.every((byte, index) => data[index] === byte))?.[1];
}

/**
 * The data as it was before it was compressed; an ELF file comes back as it is. Bytes after the end of an xz
 * stream are left out, other formats must end where the data does.
 * @param name what it is, for the error
 */
export async function uncompressed(data: Uint8Array, name: string): Promise<Uint8Array> {
  const compression = compressionOf(data);
  if (compression === undefined) throw failure(`${name} is compressed in a way that the lab does not know`);
  if (compression === 'none') return data;
  if (compression === 'gzip') return gunzipSync(data);
  const [file, ...args] = TOOLS[compression];
  const { stdout, stderr, code } = await execa(file, args, {
    input: data,
    encoding: 'buffer',
    // It may be one of the data's own.
    stripFinalNewline: false,
    reject: false,
    maxBuffer: 512 * 1024 * 1024,
  });
  // The exit code tells nothing: it is 1 for bytes after the end too.
  if (stdout.length > 0) return stdout;
  const why = code === 'ENOENT' ? 'there is no such program here' : Buffer.from(stderr).toString().trim();
  throw failure(`${name} could not be unpacked with ${file}: ${why}`, 'sh scripts/setup.sh');
}
