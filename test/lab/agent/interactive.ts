/** The agent's side of the interactive flows: starts both ends, gives the word, collects. */
import type { MeasureOptions, MeasureResult } from '../measure.ts';
import { signalJob, startJob, type Job } from './jobs.ts';
import type { PeerResult, PeerSettings } from './peer.ts';

export interface Interactive {
  jobs: Job[];
  go: (windowMs: number) => void;
  results: () => Promise<Pick<MeasureResult, 'voip' | 'echo' | 'pages'>>;
}

/** Starts both ends and returns once they have heard of each other. */
export async function startInteractive(
  where: NonNullable<MeasureOptions['interactive']>,
): Promise<Interactive> {
  const start = (ns: string, settings: PeerSettings): Job =>
    startJob(
      { argv: [process.execPath, process.argv[1] ?? '', 'peer', JSON.stringify(settings)], ns },
      { keepInput: true },
    );
  const { serverAddress } = where;
  const server = start(where.serverNs, { role: 'server', serverAddress });
  await saidReady(server);
  const client = start(where.clientNs, { role: 'client', serverAddress });
  await saidReady(client);
  const jobs = [server, client];
  return {
    jobs,
    go: (windowMs) => {
      for (const job of jobs) job.child.stdin?.write(`${windowMs}\n`);
    },
    results: async () => {
      const [atServer, atClient] = await Promise.all(jobs.map(resultOf));
      if (atServer === undefined || atClient === undefined) throw new Error('a peer is missing');
      return {
        voip: {
          up: { sent: atClient.sent, delaysMs: atServer.delaysMs },
          down: { sent: atServer.sent, delaysMs: atClient.delaysMs },
        },
        ...(atClient.echo === undefined ? {} : { echo: atClient.echo }),
        ...(atClient.pages === undefined ? {} : { pages: atClient.pages }),
      };
    },
  };
}

/** Far longer than a program takes to start, or its first packets on the slowest line. */
const READY_WITHIN_MS = 60_000;

/** Waits for a program's first word. */
export function saidReady(job: Job): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`an end of a flow was not ready within ${READY_WITHIN_MS / 1000} s`));
    }, READY_WITHIN_MS);
    job.child.stdout?.once('data', () => {
      clearTimeout(timer);
      resolve();
    });
    void job.ended.then(({ stderr }) => {
      reject(new Error(`an end of a flow could not start: ${stderr}`));
    });
  });
}

async function resultOf(job: Job): Promise<PeerResult> {
  const { stdout, stderr, code } = await job.ended;
  signalJob(job, 'SIGKILL');
  if (code !== 0) throw new Error(`an end of the interactive flows failed: ${stderr}`);
  return JSON.parse(stdout.slice(stdout.indexOf('\n') + 1)) as PeerResult;
}
