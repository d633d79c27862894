/** `inetgw config check [FILE]` and `inetgw config example`. */
import { allWarnings, requireFaultless } from '../../../config/file.ts';
import { EXIT, UserError, UserErrors } from '../../../core/errors.ts';
import { printableLine } from '../../../core/printable.ts';
import { readTemplate } from '../../../system/install/templates.ts';
import { formatRate, parseRateBitPerSec } from '../../../core/units.ts';
import { requireConfiguration } from '../words/configured.ts';
import type { Options } from '../words/program.ts';
import { warn } from '../../common/warn.ts';

/** Every key with its default, to begin with: `inetgw config example > /etc/inetgw.conf`. */
export async function configExampleCommand(): Promise<number> {
  process.stdout.write(await readTemplate('inetgw.conf.example'));
  return EXIT.ok;
}

export async function configCheckCommand(file: string | undefined, options: Options): Promise<number> {
  const named = file ?? options.config;
  const json = (report: object): void => {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  };
  try {
    const config = await requireConfiguration(named === undefined ? {} : { config: named });
    requireFaultless(config);
    const warnings = allWarnings(config);
    const devices = config.sections.map(({ device, rates }) => ({
      device,
      upBitPerSec: rates === undefined ? null : (parseRateBitPerSec(rates.up.text) ?? null),
      downBitPerSec: rates === undefined ? null : (parseRateBitPerSec(rates.down.text) ?? null),
    }));
    if (options.json === true) {
      json({ file: config.file, ok: true, devices, warnings });
      return EXIT.ok;
    }
    if (options.quiet === true) return EXIT.ok;
    for (const warning of warnings) warn(warning);
    const lines = devices.map(({ device, upBitPerSec, downBitPerSec }) =>
      upBitPerSec === null || downBitPerSec === null
        ? `  ${device}: no rates`
        : `  ${device}: up ${formatRate(upBitPerSec)}, down ${formatRate(downBitPerSec)}`,
    );
    const right = `${printableLine(config.file)} is right`;
    const nothing =
      config.hostLimits.length === 0
        ? 'no section: nothing is set up by it'
        : 'no section for a device: its limits are for those that are set up by hand';
    const found = lines.length === 0 ? [`${right}, and has ${nothing}`] : [right, ...lines];
    process.stdout.write(`${found.join('\n')}\n`);
    return EXIT.ok;
  } catch (error) {
    if (options.json !== true) throw error;
    if (!(error instanceof UserErrors) && !(error instanceof UserError)) throw error;
    const errors = error instanceof UserErrors ? error.errors : [error];
    json({ ok: false, errors: errors.map(({ message, hint }) => ({ message, hint: hint ?? null })) });
    return errors[0]?.exitCode ?? EXIT.config;
  }
}
