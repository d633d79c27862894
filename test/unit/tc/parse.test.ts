import { describe, expect, it } from 'vitest';
import { batchReason, failedBatchLine, parseTcView } from '../../../src/tc/parse.ts';

describe('what stands on a device', () => {
  it('sees our queues in JSON', () => {
    const output =
      '[{"kind":"htb","handle":"1:","root":true,"refcnt":2,"options":{"r2q":10,"default":"0x20"}},' +
      '{"kind":"fq_codel","handle":"10:","parent":"1:10","options":{}},' +
      '{"kind":"ingress","handle":"ffff:","parent":"ffff:fff1","options":{}}]';
    expect(parseTcView(output)).toEqual({
      root: { kind: 'htb', handle: '1:' },
      ingress: { kind: 'ingress', handle: 'ffff:' },
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
      root: { kind: 'htb', handle: '1:' },
      ingress: { kind: 'clsact', handle: 'ffff:' },
    });
  });
  it('sees nothing where there is nothing', () => {
    expect(parseTcView('')).toEqual({ root: undefined, ingress: undefined });
    expect(parseTcView('[]')).toEqual({ root: undefined, ingress: undefined });
  });
});

describe('a failed batch', () => {
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
