/** The text format of Prometheus: what is in a label, whatever it is, is read back as it was. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { exposition } from '../../../src/core/exposition.ts';

const withLabel = (value: string): string =>
  exposition([
    { name: 'a_info', type: 'gauge', help: 'One.', samples: [{ labels: { name: value }, value: 1 }] },
  ]);

it('has help, type and a line for each series', () => {
  expect(
    exposition([
      {
        name: 'a_bytes_total',
        type: 'counter',
        help: 'Bytes, \\ and\nmore.',
        samples: [
          { labels: {}, value: 12_345_678_901_234 },
          { labels: { device: 'ppp0', stage: 1 }, value: 0.25 },
        ],
      },
      { name: 'b', type: 'gauge', help: 'Nothing.', samples: [] },
    ]),
  ).toBe(`# HELP a_bytes_total Bytes, \\\\ and\\nmore.
# TYPE a_bytes_total counter
a_bytes_total 12345678901234
a_bytes_total{device="ppp0",stage="1"} 0.25
`);
});

it('a hostile name stays within its label, and steers no terminal', () => {
  expect(withLabel('a"} 1\nb 2 \x1b[2J\\')).toContain('a_info{name="a\\"} 1\\\\nb 2 \\\\x1b[2J\\\\"} 1\n');
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const lines = withLabel(name).split('\n');
      expect(lines).toHaveLength(4);
      expect(lines[2]).toMatch(/^a_info\{name="(?:[^"\\\p{Cc}]|\\["\\])*"\} 1$/u);
    }),
  );
});
