/**
 * Everything that reads text from outside, each with the facts that must hold whatever the text is. An input
 * may be refused with a `UserError`; any other error is a crash. Used by the fuzzer (scripts/fuzz) and, with the
 * corpus and with generated texts, by test/unit/fuzz.test.ts.
 */
import { makeProgram as inetgwProgram } from '../../src/cli/inetgw/words/program.ts';
import { makeProgram as iprelayProgram, readSettings } from '../../src/cli/iprelay.ts';
import { messageLine } from '../../src/core/messageLine.ts';
import { makeProgram as searchbwProgram } from '../../src/cli/searchbw.ts';
import { parseConfiguration } from '../../src/config/file.ts';
import { settingsFromArguments, settingsFromValues } from '../../src/config/fromArguments.ts';
import { UserError, UserErrors } from '../../src/core/errors.ts';
import { parseIptablesCounters, parseNftCounters } from '../../src/firewall/counters.ts';
import { iptablesRemove, savedProblem } from '../../src/firewall/iptables.ts';
import { iptablesStanding } from '../../src/firewall/standing.ts';
import { complete } from '../../src/relay/prompt/complete.ts';
import { parseRequest, parseResponse } from '../../src/relay/control/protocol.ts';
import { DIRECTIONS } from '../../src/relay/settings/direction.ts';
import { DEFAULT_OPTIONS } from '../../src/relay/forwarding/forwarder.ts';
import { parseCommand } from '../../src/relay/settings/grammar.ts';
import { formatLimits, withFaults, withLimits } from '../../src/relay/prompt/options.ts';
import { parseSchedule, stepAt } from '../../src/relay/settings/schedule.ts';
import { parseConfig } from '../../src/relay/daemon/config.ts';
import { formatSpec, parseSpec } from '../../src/relay/settings/spec.ts';
import { reportPage } from '../../src/search/result/html.ts';
import { checkArguments } from '../../src/search/arguments/arguments.ts';
import type { RawOptions } from '../../src/search/arguments/rawOptions.ts';
import { readAddresses } from '../../src/line/device.ts';
import { PLAIN } from '../../src/search/result/lines.ts';
import { renderResult } from '../../src/search/result/output.ts';
import { readAnswer, readFailure } from '../../src/line/ping/ping.ts';
import { parseResult } from '../../src/search/result/resultFile.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { ShaperSettings } from '../../src/plan/input/settings.ts';
import { firewallSteps, stepsAsScript, tcStep } from '../../src/plan/steps.ts';
import { batchReason, failedBatchLine, parseTcView, UnreadableOutput } from '../../src/tc/parse.ts';
import { parseActionStatistics, parseQdiscStatistics } from '../../src/tc/statistics.ts';
import { setUpLines, tearDownLines } from '../../src/tc/batch.ts';
import { parseState } from '../../src/system/record/state.ts';
import { formatRate, parseDurationMs, parseRateBitPerSec, parseSizeBytes } from '../../src/core/units.ts';

export type Target = (text: string) => void | Promise<void>;

function hold(fact: boolean, what: string): asserts fact {
  if (!fact) throw new Error(`does not hold: ${what}`);
}

/** Runs `body`; a user's error is fine if it can be shown. `place` is what each message must begin with. */
export async function refusing(body: () => unknown, place?: RegExp): Promise<void> {
  try {
    await body();
  } catch (error) {
    const errors = error instanceof UserErrors ? error.errors : [error];
    hold(errors.length > 0, 'an error says something');
    for (const each of errors) {
      if (!(each instanceof UserError)) throw each;
      hold(each.message.trim() !== '', 'a message says something');
      hold(place === undefined || place.test(each.message), `a message says where: ${each.message}`);
      const shown = messageLine('inetgw', each.message);
      hold(!/(?![\n])\p{Cc}/u.test(shown.replaceAll('\t', '')), 'a message does not steer the terminal');
    }
  }
}

/** Commander's own refusals are worded by it; everything is checked only for words that it takes. */
function wordsOf(text: string): string[] {
  return text.split('\n');
}

const LINK = { device: 'ppp0', ifindex: 7, kind: 'ppp', mtuBytes: 1492 } as const;

