/** One ping that stays and sends many, for whoever looks at a line all the time: a program for each would cost more than the line. */
import { isIP } from 'node:net';
import { TellingProgram } from '../../system/exec/tellingProgram.ts';

export interface PingStreamOptions {
  /** An address: no name is looked up through a full line. */
  host: string;
  /** Send through this device whatever the routing table says. */
  device: string;
  intervalMs: number;
  onAnswer: (roundTripMs: number) => void;
  /** It has ended by itself, and what it said to standard error: nothing where its time was over. */
  onEnd: (said: string) => void;
}

/**
 * It ends by itself after so long: where its service was killed, and no answer comes that it could fail to write, it would
 * go on for ever.
 */
const LASTS_SEC = 600;

/** Runs until it is closed, or its time is over: `onEnd` is then told nothing, and another one may go on. */
export function pingStream({ host, device, intervalMs, onAnswer, onEnd }: PingStreamOptions): TellingProgram {
  const family = isIP(host.split('%')[0] ?? '') === 6 ? ['-6'] : [];
  const often = ['-i', (intervalMs / 1000).toFixed(3), '-w', String(LASTS_SEC)];
  const args = [...family, '-n', ...often, '-I', device, host];
  return new TellingProgram('ping', args, {
    onLine: (line) => {
      const roundTripMs = roundTripIn(line);
      if (roundTripMs !== undefined) onAnswer(roundTripMs);
    },
    onEnd,
  });
}

/** The round trip that a line of ping's output tells; a second answer to the same ping tells none. */
export function roundTripIn(line: string): number | undefined {
  const ms = line.includes('DUP!') ? undefined : / time=([\d.]+) ms/.exec(line)?.[1];
  return ms === undefined ? undefined : Number(ms);
}
