/** What is said of a framing, and what it means on a device: the line's own framing, and the tunnels on the line. Pure. */
import {
  defaultFraming,
  framingByKeyword,
  framingByWord,
  isFramingWord,
  usualWord,
  type Framing,
  type FramingWord,
  type LinkKind,
  type RawRates,
} from './framing.ts';
import {
  isTunnelKeyword,
  stackFraming,
  tunnelByKeyword,
  type TunnelFacts,
  type TunnelKeyword,
} from './tunnels.ts';

/** What the user has said of the line's own framing: all of it, or a word for the line. */
export type LineChoice = Framing | { word: FramingWord };

/** What the user has said of the framing: of the line, or of the line, if anything, and the tunnels on it. */
export type FramingChoice =
  | LineChoice
  | { line: LineChoice | undefined; tunnels: readonly TunnelKeyword[] }
  /** Not to be looked at again: nothing is put on it, whatever the device is. */
  | { exact: Framing };

/** What is wrong with the words of a framing; `unknown`: the word that is none. */
export type FramingProblem = { unknown: string } | { twoLines: [string, string] } | { nothing: true };

/** `vdsl`, `pppoe-ptm`, `wireguard`, `vdsl,wireguard`: at most one for the line, and tunnels, the innermost last. */
export function framingByWords(text: string): FramingChoice | FramingProblem {
  let line: { text: string; choice: LineChoice } | undefined;
  const tunnels: TunnelKeyword[] = [];
  for (const typed of text.toLowerCase().split(/[\s,+]+/)) {
    if (typed === '') continue;
    const word = usualWord(typed);
    if (isTunnelKeyword(word)) {
      tunnels.push(word);
      continue;
    }
    const choice = isFramingWord(word) ? { word } : framingByKeyword(word);
    if (choice === undefined) return { unknown: word };
    if (line !== undefined) return { twoLines: [line.text, word] };
    line = { text: word, choice };
  }
  if (tunnels.length > 0) return { line: line?.choice, tunnels };
  return line === undefined ? { nothing: true } : line.choice;
}

/** The framing that a name such as `docsis,wireguard` says by itself, whatever the device; undefined: it does not. */
export function framingByName(name: string): Framing | undefined {
  const choice = framingByWords(name);
  if ('linkLayer' in choice) return choice;
  if (!('tunnels' in choice) || choice.line === undefined || 'word' in choice.line) return undefined;
  return withTunnels(choice.line, choice.tunnels);
}

const withTunnels = (line: Framing, tunnels: readonly TunnelKeyword[]): Framing =>
  stackFraming(
    line,
    tunnels.map((keyword) => ({ keyword, ...tunnelByKeyword(keyword) })),
  );

/** What of a device's facts its framing follows from. */
export interface FramingLink {
  kind: LinkKind;
  tunnel?: TunnelFacts;
}

/** The kind of the device that the line hangs on: below a tunnel it is another one. */
function lineKind({ kind, tunnel }: FramingLink): LinkKind {
  return tunnel === undefined ? kind : (tunnel.carrier?.kind ?? 'ethernet');
}

function resolveLine(choice: LineChoice | undefined, link: FramingLink, rates: RawRates): Framing {
  if (choice === undefined) return link.tunnel?.carrier?.framing ?? defaultFraming(lineKind(link), rates);
  return 'word' in choice ? framingByWord(choice.word, lineKind(link), rates) : choice;
}

/** Whether a tunnel's own headers come on top: not where all bytes were named, and not on bare packets. */
export function addedTunnel(
  choice: FramingChoice | undefined,
  { tunnel }: FramingLink,
): TunnelFacts | undefined {
  if (choice === undefined) return tunnel;
  if ('tunnels' in choice || 'exact' in choice) return undefined;
  return 'word' in choice || !['custom', 'raw'].includes(choice.name) ? tunnel : undefined;
}

/** The framing that is meant on this device at these rates; without a choice, the default and a tunnel's own headers. */
export function resolveFraming(
  choice: FramingChoice | undefined,
  link: FramingLink,
  rates: RawRates,
): Framing {
  if (choice !== undefined && 'exact' in choice) return choice.exact;
  if (choice !== undefined && 'tunnels' in choice)
    return withTunnels(resolveLine(choice.line, link, rates), choice.tunnels);
  const line = resolveLine(choice, link, rates);
  const tunnel = addedTunnel(choice, link);
  return tunnel === undefined ? line : stackFraming(line, [tunnel]);
}

/** What of the framing was not said by the user, in words; undefined: he has said it, here or for the line below. */
export function framingAssumption(choice: FramingChoice | undefined, link: FramingLink): string | undefined {
  if (choice !== undefined && 'exact' in choice) return undefined;
  const line = choice !== undefined && 'tunnels' in choice ? choice.line : choice;
  if (line === undefined && link.tunnel?.carrier?.framing !== undefined) return undefined;
  const byRates =
    line === undefined ? lineKind(link) === 'ppp' : 'word' in line && ['dsl', 'pppoe'].includes(line.word);
  if (byRates) return 'assumed from the rates, see --framing';
  return line === undefined ? 'assumed, see --framing' : undefined;
}
