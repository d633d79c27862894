/** The command that sets a device up, in words to type. Pure. */
import type { RawRates } from './framing.ts';

/** `inetgw eth0 588 2940`: in whole kbit/s, never more than what is there. */
export function setUpCommand(device: string, { upBitPerSec, downBitPerSec }: RawRates): string {
  const kbit = (bitPerSec: number): string => String(Math.floor(bitPerSec / 1000));
  return `inetgw ${device} ${kbit(upBitPerSec)} ${kbit(downBitPerSec)}`;
}
