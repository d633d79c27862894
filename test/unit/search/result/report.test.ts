import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable } from '../../../../src/core/printable.ts';
import { reportPage } from '../../../../src/search/result/html.ts';
import { linearScale, logScale } from '../../../../src/report/plot/scale.ts';
import { escapeXml } from '../../../../src/report/plot/svg.ts';
import { terminalPlot } from '../../../../src/report/plot/terminalPlot.ts';
import { COLOUR, csvLine, PLAIN } from '../../../../src/search/result/lines.ts';
import { fileErrors, renderResult } from '../../../../src/search/result/output.ts';
import type { OutputSettings } from '../../../../src/search/arguments/arguments.ts';
import type { SearchResult } from '../../../../src/search/result/result.ts';
import { parseResult } from '../../../../src/search/result/resultFile.ts';
import { gridTask, modelResult, overviewResult, runOnModel } from '../../../model/run.ts';

const overview = await overviewResult();
const both = modelResult([
  await runOnModel({ mode: 'auto', direction: 'down', otherBitPerSec: null }),
  await runOnModel(
    { mode: 'auto', direction: 'up', otherBitPerSec: 1.7e6 },
    { direction: 'up', rawBitPerSec: 2.2e6 },
  ),
]);
const TEXT: OutputSettings = {
  format: 'text',
  reportFile: null,
  saveFile: null,
  plot: true,
  logScale: false,
  color: false,
  quiet: true,
};
const screen = { paint: PLAIN, color: false, width: 80 };

describe('the text', () => {
  it('is what the golden file shows', async () => {
    await expect(renderResult(overview, TEXT, screen)).toMatchFileSnapshot(
      '../../../golden/files/searchbw-overview.txt',
    );
  });

  it('ends with the next command and the one that uses the value, uplink first', () => {
    const end = renderResult(overview, TEXT, screen).split('\n').slice(-3);
    const value = (overview.directions[0]?.recommendedBitPerSec ?? 0) / 1000;
    expect(end[0]).toMatch(/^next: +searchbw ppp0 DOWN \d+-\d+ \d+ 100 210$/);
    expect(end[1]).toBe(`then use: inetgw ppp0 210 ${value}`);
  });

  it('keeps every line of the table within the columns, in colour and without', () => {
    // eslint would not let a control character stand in a pattern; it is built instead.
    const codes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    const plain = renderResult(overview, TEXT, screen);
    const colour = renderResult(overview, TEXT, { ...screen, paint: COLOUR, color: true });
    expect(colour).not.toBe(plain);
    expect(colour.replace(codes, '')).toBe(plain);
  });
});

describe('CSV', () => {
  it('has one row for every measurement with as many cells as the header', () => {
    const rows = renderResult(both, { ...TEXT, format: 'csv' }, screen)
      .trimEnd()
      .split('\n');
    expect(rows).toHaveLength(1 + both.directions.reduce((sum, { lines }) => sum + lines.length, 0));
    expect(rows[0]?.split(',')).toHaveLength(19);
    for (const { direction, lines, pacing, recommendedBitPerSec } of both.directions) {
      const ofDirection = rows.filter((row) => row.startsWith(`${direction},`));
      expect(ofDirection).toHaveLength(lines.length + (pacing?.lines.length ?? 0));
      expect(ofDirection.every((row) => row.split(',')[16] === String(recommendedBitPerSec))).toBe(true);
    }
  });

  it('keeps a spreadsheet from running text as a formula', () => {
    const [line] = overview.directions[0]?.lines ?? [];
    if (line === undefined) throw new Error('no line');
    expect(csvLine('down', { ...line, verdictText: '=cmd("x"),1' }, { paced: false })).toContain(
      `"'=cmd(""x""),1"`,
    );
  });
});

