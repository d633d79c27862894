/** The built process that serves the page, told of a line that the test makes up; no kernel device is needed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { BackLine, FeedLine, Start } from '../../../src/web/feed/snapshot.ts';
import { freePort } from '../../freePort.ts';
import { ROOT } from './built.ts';
import { build } from './buildOnce.ts';

export interface ServedPage {
  url: string;
  pid: number;
  tell: (line: FeedLine) => void;
  end: () => Promise<void>;
}

/**
 * @param start what of its first line is another than nothing
 * @param heard what it says later; what that gives is told it
 */
export async function servePage(
  start: Partial<Start> = {},
  heard?: (line: BackLine) => FeedLine | undefined,
): Promise<ServedPage> {
  await build();
  const port = await freePort();
  const child = spawn(process.execPath, [`${ROOT}/dist/lib/start-page-server.js`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const tell = (line: FeedLine): void => {
    child.stdin.write(`${JSON.stringify(line)}\n`);
  };
  const listen = { kind: 'tcp', host: '127.0.0.1', port } as const;
  tell({ names: [], histories: [], ...start, kind: 'start', listen });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const said = heard?.(JSON.parse(line) as BackLine);
    if (said !== undefined) tell(said);
  });
  const [first] = (await once(lines, 'line')) as [string];
  if (first !== '{"kind":"listening"}') throw new Error(first);
  return {
    url: `http://127.0.0.1:${String(port)}/`,
    pid: child.pid ?? 0,
    tell,
    end: async () => {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
    },
  };
}
