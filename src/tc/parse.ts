/** Reads what tc prints. JSON where this tc writes it, its text where it does not. Pure. */
import type { CakeLeaf, Leaf, RootView, TcView } from './batch.ts';

interface QdiscLine {
  kind: string;
  handle: string;
  parent: string | undefined;
  root: boolean;
  limitPackets: number | undefined;
  quantumBytes: number | undefined;
  cake?: CakeLeaf;
  /** Of HTB: the class of what no rule has put in one. */
  defaultMinor?: number;
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
  const root = qdiscs.find((qdisc) => qdisc.root && qdisc.handle !== '0:');
  const leaves = qdiscs.flatMap(leafOf);
  return {
    // Handle 0: is the kernel's own default queue, which nobody has put there.
    root: root === undefined ? undefined : { kind: root.kind, handle: root.handle, ...setOf(root) },
    ingress: pick(qdiscs.find((qdisc) => qdisc.kind === 'ingress' || qdisc.kind === 'clsact')),
    ...(leaves.length === 0 ? {} : { leaves }),
  };
}

/** What the root was given, as far as tc shows it. */
function setOf({ defaultMinor, cake }: QdiscLine): Omit<RootView, 'kind' | 'handle'> {
  return {
    ...(defaultMinor === undefined ? {} : { defaultMinor }),
    ...(cake?.bandwidth === undefined ? {} : { bandwidth: cake.bandwidth }),
  };
}

/** `0x20` and, of some versions, `20`: both hexadecimal. */
const hexadecimal = (text: unknown): { defaultMinor?: number } => {
  const number = typeof text === 'string' ? Number.parseInt(text, 16) : Number.NaN;
  return Number.isNaN(number) ? {} : { defaultMinor: number };
};

function leafOf({ kind, handle, parent, root, limitPackets, quantumBytes, cake }: QdiscLine): Leaf[] {
  // `ingress` and `clsact` hang at ffff:fff1.
  if (root || parent === undefined || parent.startsWith('ffff:')) return [];
  return [
    {
      kind,
      handle,
      parent,
      ...(limitPackets === undefined ? {} : { limitPackets }),
      ...(quantumBytes === undefined ? {} : { quantumBytes }),
      ...(cake === undefined ? {} : { cake }),
    },
  ];
}

function parseJson(output: string): QdiscLine[] {
  const list = parseJsonOutput('tc', output);
  if (!Array.isArray(list)) throw new UnreadableOutput('tc printed JSON that is no list');
  return list.flatMap((item: unknown): QdiscLine[] => {
    if (typeof item !== 'object' || item === null) return [];
    const qdisc = item as Record<string, unknown>;
    const { kind, handle, parent, root } = qdisc;
    if (typeof kind !== 'string' || typeof handle !== 'string') return [];
    const options = (qdisc['options'] ?? {}) as Record<string, unknown>;
    const number = (name: string): number | undefined =>
      typeof options[name] === 'number' ? options[name] : undefined;
    return [
      {
        kind,
        handle,
        parent: typeof parent === 'string' ? parent : undefined,
        root: root === true,
        limitPackets: number('limit'),
        quantumBytes: number('quantum'),
        ...(kind === 'cake' ? { cake: cakeOf(options) } : {}),
        ...(kind === 'htb' ? hexadecimal(options['default']) : {}),
      },
    ];
  });
}

function cakeOf(options: Record<string, unknown>): CakeLeaf {
  const { bandwidth, flowmode, rtt, memlimit } = options;
  return {
    ...{ bandwidth, flowMode: flowmode, rttUs: rtt, memoryBytes: memlimit },
    ackFilter: options['ack-filter'],
  };
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
    const number = (pattern: RegExp): number | undefined => {
      const digits = pattern.exec(line)?.[1];
      return digits === undefined ? undefined : Number(digits);
    };
    return [
      {
        kind,
        handle,
        parent,
        root: place === 'root',
        limitPackets: number(/ limit (\d+)p /),
        quantumBytes: number(/ quantum (\d+)b? /),
        ...(kind === 'htb' ? hexadecimal(/ default (\S+)/.exec(line)?.[1]) : {}),
      },
    ];
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
    .filter((line) => line !== 'We have an error talking to the kernel')
    // A guess of tc's where it may not mount the BPF file system, as on a read-only /sys; the reason stands before it.
    .filter((line) => !line.startsWith('Continuing without mounted eBPF fs'));
  return lines.map((line) => line.replace(/^Error: /, '')).join('; ') || 'tc gave no reason';
}

/** A filter at a hook of a device, as far as it tells whose it is and what it does to those behind it. */
export interface FilterLine {
  protocol: string;
  pref: number;
  kind: string;
  /** The name of the object file that an eBPF program came from, without its folder. */
  objectFile?: string;
  /** The name of another eBPF program. */
  program?: string;
  /** Packets that it matches may not come to the filters behind it. */
  ends: boolean;
}

/** From the text of `tc filter show dev X ingress`: each filter once, by the line that has its handle, in its order. */
export function parseFilters(output: string): FilterLine[] {
  const line =
    /^filter (?:parent \S+ )?protocol (\S+) pref (\d+) (\S+) .*?(?:handle|fh) \S+(?: (\S+):\[)?(?: ([\w.-]+) )?/;
  const blocks = output.split(/^(?=filter )/m);
  return blocks.flatMap((block): FilterLine[] => {
    const match = line.exec(block);
    if (match === null) return [];
    const [, protocol = '', pref, kind = '', objectFile, program] = match;
    return [
      {
        protocol,
        pref: Number(pref),
        kind,
        ...(objectFile === undefined ? {} : { objectFile }),
        ...(kind !== 'bpf' || objectFile !== undefined || program === undefined ? {} : { program }),
        ends: isEnd(block),
      },
    ];
  });
}

/** Whether the verdict of the last action, or of the filter without actions, is the last word on a packet. */
function isEnd(block: string): boolean {
  if (/ direct-action /.test(`${block.split('\n')[0] ?? ''} `)) return true;
  const last = block.split(/^\s*action order \d+:/m).at(-1) ?? '';
  // Police has two verdicts, `exceed/conform`. Only TC_ACT_UNSPEC goes on (tcf_classify): `pipe` without a next action ends.
  const said = last.split('\n').slice(0, 2).join('\n').replace('continue/continue', 'continue');
  return !/\bcontinue\b(?!\/)/.test(said);
}
