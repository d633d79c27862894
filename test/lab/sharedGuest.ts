/**
 * The one guest that all lab tests of a run share: booted when first asked for, ended with the process. LAB_SYSTEM=ID: with
 * the kernel and the programs of that system (`scripts/platforms/systems.ts`), else with those of this machine.
 */
import { Guest, type GuestSystem } from './guest.ts';

/** On the global object: whether test files share modules is the test runner's choice. */
const holder = globalThis as { inetgwLabGuest?: Promise<Guest> };

/** The shared guest. Where an earlier test lost it, a new one is booted. */
export async function sharedGuest(): Promise<Guest> {
  const guest = await (holder.inetgwLabGuest ??= boot(process.env['LAB_SYSTEM']));
  if (guest.alive) return guest;
  delete holder.inetgwLabGuest;
  return sharedGuest();
}

async function boot(id: string | undefined): Promise<Guest> {
  return Guest.boot(id === undefined ? {} : { system: await systemOf(id) });
}

async function systemOf(id: string): Promise<GuestSystem> {
  const { systemNamed } = await import('../../scripts/platforms/systems.ts');
  const { labSystem } = await import('../../scripts/platforms/roots.ts');
  return labSystem(systemNamed(id), 'lab');
}