/** What is handed to tc, nft and iptables has no signs but these: nothing there can begin something else. */
const PLAIN_INPUT = /^[\w .:,;/{}"*@<>=!&|()[\]#+-]*$/;

/** Settings that were accepted make a plan whose texts hold what was typed and nothing besides. */
function checkPlan(settings: ShaperSettings): void {
  for (const backend of ['nft', 'iptables'] as const) {
    const kernel = { leafQdisc: 'cake', pacingObjectFile: '/run/inetgw/x.o' } as const;
    const plan = makePlan(settings, { ...LINK, device: settings.device }, kernel, backend);
    const steps = [tcStep(setUpLines(plan.tc)), ...firewallSteps(plan, 'ours', ['ipv4', 'ipv6'])];
    for (const { argv, input } of steps) {
      hold(
        argv.every((word) => /^[\w-]+$/.test(word)),
        'programs get fixed words',
      );
      for (const line of input.split('\n')) {
        hold(PLAIN_INPUT.test(line), `only plain signs: ${line}`);
        hold(line !== 'EOF', 'no end of a here-document');
        const rest = line.replaceAll(settings.device, '');
        hold(!/\b(?:NaN|undefined|null|Infinity)\b/.test(rest), `numbers are numbers: ${line}`);
      }
    }
    hold(stepsAsScript(steps).includes(settings.device), 'the device is named');
  }
}

async function inetgwArguments(text: string): Promise<void> {
  const taken: { words: string[]; options: object }[] = [];
  const program = inetgwProgram((words, options) => {
    taken.push({ words, options });
  });
  if (!parses(program, text)) return;
  for (const { words, options } of taken) {
    const [device = '', up = '', down = ''] = words;
    await refusing(() => {
      checkPlan(settingsFromArguments(device, up, down, options).settings);
    });
  }
}

async function searchbwArguments(text: string): Promise<void> {
  const program = searchbwProgram();
  if (!parses(program, text)) return;
  const { settings, errors } = checkArguments(program.args, program.opts<RawOptions>());
  hold((settings === undefined) === errors.length > 0, 'settings or errors');
  await refusing(() => {
    if (errors.length > 0) throw new UserErrors(errors);
  });
}

async function iprelayArguments(text: string): Promise<void> {
  const program = iprelayProgram();
  if (!parses(program, text)) return;
  const flags: Parameters<typeof readSettings>[0] = program.opts();
  // A file of that name would be read: what is in it is the matter of another target.
  if (flags.config !== undefined) return;
  await refusing(async () => {
    const { name, forwarders } = await readSettings(flags, program.args);
    hold(/^[\w.-]{1,32}$/.test(name) && !name.startsWith('.'), 'a name is no path');
    for (const { spec } of forwarders) {
      hold(parseSpec(formatSpec(spec)).ok, 'a specification reads back');
    }
  });
}

function parses(program: ReturnType<typeof searchbwProgram>, text: string): boolean {
  program.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  try {
    program.parse(wordsOf(text), { from: 'user' });
    return true;
  } catch (error) {
    if (error instanceof Error && error.constructor.name.includes('CommanderError')) return false;
    throw error;
  }
}

const PLACE = /^f:\d+:\d+: /;

async function inetgwFile(text: string): Promise<void> {
  await refusing(async () => {
    const { sections, errors } = parseConfiguration(text, 'f');
    const all = [...errors, ...sections.flatMap((section) => section.errors)];
    await refusing(() => {
      if (all.length > 0) throw new UserErrors(all);
    }, PLACE);
    if (all.length > 0) return;
    for (const { device, rates, values } of sections) {
      if (rates !== undefined) checkPlan(settingsFromValues(device, rates.up, rates.down, values).settings);
    }
  }, PLACE);
}

const iprelayFile: Target = (text) =>
  refusing(() => {
    const { forwarders } = parseConfig(text, 'f');
    for (const { spec } of forwarders) hold(parseSpec(formatSpec(spec)).ok, 'a specification reads back');
  }, PLACE);

/** Lines of the prompt are refused by an answer, never by an exception. */
function promptLine(text: string): void {
  const command = parseCommand(text);
  const [words, part] = complete(text, { forwarders: [1, 99], connections: ['CONN000001'] });
  hold(
    words.every((word) => word.startsWith(part)),
    'a completion completes',
  );
  if (command.kind === 'error') hold(command.message !== '', 'a refusal says something');
  if (command.kind === 'set-fault') withFaults(DEFAULT_OPTIONS, DIRECTIONS, command.changes);
  if (command.kind === 'set-forwarder') {
    hold(parseSpec(formatSpec(command.spec)).ok, 'a specification reads back');
    const limits = formatLimits(withLimits(DEFAULT_OPTIONS, command.limits));
    hold(!/NaN|undefined/.test(limits), 'limits are numbers');
  }
}

function controlLine(text: string): void {
  const request = parseRequest(text);
  if (request !== undefined && 'line' in request) promptLine(request.line);
  parseResponse(text);
}

function schedule(text: string): void {
  const steps = parseSchedule(text);
  if (typeof steps === 'string') {
    hold(/^(?:line \d+: |no steps)/.test(steps), 'an error says where');
    return;
  }
  for (const elapsedMs of [0, 1, 12_345, 1e12]) {
    const now = stepAt(steps, elapsedMs);
    hold(now !== undefined && now.nextInMs > 0, 'a step ends');
  }
}

/** What programs print is either read or refused as unreadable. */
function tcOutput(text: string): void {
  readable(() => {
    const view = parseTcView(text);
    for (const line of tearDownLines('ppp0', view))
      hold(/^qdisc del dev ppp0 \S+$/.test(line), 'one command');
  });
  readable(() => {
    for (const counters of parseQdiscStatistics(text).values()) allNumbers(counters);
  });
  readable(() => {
    for (const counters of parseActionStatistics(text).values()) allNumbers(counters);
  });
  failedBatchLine(text);
  hold(batchReason(text) !== '', 'a reason says something');
}

function readable(body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof UnreadableOutput)) throw error;
  }
}

