/** Actions in what `tc -s filter show` prints without `-j`. Pure; tested on recorded output of several versions. */
import { shownRate } from './htbText.ts';

/** One action by kind and index (`police 5`), with all lines that tc prints of it. */
export interface ActionText {
  key: string;
  text: string;
}

/** Actions whose index tc does not show are left out: some versions do not show that of skbedit. */
export function actionTexts(output: string): ActionText[] {
  return output
    .split(/^\s*action order \d+:/m)
    .slice(1)
    .flatMap((text) => {
      const [, kind = '', hexadecimal] = /^\s*([a-z]+)(?: 0x([0-9a-f]+))?/.exec(text) ?? [];
      const decimal = /\bindex (\d+)/.exec(text)?.[1];
      const index = hexadecimal === undefined ? Number(decimal) : Number.parseInt(hexadecimal, 16);
      return Number.isSafeInteger(index) ? [{ key: `${kind} ${index}`, text }] : [];
    });
}

/** What an action does, as far as tc shows it. */
export interface ActionDoes {
  /** `pipe`; of police what exceeds and, unless it is `ok`, what conforms: `continue/pipe`. */
  verdict?: string;
  /** Of police, less what tc cuts off (below 0.1 %); 0: it has none. */
  rateBitPerSec?: number;
}

const POLICE = /^\s*police 0x[0-9a-f]+ rate (\d+)([KMGT]?)bit .*? action ([a-z]+(?:\/[a-z]+)?)/;
const SKBEDIT = /^\s*skbedit .*?([a-z]+) *$/m;

/** Of police and skbedit actions; nothing of others, and of what cannot be read. */
export function actionDoes({ text }: ActionText): ActionDoes {
  const [, skbedit] = SKBEDIT.exec(text) ?? [];
  if (skbedit !== undefined) return { verdict: skbedit };
  const [, number, unit, verdict] = POLICE.exec(text) ?? [];
  if (verdict === undefined) return {};
  return {
    verdict: verdict.replace(/\/(?:ok|pass)$/, ''),
    rateBitPerSec: shownRate(number, unit),
  };
}
