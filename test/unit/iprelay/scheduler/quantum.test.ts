import { expect, it } from 'vitest';
import { sliceBytes } from '../../../../src/iprelay/scheduler/quantum.ts';

it.each([
  // A connection alone: 10 ms worth, from the smallest slice to what one read gives.
  ['100 bytes/s', 100, 1, 16],
  ['1700 bytes/s', 1700, 1, 17],
  ['20 kB/s', 20_000, 1, 200],
  ['1 MB/s', 1e6, 1, 10_000],
  ['100 MB/s', 1e8, 1, 65_536],
  ['no limit', Infinity, 1, 65_536],
  ['no limit, a thousand of them', Infinity, 1000, 65_536],
  // More than ten: so that each has its turn every 100 ms.
  ['1 MB/s, ten of them', 1e6, 10, 10_000],
  ['1 MB/s, twenty of them', 1e6, 20, 5000],
  ['1 MB/s, 150 of them', 1e6, 150, 666],
  // But no packets smaller than `data_size` just for being many.
  ['1 MB/s, a thousand of them', 1e6, 1000, 500],
  ['20 kB/s, a thousand of them', 20_000, 1000, 200],
  ['1 MB/s, nobody', 1e6, 0, 10_000],
])('a turn at %s', (_, rateBytesPerSec, flows, bytes) => {
  expect(sliceBytes(rateBytesPerSec, flows, 500)).toBe(bytes);
});
