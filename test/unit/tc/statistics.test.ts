import { describe, expect, it } from 'vitest';
import { parseActionStatistics, parseQdiscStatistics } from '../../../src/tc/statistics.ts';

/** As iproute2 6.1 prints it. */
const QDISCS =
  '[{"kind":"htb","handle":"1:","root":true,"refcnt":2,"options":{},"bytes":5000,"packets":7,"drops":1,"overlimits":3,"requeues":0,"backlog":1492,"qlen":2},' +
  '{"kind":"fq_codel","handle":"10:","parent":"1:10","options":{},"bytes":60,"packets":1,"drops":0,"overlimits":0,"requeues":0,"backlog":0,"qlen":0}]';
const FILTERS =
  '[{"protocol":"all","pref":1,"kind":"matchall","options":{"actions":[{"order":1,"kind":"police","index":5,"control_action":{"type":"pipe"},' +
  '"stats":{"bytes":1492,"packets":1,"drops":4,"overlimits":2}},{"order":2,"kind":"gact","index":5,"stats":{"bytes":9,"packets":8,"drops":7,"overlimits":6}}]}}]';

describe('counters', () => {
  it('of queues are found by their parent', () => {
    expect(Object.fromEntries(parseQdiscStatistics(QDISCS))).toEqual({
      root: { bytes: 5000, packets: 7, dropped: 1, overlimits: 3, backlogBytes: 1492, backlogPackets: 2 },
      '1:10': { bytes: 60, packets: 1, dropped: 0, overlimits: 0, backlogBytes: 0, backlogPackets: 0 },
    });
  });
  it('of actions are found by kind and index, at whatever depth this tc puts them', () => {
    const found = {
      'police 5': { bytes: 1492, packets: 1, dropped: 4, overlimits: 2 },
      'gact 5': { bytes: 9, packets: 8, dropped: 7, overlimits: 6 },
    };
    expect(Object.fromEntries(parseActionStatistics(FILTERS))).toEqual(found);
    expect(Object.fromEntries(parseActionStatistics(`[{"deeper":[${FILTERS}]}]`))).toEqual(found);
  });
  it('of actions are found in what tc prints as text, where its JSON is none', () => {
    const text = [
      'filter parent ffff: protocol all pref 2 matchall chain 0 ',
      'filter parent ffff: protocol all pref 2 matchall chain 0 handle 0x1 ',
      '  not_in_hw',
      '\taction order 1:  police 0x49470038 rate 1568Kbit burst 4Kb mtu 2Kb action pipe/pass overhead 40b linklayer atm ',
      '\tref 1 bind 1  installed 5 sec used 1 sec',
      '\tAction statistics:',
      '\tSent 1492 bytes 1 pkt (dropped 4, overlimits 2 requeues 0) ',
      '\tbacklog 0b 0p requeues 0',
      '',
      '\taction order 2: skbedit  mark 20 continue',
      '\t index 1229389886 ref 1 bind 1 installed 5 sec used 5 sec',
      '\tAction statistics:',
      '\tSent 9 bytes 8 pkts (dropped 7, overlimits 6 requeues 0) ',
      '',
    ].join('\n');
    expect(Object.fromEntries(parseActionStatistics(text))).toEqual({
      'police 1229389880': { bytes: 1492, packets: 1, dropped: 4, overlimits: 2 },
      'skbedit 1229389886': { bytes: 9, packets: 8, dropped: 7, overlimits: 6 },
    });
  });
  it('that are missing or no numbers are zero, and what is no queue is left out', () => {
    expect(parseQdiscStatistics('')).toEqual(new Map());
    expect(parseActionStatistics('')).toEqual(new Map());
    const odd = '[null,1,"x",[],{"kind":"htb"},{"root":true,"bytes":"7","packets":1e999,"drops":null}]';
    expect(Object.fromEntries(parseQdiscStatistics(odd))).toEqual({
      root: { bytes: 0, packets: 0, dropped: 0, overlimits: 0, backlogBytes: 0, backlogPackets: 0 },
    });
    expect(
      parseActionStatistics('[{"kind":"police","index":"5","stats":{}},{"kind":1,"index":5,"stats":{}}]')
        .size,
    ).toBe(0);
  });
});