describe('a stored result', () => {
  it('comes back as it was, from JSON and from a page', () => {
    for (const result of [overview, both]) {
      expect(parseResult(JSON.stringify(result), 'x')).toEqual(result);
      expect(parseResult(reportPage(result), 'x')).toEqual(JSON.parse(JSON.stringify(result)));
    }
  });

  it.each([
    ['nothing', 'f is not JSON: '],
    ['{}', 'f is not a result of searchbw'],
    ['[1]', 'f is not a result of searchbw'],
    [
      JSON.stringify({ ...overview, formatVersion: 99 }),
      'f has format version 99, this searchbw reads version 1',
    ],
    [JSON.stringify({ ...overview, limits: { maxRttMs: 'x' } }), 'f is damaged: limits.maxRttMs: '],
    [JSON.stringify({ ...overview, directions: [{}] }), 'f is damaged: directions.0.direction: '],
  ])('says what is wrong with %.40s', (content, message) => {
    expect(() => parseResult(content, 'f')).toThrow(message);
  });

  it('survives any damage with a clear error', () => {
    const stored = JSON.stringify(overview);
    fc.assert(
      fc.property(fc.nat(stored.length), fc.nat(50), fc.string({ maxLength: 5 }), (at, cut, put) => {
        const damaged = stored.slice(0, at) + put + stored.slice(at + cut);
        try {
          parseResult(damaged, 'f');
        } catch (error) {
          expect((error as Error).name).toBe('UserError');
          expect((error as Error).message.length).toBeLessThan(600);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('the page', () => {
  it('needs nothing from outside and is complete', () => {
    const page = reportPage(both);
    expect(page).not.toMatch(/(?:src|href)=|url\(|@import/);
    expect(page.match(/<svg/g)).toHaveLength(4);
    for (const part of [
      'prefers-color-scheme: dark',
      '@media print',
      '<title id=',
      '<desc id=',
      'recommended',
      both.inetgwCommand ?? '?',
      '6.1.0-test',
      'atm, overhead 40 (pppoe-llcsnap)',
      'tc 6.1.0',
    ]) {
      expect(page).toContain(part);
    }
  });

  it('draws one dot for every answered ping', () => {
    const answered = overview.directions[0]?.lines.flatMap(({ samples }) =>
      samples.filter(({ rttMs }) => rttMs !== null),
    );
    const [, group = ''] = /<g class="dots samples">(.*?)<\/g>/s.exec(reportPage(overview)) ?? [];
    expect(group.match(/<circle/g)).toHaveLength(answered?.length ?? -1);
  });

  it('shows a hostile name as text, wherever it stands', () => {
    const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>'&amp;\u0000`;
    const bad: SearchResult = {
      ...overview,
      line: {
        ...overview.line,
        device: hostile,
        kind: hostile,
        framing: hostile,
        kernel: hostile,
        versions: { [hostile]: hostile },
      },
      pingHost: { address: hostile, how: 'given' },
      load: { downloadUrls: [hostile], uploadUrls: [], streams: 1 },
      tool: { ...overview.tool, version: hostile, node: hostile },
      startedAt: hostile,
      inetgwCommand: hostile,
      directions: overview.directions.map((direction) => ({
        ...direction,
        nextCommand: hostile,
        reasoning: [hostile],
        warnings: [{ kind: hostile, text: hostile }],
        lines: direction.lines.map((line) => ({ ...line, verdictText: hostile, remarks: [hostile] })),
      })),
    };
    const page = reportPage(bad);
    const [, json = ''] = /<script type="application\/json" id="result">(.*?)<\/script>/s.exec(page) ?? [];
    const markup = page.replace(json, '');
    expect(markup).not.toContain('<script>');
    expect(markup).not.toContain('<img');
    expect(markup).not.toContain('\u0000');
    expect(json).not.toContain('<');
    // What a terminal would take for an order is escaped on the way in.
    const readable = reportPage({ ...bad, startedAt: overview.startedAt });
    expect(parseResult(readable, 'f').line.device).toBe(printable(hostile));
    expect(() => parseResult(page, 'f')).toThrow('f is damaged: startedAt: it is no time');
  });

  it('shows a run without any valid line', async () => {
    const idle = modelResult([
      await runOnModel(gridTask(1_750_000, 0.8, 1, 4, 10), { loadLimitBitPerSec: 20_000 }),
    ]);
    expect(reportPage(idle)).toContain('no value can be recommended');
    expect(renderResult(idle, TEXT, screen)).toContain(
      'warning: no value can be recommended: hardly any traffic',
    );
  });
});

describe('scales and escaping', () => {
  it('keeps every value between the ends, at or above 0 and at most 1', () => {
    const values = fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(values, fc.boolean(), (list, log) => {
        const [low, high] = [Math.min(...list), Math.max(...list)];
        const scale = log ? logScale(low, high) : linearScale(low, high, 6);
        for (const value of list) {
          expect(scale.position(value)).toBeGreaterThanOrEqual(-1e-9);
          expect(scale.position(value)).toBeLessThanOrEqual(1 + 1e-9);
        }
        expect(scale.ticks.length).toBeGreaterThanOrEqual(1);
        expect(scale.ticks.length).toBeLessThan(40);
      }),
    );
  });

  it('leaves nothing of a string that markup could read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (any) => {
        expect(escapeXml(any)).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
      }),
    );
  });
});

describe('the terminal plot', () => {
  const series = [
    {
      name: 'a',
      mark: 'o',
      points: [
        { x: 0, y: 0 },
        { x: 50, y: 5 },
        { x: 100, y: 10 },
      ],
    },
  ];

  it('puts low values at the bottom left and high ones at the top right', () => {
    const rows = terminalPlot(series, { title: 't', xLabel: 'x', yLabel: 'y', width: 40, height: 10 }).split(
      '\n',
    );
    expect(rows[2]).toMatch(/^10 \+ +\.*o$/);
    expect(rows[11]).toMatch(/^ 0 \+o/);
  });

  it('never draws outside its width, whatever the points', () => {
    const points = fc.array(
      fc.record({
        x: fc.double({ min: 0, max: 1e7, noNaN: true }),
        y: fc.double({ min: 0.01, max: 1e5, noNaN: true }),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(points, fc.boolean(), (list, logY) => {
        const plot = terminalPlot([{ name: 'a', mark: 'o', points: list }], {
          title: '',
          xLabel: '',
          yLabel: '',
          width: 40,
          height: 8,
          logY,
        });
        for (const row of plot.split('\n')) expect(row.length).toBeLessThanOrEqual(40 + 30);
        expect(plot.includes('o')).toBe(list.length > 0);
      }),
    );
  });
});

describe('files to be written', () => {
  it('are refused before the beginning, not at the end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'searchbw-'));
    try {
      const errors = await fileErrors({ reportFile: folder, saveFile: join(folder, 'no', 'such.json') });
      expect(errors.map(({ message }) => message)).toEqual([
        `${folder} cannot be written: it is a directory`,
        `${join(folder, 'no', 'such.json')} cannot be written: ${join(folder, 'no')} does not exist`,
      ]);
      expect(await fileErrors({ reportFile: join(folder, 'new.html'), saveFile: null })).toEqual([]);
      await expect(readFile(join(folder, 'new.html'))).rejects.toThrow();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
