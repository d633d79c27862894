/** Up is client to server, down is server to client: the same words inside, at the prompt and in metrics. */
export type Direction = 'up' | 'down';
export const DIRECTIONS: readonly Direction[] = ['up', 'down'];

/** Limits in bytes per second; none where undefined. */
export interface Limits {
  readonly up: number | undefined;
  readonly down: number | undefined;
}

export const NO_LIMITS: Limits = { up: undefined, down: undefined };
