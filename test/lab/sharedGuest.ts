/** The one guest that all lab tests of a run share: booted when first asked for, ended with the process. */
import { Guest } from './guest.ts';

/** On the global object: whether test files share modules is the test runner's choice. */
const holder = globalThis as { inetgwLabGuest?: Promise<Guest> };

/** The shared guest. Where an earlier test lost it, a new one is booted. */
export async function sharedGuest(): Promise<Guest> {
  const guest = await (holder.inetgwLabGuest ??= Guest.boot());
  if (guest.alive) return guest;
  delete holder.inetgwLabGuest;
  return sharedGuest();
}
