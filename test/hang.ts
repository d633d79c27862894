/**
 * Real time after which a wait, or a program that was started, is taken for hung. It ends what would never end and
 * decides nothing else: what a test waits for comes about in milliseconds, or in minutes on a busy machine.
 */
export const HANG_MS = 600_000;

/** Waits until the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + HANG_MS;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error('it never came about');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
