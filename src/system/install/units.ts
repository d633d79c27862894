/** systemd's units, where it runs. */
import { pathExists } from '../exec/pathExists.ts';
import type { Runner } from '../exec/run.ts';
import { answer, ask } from '../exec/runStep.ts';

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

/** A unit as systemd has it: `active` is `active`, `inactive`, `failed` …, `enabled` is `enabled`, `disabled`, `static` …. */
export interface UnitState {
  unit: string;
  active: string;
  /** Null: it has no file. */
  enabled: string | null;
}

/** What `systemctl show` prints of several units. */
export function parseUnits(text: string): UnitState[] {
  return text.split(/\n\n+/).flatMap((block) => {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(block)?.[1] ?? '';
    const [unit, enabled] = [value('Id'), value('UnitFileState')];
    return unit === ''
      ? []
      : [{ unit, active: value('ActiveState'), enabled: enabled === '' ? null : enabled }];
  });
}

/** The units of ours that systemd has loaded; undefined: it does not run, or says nothing. */
export async function readUnits(run: Runner): Promise<UnitState[] | undefined> {
  if (!(await isSystemdRunning())) return undefined;
  const shown = ['--property=Id,ActiveState,UnitFileState', 'inetgw*', 'iprelay*'];
  const text = await answer(['systemctl', 'show', ...shown], run);
  return text === undefined ? undefined : parseUnits(text);
}
