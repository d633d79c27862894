import { expect, it } from 'vitest';
import { sliceBytes } from '../../../../src/relay/scheduler/quantum.ts';

it.each([
  // A connection alone: a whole segment, or a second's worth; 10 ms worth where that is more.
  ['8 bytes/s', 8, 1, 16],
  ['100 bytes/s', 100, 1, 100],
  ['512 bytes/s', 512, 1, 512],
  ['1700 bytes/s', 1700, 1, 1448],
  ['20 kB/s', 20_000, 1, 1448],
  ['150 kB/s', 150_000, 1, 1500],
  ['1 MB/s', 1e6, 1, 10_000],
  ['100 MB/s', 1e8, 1, 65_536],
  ['no limit', Infinity, 1, 65_536],
  ['no limit, a thousand of them', Infinity, 1000, 65_536],
  // More than ten: so that each has its turn every 100 ms.
  ['1 MB/s, ten of them', 1e6, 10, 10_000],
  ['1 MB/s, twenty of them', 1e6, 20, 5000],
  // But whole segments as long as each has its turn once a second.
  ['1 MB/s, 150 of them', 1e6, 150, 1448],
  ['1 MB/s, a thousand of them', 1e6, 1000, 1000],
  ['512 bytes/s, two of them', 512, 2, 256],
  ['20 kB/s, twenty of them', 20_000, 20, 1000],
  // And no packets smaller than `data_size` just for being many, or than 250 ms worth.
  ['20 kB/s, a thousand of them', 20_000, 1000, 500],
  ['512 bytes/s, a thousand of them', 512, 1000, 128],
  ['1 MB/s, nobody', 1e6, 0, 10_000],
])('a turn at %s', (_, rateBytesPerSec, flows, bytes) => {
  expect(sliceBytes(rateBytesPerSec, flows, 500)).toBe(bytes);
});
