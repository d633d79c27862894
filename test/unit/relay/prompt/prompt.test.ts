import { Interface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { runPrompt } from '../../../../src/relay/prompt/prompt.ts';

it('answers every line of an input that ends before the first answer, and prompts no reader that is closed', async () => {
  // Node 24 throws ERR_USE_AFTER_CLOSE; older ones take it.
  const closed: boolean[] = [];
  const prompting = vi.spyOn(Interface.prototype, 'prompt').mockImplementation(function (this: Interface) {
    closed.push((this as Interface & { closed: boolean }).closed);
  });
  const [input, output] = [new PassThrough(), new PassThrough()];
  const executed: string[] = [];
  const executor = {
    execute: async (line: string) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      executed.push(line);
      return { ok: true, text: `did ${line}` };
    },
    complete: (line: string) => Promise.resolve([[], line] as [string[], string]),
    stats: () => Promise.reject(new Error('nobody watches')),
  };
  input.end('one\ntwo\n');
  const streams = { input, output } as unknown as Parameters<typeof runPrompt>[1];
  expect(await runPrompt(executor, streams, new AbortController().signal)).toBe('exit');
  prompting.mockRestore();
  expect(executed).toEqual(['one', 'two']);
  expect(closed).not.toContain(true);
  expect(String(output.read())).toContain('did two\n');
});
