/** Reads what tc prints. JSON where this tc writes it, its text where it does not. Pure. */
import type { TcView } from './batch.ts';

interface QdiscLine {
  kind: string;
  handle: string;
  parent: string | undefined;
  root: boolean;
}

/** What was printed is not what tc prints: another program of that name, or a version not known yet. */
export class UnreadableOutput extends Error {
  override readonly name = 'UnreadableOutput';
}

/** The value of a JSON text. Throws `UnreadableOutput`. */
export function parseJsonOutput(program: string, output: string): unknown {
  try {
    return JSON.parse(output);
  } catch (error) {
    throw new UnreadableOutput(`${program} printed what is no JSON: ${String(error)}`);
  }
}

/**
 * What `tc -j qdisc show dev X` tells of root and ingress. Throws `UnreadableOutput` on what is neither form:
 * taken for an empty list, it would say that nothing stands there.
 */
export function parseTcView(output: string): TcView {
  const qdiscs = output.trimStart().startsWith('[') ? parseJson(output) : parseText(output);
  const pick = (qdisc: QdiscLine | undefined): { kind: string; handle: string } | undefined =>
    qdisc === undefined ? undefined : { kind: qdisc.kind, handle: qdisc.handle };
  return {
    // Handle 0: is the kernel's own default queue, which nobody has put there.
    root: pick(qdiscs.find((qdisc) => qdisc.root && qdisc.handle !== '0:')),
    ingress: pick(qdiscs.find((qdisc) => qdisc.kind === 'ingress' || qdisc.kind === 'clsact')),
  };
}

function parseJson(output: string): QdiscLine[] {
  const list = parseJsonOutput('tc', output);
  if (!Array.isArray(list)) throw new UnreadableOutput('tc printed JSON that is no list');
  return list.flatMap((item: unknown): QdiscLine[] => {
    if (typeof item !== 'object' || item === null) return [];
    const qdisc = item as Record<string, unknown>;
    const { kind, handle, parent, root } = qdisc;
    if (typeof kind !== 'string' || typeof handle !== 'string') return [];
    return [{ kind, handle, parent: typeof parent === 'string' ? parent : undefined, root: root === true }];
  });
}

function parseText(output: string): QdiscLine[] {
  return output.split('\n').flatMap((line): QdiscLine[] => {
    if (line.trim() === '') return [];
    // Further lines of a qdisc, as of sfq and cake, are set in.
    if (/^\s/.test(line)) return [];
    const match = /^qdisc (\S+) ([0-9a-f]+:) (?:dev \S+ )?(root|parent (\S+))?/.exec(line);
    if (match === null) throw new UnreadableOutput(`tc printed '${line.slice(0, 80)}'`);
    const [, kind, handle, place, parent] = match;
    if (kind === undefined || handle === undefined) return [];
    return [{ kind, handle, parent, root: place === 'root' }];
  });
}

/**
 * The line of the batch that tc complains of (from 1), or undefined. tc says `Command failed -:7` behind
 * the reason.
 */
export function failedBatchLine(stderr: string): number | undefined {
  const match = /^Command failed -:(\d+)/m.exec(stderr);
  return match === null ? undefined : Number(match[1]);
}

/** The reason in what tc said about a failed batch, without the lines that only name the place. */
export function batchReason(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('Command failed'))
    .filter((line) => line !== 'We have an error talking to the kernel');
  return lines.map((line) => line.replace(/^Error: /, '')).join('; ') || 'tc gave no reason';
}
