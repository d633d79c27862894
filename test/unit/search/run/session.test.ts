/** The order of effects: whatever happens, the line is as before when the session ends. */
import { describe, expect, it } from 'vitest';
import { failure } from '../../../../src/core/errors.ts';
import { runSession, type SessionEvent, type SessionPorts } from '../../../../src/search/run/session.ts';
import type { Task } from '../../../../src/search/decide/task.ts';
import { ADSL, makeModel, type Model } from '../../../model/line.ts';
import { gridTask, LIMITS } from '../../../model/run.ts';

const task: Task = gridTask(1_750_000, 0.8, 0.9, 3, 10);

function start(model: Model, change: Partial<SessionPorts> = {}, tasks: readonly Task[] = [task]) {
  const abort = new AbortController();
  const events: SessionEvent[] = [];
  const ports: SessionPorts = {
    ...model,
    device: 'ppp0',
    readDevices: () => Promise.resolve(new Map()),
    signal: abort.signal,
    onEvent: (event) => events.push(event),
    startLoad: () => undefined,
    beforeNext: () => Promise.resolve(),
    renewLoad: () => Promise.resolve(true),
    ...change,
  };
  const settings = {
    tasks,
    limits: LIMITS,
    pingIntervalMs: 200,
    settleLimitMs: 25_000,
    pacing: 'auto' as const,
  };
  return { abort, events, result: () => runSession(settings, ports) };
}

describe('a session', () => {
  it('prepares once, measures with rates set, and restores last', async () => {
    const model = makeModel(ADSL);
    const { result, events } = start(model);
    await result();
    expect(model.calls[0]).toBe('prepare');
    expect(model.calls.at(-1)).toBe('restore');
    expect(model.calls.filter((call) => call === 'restore')).toHaveLength(1);
    expect(model.rates()).toBe('as before');
    expect(events.filter(({ kind }) => kind === 'line')).toHaveLength(3);
  });

  it('tells each line as soon as it is known, before the next one is measured', async () => {
    const { result, events } = start(makeModel(ADSL));
    await result();
    const order = events.map(({ kind }) => kind).filter((kind) => kind === 'step' || kind === 'line');
    expect(order).toEqual(['step', 'line', 'step', 'line', 'step', 'line']);
  });

  it('restores when aborted at any moment, and says why it ended', async () => {
    for (let after = 0; after < 60; after += 3) {
      const model = makeModel(ADSL);
      let calls = 0;
      const abort = new AbortController();
      const pinger = {
        series: (options: Parameters<Model['pinger']['series']>[0]) => {
          if (calls++ === after) abort.abort(new Error('Ctrl-C'));
          return model.pinger.series(options);
        },
      };
      const { result } = start(model, { pinger, signal: abort.signal });
      const outcome = await result().then(
        () => 'done',
        (error: unknown) => (error as Error).message,
      );
      expect(outcome).toBe(calls > after ? 'Ctrl-C' : 'done');
      expect(model.calls.at(-1)).toBe('restore');
      expect(model.rates()).toBe('as before');
    }
  });

  it('measures nothing when aborted before it began', async () => {
    const model = makeModel(ADSL);
    const { result } = start(model, { signal: AbortSignal.abort(new Error('Ctrl-C')) });
    await expect(result()).rejects.toThrow('Ctrl-C');
    expect(model.calls).toEqual(['restore']);
  });

  it.each(['prepare', 'setRates', 'readCounters'] as const)('restores when %s fails', async (call) => {
    const model = makeModel(ADSL);
    const line = { ...model.line, [call]: () => Promise.reject(failure('tc said no')) };
    const { result } = start(model, { line });
    await expect(result()).rejects.toThrow('tc said no');
    expect(model.calls.at(-1)).toBe('restore');
  });

  it('says first that the shaper could not be put back, and still why it ended', async () => {
    const model = makeModel(ADSL);
    const line = {
      ...model.line,
      setRates: () => Promise.reject(failure('device gone')),
      restore: () => Promise.reject(failure('tc is missing')),
    };
    const { result } = start(model, { line });
    await expect(result()).rejects.toThrow(
      'the earlier shaper could not be put back: tc is missing (after: device gone)',
    );
  });

  it('says that the device went away, whatever failed for it', async () => {
    const model = makeModel(ADSL);
    const line = {
      ...model.line,
      isThere: () => Promise.resolve(false),
      setRates: () => Promise.reject(failure('ping: SO_BINDTODEVICE ppp0: No such device')),
    };
    await expect(start(model, { line }).result()).rejects.toThrow(/^ppp0 went away while it was measured$/);
    expect(model.calls.at(-1)).toBe('restore');
  });

  it('restores even where telling of it fails', async () => {
    const model = makeModel(ADSL);
    const onEvent = ({ kind }: SessionEvent): void => {
      if (kind === 'restoring') throw new Error('EIO: the terminal is gone');
    };
    await expect(start(model, { onEvent }).result()).rejects.toThrow('the terminal is gone');
    expect(model.calls.at(-1)).toBe('restore');
    expect(model.rates()).toBe('as before');
  });

  it('stops its own load before it restores, also on failure', async () => {
    const model = makeModel(ADSL);
    const order: string[] = [];
    const startLoad: SessionPorts['startLoad'] = () => ({
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
        order.push('load stopped');
        return Promise.resolve();
      },
    });
    const line = {
      ...model.line,
      readCounters: () => Promise.reject(failure('gone')),
      restore: () => {
        order.push('restored');
        return Promise.resolve();
      },
    };
    await expect(start(model, { line, startLoad }).result()).rejects.toThrow('gone');
    expect(order).toEqual(['load stopped', 'restored']);
  });

  it('gives up on a load that never starts, with what the server said', async () => {
    const model = makeModel(ADSL);
    const startLoad: SessionPorts['startLoad'] = () => ({
      status: () => ({
        bytes: 0,
        completed: 0,
        failures: 3,
        lastError: 'the server answered 404',
        active: 0,
        tooSmall: null,
        fatal: null,
      }),
      stop: () => Promise.resolve(),
    });
    await expect(start(model, { startLoad }).result()).rejects.toThrow(
      'the load does not start: the server answered 404',
    );
    expect(model.rates()).toBe('as before');
  });

  it("uses the first direction's value while AUTO measures the second one", async () => {
    const model = makeModel(ADSL);
    const seen: unknown[] = [];
    const line = {
      ...model.line,
      setRates: (rates: Parameters<Model['line']['setRates']>[0]) => {
        seen.push(rates.downBitPerSec);
        return model.line.setRates(rates);
      },
    };
    let firstPart = 0;
    const { result } = start(
      model,
      {
        line,
        beforeNext: () => {
          firstPart = seen.length;
          return Promise.resolve();
        },
      },
      [
        { mode: 'auto', direction: 'down', otherBitPerSec: null },
        { mode: 'auto', direction: 'up', otherBitPerSec: null },
      ],
    );
    const [down] = await result();
    expect(down?.recommendation.rateBitPerSec).not.toBeNull();
    expect(new Set(seen.slice(firstPart))).toEqual(new Set([down?.recommendation.rateBitPerSec]));
  });
});
