/** `inetgw rules egress|ingress DEV`: the rules that inetgw installs, for those who install them themselves. */
import type { Tuning } from '../../../config/keys.ts';
import { checkTuning } from '../../../config/settings.ts';
import { EXIT, usageError, UserErrors } from '../../../core/errors.ts';
import { nftInstall } from '../../../firewall/nft.ts';
import type { Side } from '../../../firewall/rules.ts';
import { iptablesTable, shellSnippet } from '../../../firewall/snippet.ts';
import { egressRules, ingressRules } from '../../../plan/classes/rules.ts';
import { checkDeviceName } from '../../../system/link/link.ts';
import { configuration, sectionOf, valuesFor, warnOfFile } from '../words/configured.ts';
import type { Options } from '../words/program.ts';

/** The device need not exist: the rules are the same before it comes up. */
export async function rulesCommand(
  side: string | undefined,
  device: string | undefined,
  options: Options,
): Promise<number> {
  if ((side !== 'egress' && side !== 'ingress') || device === undefined)
    throw usageError('rules takes a side and a device: inetgw rules egress ppp0');
  checkDeviceName(device);
  const config = await configuration(options);
  warnOfFile(config);
  const section = sectionOf(config, device);
  const { tuning, errors } = checkTuning(valuesFor(section, options));
  if (errors.length > 0) throw new UserErrors(errors);
  process.stdout.write(rulesText(side, device, tuning, options.format ?? 'sh'));
  return EXIT.ok;
}

function rulesText(side: Side, device: string, tuning: Tuning, format: string): string {
  const egress = egressRules(tuning);
  const ingress = ingressRules(tuning);
  const rules = side === 'egress' ? egress : ingress;
  switch (format) {
    case 'sh':
      return shellSnippet(side, rules, device);
    // One family each: either program would take the other's table, and replace the chains of its own by them.
    case 'iptables-restore':
      return `# for iptables-restore --noflush\n${iptablesTable(side, rules, device, 'ipv4')}`;
    case 'ip6tables-restore':
      return `# for ip6tables-restore --noflush\n${iptablesTable(side, rules, device, 'ipv6')}`;
    case 'nft':
      return nftInstall({ device, egress, ingress }, side);
    default:
      throw usageError(
        `--format ${format} is not known`,
        'known: sh, iptables-restore, ip6tables-restore, nft',
      );
  }
}