function allNumbers(counters: object): void {
  hold(Object.values(counters).every(Number.isFinite), 'counters are numbers');
}

function firewallOutput(text: string): void {
  for (const counters of parseNftCounters(text).values()) allNumbers(counters);
  for (const counters of parseIptablesCounters(text, 'ppp0').values()) allNumbers(counters);
  if (savedProblem(text) !== undefined) return;
  iptablesStanding({ device: 'ppp0', egress: [], ingress: [] }, 'ipv4', text);
  const removal = iptablesRemove('ppp0', text);
  const lines = removal?.trimEnd().split('\n') ?? [];
  for (const line of lines) {
    hold(/^(?:\*mangle|COMMIT|-[DFX] .*)$/.test(line), `takes away and adds nothing: ${line}`);
    hold(!/^-[FX] /.test(line) || /^-[FX] inetgw-\S+-ppp0$/.test(line), `chains of ours only: ${line}`);
  }
}

async function pingOutput(text: string): Promise<void> {
  const answer = readAnswer('192.0.2.1', text);
  if (answer?.kind === 'answer') hold(answer.rttMs >= 0, 'a time');
  await refusing(() => {
    const reply = readFailure('192.0.2.1', text);
    hold(reply.kind !== 'answer', 'no answer out of a failure');
  });
}

async function ipOutput(text: string): Promise<void> {
  const { peer } = await readAddresses('ppp0', () => Promise.resolve({ code: 0, stdout: text, stderr: '' }));
  hold(peer === null || /^[0-9a-fA-F.:]+$/.test(peer), 'an address');
}

const resultFile: Target = (text) =>
  refusing(() => {
    const result = parseResult(text, 'f');
    const page = reportPage(result);
    const tags = page.match(/<script/g) ?? [];
    hold(tags.length === 1, 'one script element, the data');
    const output = { format: 'text', reportFile: null, saveFile: null, plot: true, logScale: true } as const;
    const screen = { paint: PLAIN, color: false, width: 80 };
    const shown = renderResult(result, { ...output, color: false, quiet: true }, screen);
    hold(!/(?![\n\t])\p{Cc}/u.test(shown), 'nothing steers the terminal');
  }, /^f /);

function stateFile(text: string): void {
  const state = parseState(text, 'ppp0');
  if (state !== undefined) setUpLines(state.plan.tc);
}

function units(text: string): void {
  for (const value of [parseRateBitPerSec(text), parseSizeBytes(text), parseDurationMs(text)]) {
    hold(value === undefined || (Number.isFinite(value) && value >= 0), 'a number or nothing');
  }
  const rate = parseRateBitPerSec(text);
  if (rate !== undefined && rate <= 1e12) hold(!formatRate(rate).includes('NaN'), 'a rate prints');
}

export const TARGETS = {
  'inetgw-arguments': inetgwArguments,
  'searchbw-arguments': searchbwArguments,
  'iprelay-arguments': iprelayArguments,
  'inetgw-file': inetgwFile,
  'iprelay-file': iprelayFile,
  'prompt-line': promptLine,
  'control-line': controlLine,
  schedule,
  'tc-output': tcOutput,
  'firewall-output': firewallOutput,
  'ping-output': pingOutput,
  'ip-output': ipOutput,
  'result-file': resultFile,
  'state-file': stateFile,
  units,
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;
export const TARGET_NAMES = Object.keys(TARGETS) as readonly TargetName[];
