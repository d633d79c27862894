/** What is said of a device that is a tunnel: what was counted for it, and what to type if that is not meant. Pure. */
import { type RawRates } from './framing.ts';
import {
  addedTunnel,
  framingAssumption,
  resolveFraming,
  type FramingChoice,
  type FramingLink,
} from './framingChoice.ts';
import { setUpCommand } from './setUpCommand.ts';
import type { TunnelFacts } from './tunnels.ts';

export function tunnelNotices(
  choice: FramingChoice | undefined,
  link: FramingLink & { device: string },
  rates: RawRates,
): string[] {
  return [...countedNotice(choice, link, rates), ...lineNotice(choice, link, rates)];
}

/** Empty where nothing was put on what the user said of the framing. */
function countedNotice(
  choice: FramingChoice | undefined,
  link: FramingLink & { device: string },
  rates: RawRates,
): string[] {
  const tunnel = addedTunnel(choice, link);
  if (tunnel === undefined) return [];
  const { device } = link;
  const { what, bytes, isKnown } = tunnel;
  const is = isKnown ? `${device} is a tunnel, ${what}` : `${device} is a tunnel; ${what} is assumed`;
  const [line = '?'] = resolveFraming(choice, link, rates).name.split(',');
  const otherwise = isKnown ? '' : `; if it is another: --framing ${line},wireguard for one, see --help`;
  return [
    `${is}: ${bytes} bytes are counted for it, on top of ${line}${whose(choice, link, tunnel)}${otherwise};` +
      ' if UP and DOWN are the rates inside it: --framing raw',
  ];
}

/** That the line below is not shaped: the tunnel's own queues do not see what else is on it. */
function lineNotice(
  choice: FramingChoice | undefined,
  { device, tunnel }: FramingLink & { device: string },
  rates: RawRates,
): string[] {
  const isOfLine = choice === undefined || 'tunnels' in choice || 'word' in choice;
  const carrier = tunnel?.carrier;
  if (!isOfLine || carrier === undefined || carrier.framing !== undefined) return [];
  const command = setUpCommand(carrier.device, rates);
  return [
    `${carrier.device}, which carries ${device}, is not shaped: for what else is on the line, also: ${command}`,
  ];
}

/** Whose framing the one below the tunnel is. */
function whose(choice: FramingChoice | undefined, link: FramingLink, { carrier }: TunnelFacts): string {
  const below = carrier?.device ?? 'the line below';
  if (choice === undefined && carrier?.framing !== undefined) return `, as ${below} is set up`;
  return framingAssumption(choice, link) === undefined ? '' : `, which is assumed of ${below}`;
}
