/** systemd's units, where it runs. */
import { pathExists } from '../exec/pathExists.ts';
import type { Runner } from '../exec/run.ts';
import { ask } from '../exec/runStep.ts';

/** As sd_booted(3) has it. */
export const isSystemdRunning = (): Promise<boolean> => pathExists('/run/systemd/system');

/**
 * Stops units and waits for it; those that do not run are stopped already.
 * @throws UserError
 */
export async function stopUnits(names: readonly string[], run: Runner): Promise<void> {
  if (names.length > 0) await ask(['systemctl', 'stop', ...names], run, { timeoutMs: 120_000 });
}

/** Has systemd see which units there are. @throws UserError */
export async function reloadUnits(run: Runner): Promise<void> {
  await ask(['systemctl', 'daemon-reload'], run);
}
