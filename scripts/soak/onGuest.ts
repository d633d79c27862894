/** The frame of a soak in the lab: the first error is said and is the exit code, the guest ends, the time is told. */
import type { Guest } from '../../test/lab/guest.ts';

export async function soakOn(guest: Guest, body: () => Promise<void>): Promise<void> {
  const startedMs = Date.now();
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  } finally {
    await guest.close();
    console.log(`took ${((Date.now() - startedMs) / 60_000).toFixed(0)} min`);
  }
}
