/** What a rate that follows its line is at, and why it therefore is what it is: docs/following.md. Pure. */
export const FOLLOW_PHASES = {
  steady: 'as it was set up',
  drain: 'a queue stands at the provider and is drained',
  hold: 'a queue is gone, just below what the line carried',
  probe: 'loaded without a queue, it rises',
} as const;

export type FollowPhase = keyof typeof FOLLOW_PHASES;
