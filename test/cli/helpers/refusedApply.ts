/**
 * Applying to w0 where something refuses, for applyRefused.test.ts inside a namespace of its own: records and files are
 * real, programs answer as they would on a bare device. Prints what is left as JSON.
 */
import { readFile } from 'node:fs/promises';
import { settingsFromArguments } from '../../../src/config/fromArguments.ts';
import { missing } from '../../../src/core/errors.ts';
import { makePlan, type Plan } from '../../../src/plan/plan.ts';
import { apply, prepare } from '../../../src/system/apply/apply.ts';
import { readLink } from '../../../src/system/link/link.ts';
import { makeRunDir } from '../../../src/system/record/runDir.ts';
import { pacingObject, pacingObjectFile } from '../../../src/system/device/pacing.ts';
import { ProgramError, type Runner } from '../../../src/system/exec/run.ts';
import { readState, writeState } from '../../../src/system/record/state.ts';

const DEVICE = 'w0';
const [scenario = ''] = process.argv.slice(2);
const ran: string[] = [];

const SAVED = '*mangle\n:inetgw-out-w0 - [0:0]\n-A POSTROUTING -o w0 -j inetgw-out-w0\nCOMMIT\n';

const runner: Runner = (argv) => {
  const shown = argv.join(' ');
  ran.push(shown);
  const done = (stdout = '') => Promise.resolve({ code: 0, stdout, stderr: '' });
  if (shown.startsWith('unshare --net tc') && scenario.startsWith('no rehearsal'))
    return Promise.reject(missing('unshare was not found'));
  if (shown === 'ip -batch -' && scenario === 'change of tool') {
    const result = { code: 1, stdout: '', stderr: 'RTNETLINK answers: File exists' };
    return Promise.reject(new ProgramError(argv, result, `'${shown}' failed`));
  }
  if (shown.startsWith('tc -j qdisc')) return done('[]');
  return done(/^ip6?tables-save/.test(shown) ? SAVED : '');
};

async function planAt(downKbit: string, firewall: 'nft' | 'iptables'): Promise<Plan> {
  const { settings } = settingsFromArguments(DEVICE, '210', downKbit, {});
  const kernel = { leafQdisc: 'cake', pacingObjectFile: await pacingObjectFile(DEVICE) } as const;
  return makePlan(settings, await readLink(DEVICE), kernel, firewall);
}

async function left(): Promise<object> {
  const file = await readFile(await pacingObjectFile(DEVICE)).catch(() => undefined);
  const reading = await readState(DEVICE);
  const recorded = reading.kind === 'state' ? reading.state.plan.pacing : undefined;
  const object = recorded === undefined ? undefined : await pacingObject(recorded);
  return {
    file: file === undefined ? 'none' : object?.equals(file) === true ? 'of the record' : 'another',
    record: reading.kind,
    ran,
  };
}

await makeRunDir();
const { settings } = settingsFromArguments(DEVICE, '210', '1710', { firewall: 'nft' });
if (scenario !== 'no rehearsal' && scenario !== 'rehearsal') {
  const plan = await planAt('1500', scenario === 'change of tool' ? 'iptables' : 'nft');
  await writeState(DEVICE, { phase: 'active', plan, since: '2026-01-01T00:00:00.000Z' });
}
if (scenario === 'record') process.exit();
const options = { run: runner, replace: false };
const error = await (
  scenario === 'change of tool' ? apply(settings, options) : prepare(settings, { ...options, rehearse: true })
).then(
  () => 'none',
  (thrown: unknown) => String(thrown),
);
process.stdout.write(JSON.stringify({ error, ...(await left()) }));
