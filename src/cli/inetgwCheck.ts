/** `inetgw check DEV`: what is there and what is missing. */
import { EXIT } from '../errors.ts';
import { defaultFraming, describeFraming } from '../shaper/framing.ts';
import { egressRules, ingressRules } from '../shaper/rules.ts';
import { DEFAULT_SETTINGS } from '../shaper/settings.ts';
import { check, type CheckItem, type CheckResult } from '../system/check.ts';
import { readCurrent } from '../system/device.ts';
import { checkDeviceName, readLink } from '../system/link.ts';
import { requireNetAdmin } from '../system/privilege.ts';
import { run } from '../system/run.ts';
import type { GlobalOptions } from './inetgw.ts';

export async function checkCommand(device: string, options: GlobalOptions): Promise<number> {
  checkDeviceName(device);
  const link = await readLink(device);
  await requireNetAdmin('trying the kernel out');
  const settings = { ...DEFAULT_SETTINGS, device, upBitPerSec: 210_000, downBitPerSec: 1_710_000 };
  const rules = { device, egress: egressRules(settings), ingress: ingressRules(settings) };
  const result = await check(rules, run);
  const current = await readCurrent(device, run);
  const framing = defaultFraming(link.kind, settings);
  const queues = current.inForce !== undefined ? 'inetgw' : (current.view.root?.kind ?? 'the kernel default');
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ device, link, framing, queues, ...result }, null, 2)}\n`);
  } else {
    process.stdout.write(
      `${checkText(result)}\n${device}: ${link.kind}, mtu ${link.mtuBytes}, queues: ${queues}; ` +
        `framing unless told otherwise: ${describeFraming(framing)}\n${verdict(result)}\n`,
    );
  }
  return result.ready ? EXIT.ok : EXIT.missing;
}

function checkText({ kernel, items }: CheckResult): string {
  const width = Math.max(...items.map((item) => item.name.length));
  const lines = items.map(
    (item) =>
      `  ${item.state === 'works' ? 'yes' : ' no'}  ${item.name.padEnd(width)}  ${item.purpose}: ${item.detail}`,
  );
  return [`kernel ${kernel}`, ...lines].join('\n');
}

function verdict({ items, ready }: CheckResult): string {
  const missing = (need: CheckItem['need']): string[] =>
    items.filter((item) => item.state === 'missing' && item.need === need).map((item) => item.name);
  if (ready) {
    const stages = missing('police');
    return stages.length === 0
      ? 'ready'
      : `ready; what comes in will be shaped, not policed: ${stages.join(', ')} missing`;
  }
  const required = missing('required');
  const ingress = missing('shape').length === 0 ? [] : [...missing('police'), ...missing('shape')];
  const leaves = items.every(({ need, state }) => need !== 'leaf' || state === 'missing')
    ? missing('leaf')
    : [];
  const names = [...required, ...(missing('police').length === 0 ? [] : ingress), ...leaves];
  return `not ready: ${names.length > 0 ? names.join(', ') : 'nft or iptables'} missing`;
}
