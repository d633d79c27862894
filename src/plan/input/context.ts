/** What every part of a plan is made from. */
import type { Framing } from './framing.ts';
import type { KernelFacts, LinkFacts } from './link.ts';
import type { ShaperSettings } from './settings.ts';

export interface PlanContext {
  settings: ShaperSettings;
  link: LinkFacts;
  framing: Framing;
  kernel: KernelFacts;
}
