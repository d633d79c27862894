import { describe, expect, it } from 'vitest';
import { batchReason, failedBatchLine, parseTcView, UnreadableOutput } from '../../../src/tc/parse.ts';
import { parseActionStatistics, parseQdiscStatistics } from '../../../src/tc/statistics.ts';

describe('what stands on a device', () => {
  it('sees our queues in JSON', () => {
    const output =
      '[{"kind":"htb","handle":"1:","root":true,"refcnt":2,"options":{"r2q":10,"default":"0x20"}},' +
      '{"kind":"fq_codel","handle":"10:","parent":"1:10","options":{}},' +
      '{"kind":"ingress","handle":"ffff:","parent":"ffff:fff1","options":{}}]';
    expect(parseTcView(output)).toEqual({
      root: { kind: 'htb', handle: '1:', defaultMinor: 0x20 },
      ingress: { kind: 'ingress', handle: 'ffff:' },
      leaves: [{ kind: 'fq_codel', handle: '10:', parent: '1:10' }],
    });
  });
  it('does not take the kernel default queue for one that somebody has set', () => {
    const output = '[{"kind":"fq_codel","handle":"0:","root":true,"refcnt":2,"options":{}}]';
    expect(parseTcView(output)).toEqual({ root: undefined, ingress: undefined });
  });
  it('reads the text of a tc without JSON', () => {
    const output =
      'qdisc htb 1: dev ppp0 root refcnt 2 r2q 10 default 0x20 direct_packets_stat 0\n' +
      'qdisc clsact ffff: dev ppp0 parent ffff:fff1 \n';
    expect(parseTcView(output)).toEqual({
      root: { kind: 'htb', handle: '1:', defaultMinor: 0x20 },
      ingress: { kind: 'clsact', handle: 'ffff:' },
    });
  });
  it('sees nothing where there is nothing', () => {
    expect(parseTcView('')).toEqual({ root: undefined, ingress: undefined });
    expect(parseTcView('[]')).toEqual({ root: undefined, ingress: undefined });
  });
});

describe('what is not from tc', () => {
  it.each(['no such thing', '{"a":1}', '[{"kind":', 'qdisc', '\0', 'qdisc htb\nqdisc htb 1: root'])(
    'is never taken for an empty device: %j',
    (output) => {
      expect(() => parseTcView(output)).toThrow(UnreadableOutput);
    },
  );
  it('in the statistics is no crash', () => {
    for (const output of ['x', '[', '{"a"', `${'['.repeat(5000)}${']'.repeat(5000)}`]) {
      expect(() => parseActionStatistics(output)).toThrow(UnreadableOutput);
    }
    expect(() => parseQdiscStatistics('x')).toThrow(UnreadableOutput);
  });
  it('has further lines that are set in, as those of cake', () => {
    const output = 'qdisc cake 8001: dev eth0 root refcnt 2 bandwidth 1Mbit\n  memory used: 0b of 4Mb\n\n';
    expect(parseTcView(output).root).toEqual({ kind: 'cake', handle: '8001:' });
  });
});

describe('items that are no queues', () => {
  it('are left out, and white space before the list does not matter', () => {
    const output =
      ' \n[null,1,{"kind":"htb","root":true},{"handle":"1:","root":true},{"kind":"htb","handle":"1:","root":"yes"},' +
      '{"kind":"pfifo","handle":"5:","root":true}]';
    expect(parseTcView(output)).toEqual({ root: { kind: 'pfifo', handle: '5:' }, ingress: undefined });
  });
  it('and queues below others are not the root, in text as in JSON', () => {
    const output = 'qdisc sfq 10: dev ppp0 parent 1:10 limit 127p\nqdisc htb 1: dev ppp0 root refcnt 2\n';
    expect(parseTcView(output).root).toEqual({ kind: 'htb', handle: '1:' });
    expect(parseTcView('qdisc sfq 10: dev ppp0 parent 1:10 limit 127p\n').root).toBeUndefined();
  });
});

describe('a failed batch', () => {
  it('gives all reasons in one line, and a line number of any length', () => {
    const several =
      'Error: one.\n  two Error: x\nWe have an error talking to the kernel\nCommand failed -:123\n';
    expect(failedBatchLine(several)).toBe(123);
    expect(failedBatchLine('a Command failed -:4')).toBeUndefined();
    expect(batchReason(several)).toBe('one.; two Error: x');
  });
  const said = 'Error: Specified qdisc kind is unknown.\nCommand failed -:4\n';
  it('names the line and the reason', () => {
    expect(failedBatchLine(said)).toBe(4);
    expect(batchReason(said)).toBe('Specified qdisc kind is unknown.');
  });
  it('has a reason of its own where tc gave none', () => {
    expect(failedBatchLine('')).toBeUndefined();
    expect(batchReason('')).toBe('tc gave no reason');
  });
});
