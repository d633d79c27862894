/** What `--replace` takes away and `clear` cannot give back: told before it is done. */
import { readFile } from 'node:fs/promises';
import type { Current } from '../device/device.ts';
import type { Runner } from '../exec/run.ts';
import { ask } from '../exec/runStep.ts';

/** Enough to see whose it is; a tree of thousands of classes has its own program to make it again. */
const MOST_LINES = 20;

/**
 * One line per thing, in tc's own words, so that it can be made again by hand. Nothing where nothing of others stands on
 * the device.
 */
export async function lostByReplacing(current: Current, run: Runner): Promise<string[]> {
  const { device, view, rootIsOurs, ingressIsOurs, others } = current;
  const { root, ingress } = view;
  const ofRoot = root === undefined || rootIsOurs ? [] : await rootObjects(device, run);
  const ofIngress =
    ingress === undefined || (ingressIsOurs && others.length === 0) ? [] : await hookObjects(device, run);
  const lost = [...ofRoot, ...ofIngress];
  if (lost.length === 0) return [];
  const standard = await defaultQdisc();
  const shown = lost
    .slice(0, MOST_LINES)
    .map((line) => `--replace takes away what clear cannot give back: ${line}`);
  return [
    ...shown,
    ...(lost.length > MOST_LINES ? [`and ${lost.length - MOST_LINES} more of these`] : []),
    ...(ofRoot.length > 0 ? [`after clear, the kernel's default stands at root${standard}`] : []),
  ];
}

async function rootObjects(device: string, run: Runner): Promise<string[]> {
  const shown = await Promise.all([
    ask(['tc', 'qdisc', 'show', 'dev', device], run),
    ask(['tc', 'class', 'show', 'dev', device], run),
    ask(['tc', 'filter', 'show', 'dev', device], run),
  ]);
  // Flow queues show their flows as classes; the queues of mq are its own.
  return linesOf(shown.join('\n')).filter(
    (line) => !/^(?:qdisc (?:ingress|clsact) |class (?:fq_codel|fq_pie|sfq|cake|mq) )/.test(line),
  );
}

async function hookObjects(device: string, run: Runner): Promise<string[]> {
  const shown = await Promise.all([
    ask(['tc', 'qdisc', 'show', 'dev', device], run),
    ...(['ingress', 'egress'] as const).map((hook) =>
      ask(['tc', 'filter', 'show', 'dev', device, hook], run),
    ),
  ]);
  const [qdiscs, ...filters] = shown;
  return [
    ...linesOf(qdiscs).filter((line) => /^qdisc (?:ingress|clsact) /.test(line)),
    ...linesOf(filters.join('\n')),
  ];
}

/** The first line of each object; of a filter, the one that has its handle. */
function linesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^(?:qdisc|class|filter) /.test(line))
    .filter(
      (line) => !line.startsWith('filter ') || / (?:handle|fh) \S+/.test(line.replace(/ fh \S+: ht /, ' ')),
    )
    .map((line) => line.trim());
}

/** The setting is shown in the first network namespace alone. */
async function defaultQdisc(): Promise<string> {
  return readFile('/proc/sys/net/core/default_qdisc', 'utf8').then(
    (text) => `: ${text.trim()} (net.core.default_qdisc), or mq with it`,
    () => '',
  );
}
