/** The end of a search of DOWN: what window pacing makes of the line, and what is recommended then. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseResult } from '../../../../src/search/result/resultFile.ts';
import { formatConclusion, PLAIN } from '../../../../src/search/result/lines.ts';
import { runSession, type SessionPorts } from '../../../../src/search/run/session.ts';
import type { Task } from '../../../../src/search/decide/task.ts';
import { ADSL, makeModel, type ModelLine } from '../../../model/line.ts';
import { gridTask, LIMITS, modelResult, runOnModel } from '../../../model/run.ts';

const AUTO: Task = { mode: 'auto', direction: 'down', otherBitPerSec: null };
/** As on the lab's line: all but 1.5 % is used, and answers wait for one packet at most. */
const PACING = { fill: 0.985, queueMs: 5 };

describe('the trial with window pacing', () => {
  it('recommends more than the search itself where answers stay good, and says what was gained', async () => {
    // A far host: little room for a queue below the limit, so the search itself ends low.
    const far = { baseRttMs: 75 };
    const without = await runOnModel(AUTO, far);
    const { result } = await runOnModel(AUTO, { ...far, pacing: PACING });
    const outcome = result.pacing?.outcome;
    if (outcome?.kind !== 'gained') throw new Error(`no gain: ${JSON.stringify(outcome)}`);
    expect(result.recommendation.rateBitPerSec).toBeGreaterThan(
      without.result.recommendation.rateBitPerSec ?? Infinity,
    );
    expect(result.recommendation.rateBitPerSec).toBeLessThanOrEqual(0.985 * ADSL.rawBitPerSec);
    expect(outcome.paced.averageMs).toBeLessThan(outcome.unpaced.averageMs);
    expect(outcome.paced.dataBitPerSec).toBeGreaterThan(outcome.unpaced.dataBitPerSec);
    expect(outcome.unpaced.rateBitPerSec).toBe(without.result.recommendation.rateBitPerSec);
  });

  it('never recommends a bandwidth at which answers are not good with pacing, nor more than 98 % of the line', async () => {
    const lines = fc.record({
      seed: fc.nat(),
      rawBitPerSec: fc.integer({ min: 640, max: 100_000 }).map((kbit) => kbit * 1000),
      pacing: fc.record({
        fill: fc.double({ min: 0.7, max: 1.05, noNaN: true }),
        queueMs: fc.integer({ min: 0, max: 300 }),
      }),
    });
    await fc.assert(
      fc.asyncProperty(lines, async (line) => {
        const { result } = await runOnModel(AUTO, line);
        const { pacing, recommendation, lines: searched } = result;
        if (pacing === null) throw new Error('it was not tried');
        if (pacing.outcome.kind !== 'gained') return;
        const used = pacing.lines.filter(
          ({ measurement }) => measurement.rateBitPerSec === recommendation.rateBitPerSec,
        );
        expect(used.at(-1)?.verdict.kind).toBe('good');
        const carried = Math.max(...searched.map(({ figures }) => figures.rawBitPerSec));
        const { paced, unpaced } = pacing.outcome;
        if (paced.rateBitPerSec > unpaced.rateBitPerSec)
          expect(paced.rateBitPerSec).toBeLessThanOrEqual(0.98 * carried);
        expect(paced.dataBitPerSec).toBeGreaterThan(0.96 * unpaced.dataBitPerSec);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the value of the search and leaves pacing out where it makes the line worse', async () => {
    const without = await runOnModel(AUTO);
    const slower = await runOnModel(AUTO, { pacing: { fill: 0.8, queueMs: 5 } });
    expect(slower.result.pacing?.outcome.kind).toBe('lost');
    expect(slower.result.recommendation).toEqual(without.result.recommendation);
    const stored = modelResult([
      await runOnModel({ ...AUTO, otherBitPerSec: 215_000 }, { pacing: { fill: 0.8, queueMs: 5 } }),
    ]);
    expect(stored.inetgwCommand).toMatch(/^inetgw ppp0 215 \d+ --pacing off$/);
  });

  it.each([
    ['the kernel cannot', {}, 'auto', 'no window pacing here: model'],
    [
      'it has no hold on the downloads',
      { pacing: { ...PACING, loweredShare: 0.01 } },
      'auto',
      'it had no hold',
    ],
    ['nobody wants it', { pacing: PACING }, 'off', 'left out, as asked'],
  ] as const)('says so where %s', async (_, line: Partial<ModelLine>, pacing, text) => {
    const without = await runOnModel(AUTO);
    const run = await runOnModel(AUTO, line, { pacing });
    expect(run.result.recommendation).toEqual(without.result.recommendation);
    const [direction] = modelResult([run]).directions;
    if (direction === undefined) throw new Error('no direction');
    expect(formatConclusion(direction, PLAIN)).toContain(
      `window pacing: ${pacing === 'off' ? '' : 'not tried: '}${text}`,
    );
  });

  it('waits for the detail measurement of a grid, and has nothing to say of UP', async () => {
    const overview = await runOnModel(gridTask(1_750_000, 0.75, 1.1, 8, 5), { pacing: PACING });
    expect(overview.result.pacing).toBeNull();
    expect(overview.model.calls).not.toContain('pacing on');
    const detail = await runOnModel(gridTask(1_750_000, 0.9, 1.0, 11, 50), { pacing: PACING });
    expect(detail.result.pacing?.outcome.kind).toBe('gained');
    const up = await runOnModel({ ...AUTO, direction: 'up' }, { direction: 'up', pacing: PACING });
    expect(up.result.pacing).toBeNull();
  });

  it('goes no higher than a grid whose every line was good', async () => {
    const task = gridTask(1_750_000, 0.7, 0.72, 3, 50);
    const { result } = await runOnModel(task, { pacing: PACING });
    expect(result.recommendation.rateBitPerSec).toBeLessThanOrEqual(task.grid.upperBitPerSec);
  });
});

describe('the connections that pacing can have a hold on', () => {
  function session(change: Partial<SessionPorts>) {
    const model = makeModel({ ...ADSL, pacing: PACING });
    const ports: SessionPorts = {
      ...model,
      device: 'ppp0',
      readDevices: () => Promise.resolve(new Map()),
      signal: new AbortController().signal,
      onEvent: () => undefined,
      startLoad: () => undefined,
      beforeNext: () => Promise.resolve(),
      renewLoad: () => Promise.resolve(true),
      ...change,
    };
    const settings = {
      tasks: [AUTO],
      limits: LIMITS,
      pingIntervalMs: 200,
      settleLimitMs: 25_000,
      pacing: 'auto' as const,
    };
    return { model, result: runSession(settings, ports) };
  }

  it('begin after it: its own load is ended and begun anew', async () => {
    const order: string[] = [];
    const { model, result } = session({
      startLoad: () => {
        order.push(`load began after ${model.calls.at(-1) ?? ''}`);
        return {
          status: () => ({
            bytes: 1,
            completed: 0,
            failures: 0,
            lastError: null,
            active: 1,
            tooSmall: null,
            fatal: null,
          }),
          stop: () => {
            order.push('load ended');
            return Promise.resolve();
          },
        };
      },
      renewLoad: () => Promise.reject(new Error('nobody needs to be asked')),
    });
    await result;
    expect(order).toEqual([
      'load began after prepare',
      'load ended',
      'load began after pacing on',
      'load ended',
    ]);
  });

  it("cannot be had where nobody begins the user's own load anew: pacing goes again, and it says so", async () => {
    const { model, result } = session({ renewLoad: () => Promise.resolve(false) });
    const [down] = await result;
    expect(down?.pacing?.outcome).toMatchObject({ kind: 'not-tried' });
    expect(model.calls.slice(-3)).toEqual(['pacing on', 'pacing off', 'restore']);
  });
});

describe('a stored result', () => {
  it('keeps what was measured with pacing, and one of the first versions has none', async () => {
    const result = modelResult([await runOnModel(AUTO, { pacing: PACING })]);
    expect(parseResult(JSON.stringify(result), 'x')).toEqual(result);
    const [direction] = result.directions;
    const old = { ...result, directions: [{ ...direction, pacing: undefined }] };
    expect(parseResult(JSON.stringify(old), 'x').directions[0]?.pacing).toBeNull();
  });
});
