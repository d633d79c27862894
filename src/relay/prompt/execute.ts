/** Carries out one command on the relay and says what the original would have said. */
import { UserError } from '../../core/errors.ts';
import { VERSION } from '../../core/version.ts';
import { type Direction, NO_LIMITS } from '../settings/direction.ts';
import { formatFaults } from '../settings/faults.ts';
import { DEFAULT_OPTIONS, type Forwarder, type ForwarderOptions } from '../forwarding/forwarder.ts';
import { type Command, parseCommand, type TimesOwner } from '../settings/grammar.ts';
import { HELP } from './help.ts';
import { formatLocal, zoneName } from '../forwarding/localTime.ts';
import { formatLimits, formatTotal, loadSchedules, withFaults, withLimits } from './options.ts';
import type { Relay } from '../forwarding/relay.ts';
import { inForceText, renderShare, renderStats, renderTimes, timesCommand } from './render.ts';
import { unknownHostWarning } from '../lookup/resolve.ts';
import { formatSpec } from '../settings/spec.ts';
import { keysOf, keysOfWord, type TimedLimits } from '../settings/times.ts';
import { collectStats, collectSummary, timesStatus } from '../statistics/stats.ts';
import { VARIABLE_NAMES } from '../settings/variables.ts';

/** The answer to a line; `then` is what the prompt itself has to do. */
export interface Reply {
  readonly ok: boolean;
  readonly text: string;
  readonly then?: 'watch' | 'exit';
}

const say = (text: string): Reply => ({ ok: true, text });
const refuse = (text: string): Reply => ({ ok: false, text });

/** Executes a line. Never throws for what a user can cause; nothing is changed by a line that is refused. */
export async function execute(relay: Relay, line: string): Promise<Reply> {
  try {
    return await carryOut(relay, parseCommand(line));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return refuse(error.hint === undefined ? error.message : `${error.message} (${error.hint})`);
  }
}

async function carryOut(relay: Relay, command: Command): Promise<Reply> {
  switch (command.kind) {
    case 'nothing':
      return say('');
    case 'error':
      return refuse(command.message);
    case 'help':
      return say(HELP[command.topic]);
    case 'watch':
    case 'exit':
      return { ok: true, text: '', then: command.kind };
    case 'show':
      return say(show(relay, command.what, command.json));
    case 'show-share':
      return showShare(relay, command.json);
    case 'show-variable': {
      const { name, json } = command;
      const value = relay.variables[name];
      return say(json ? JSON.stringify({ [name]: value }) : `${name}\t${value}`);
    }
    case 'set-variable':
      relay.setVariable(command.parsed);
      return say(
        `${command.parsed.name}\t${command.parsed.value}${instead(relay, 'process', [command.parsed.name])}`,
      );
    case 'limit-group':
      return limitGroup(relay, command);
    case 'delete-group':
      return relay.deleteGroup(command.name)
        ? say(`group ${command.name} deleted.`)
        : refuse(`No such group: ${command.name}, try: set group ?`);
    case 'set-forwarder':
      return setForwarder(relay, command);
    case 'limit-forwarder': {
      const forwarder = relay.forwarders.get(command.number);
      if (forwarder === undefined) return noForwarder(command.number);
      await changeOptions(relay, forwarder, withLimits(forwarder.options, command.limits));
      return say(
        `forwarder ${command.number} set.${instead(relay, { forwarder: command.number }, Object.keys(command.limits))}`,
      );
    }
    case 'delete-forwarder':
      return (await relay.removeForwarder(command.number))
        ? say(`forwarder ${command.number} deleted.`)
        : noForwarder(command.number);
    case 'set-times':
      return setTimes(relay, command);
    case 'set-fault':
      return setFault(relay, command);
    case 'kill':
      return relay.kill(command.name) ? say('') : refuse(`No such connection: ${command.name}`);
    case 'kill-all':
      relay.killAll();
      return say('');
  }
}

async function showShare({ shared }: Relay, json: boolean): Promise<Reply> {
  if (shared === undefined) return refuse('The limit is not shared.');
  const sharers = await shared.sharers();
  const { status } = shared;
  return say(json ? JSON.stringify({ ...status, sharers }) : renderShare(status, sharers));
}

function limitGroup(relay: Relay, { name, limits }: Command & { kind: 'limit-group' }): Reply {
  const old = { ...DEFAULT_OPTIONS, limits: relay.groups.get(name)?.limits ?? NO_LIMITS };
  relay.setGroup(name, withLimits(old, limits).limits);
  return say(`${groupLine(relay, name).trim()}${instead(relay, { group: name }, Object.keys(limits))}`);
}

async function setTimes(relay: Relay, { of, times }: Command & { kind: 'set-times' }): Promise<Reply> {
  if (of === 'process') relay.setTimes(times);
  else if ('group' in of) {
    const group = relay.groups.get(of.group);
    if (group === undefined) return refuse(`No such group: ${of.group}, try: set group ?`);
    relay.setGroup(of.group, group.limits, times);
  } else {
    const forwarder = relay.forwarders.get(of.forwarder);
    if (forwarder === undefined) return noForwarder(of.forwarder);
    await changeOptions(relay, forwarder, { ...forwarder.options, times });
  }
  return say(showTimes(relay));
}

function showTimes(relay: Relay): string {
  return renderTimes(timesStatus(relay), `${formatLocal(Date.now())}, ${zoneName() ?? 'UTC'}`);
}

/** What was set is not in force where it is a time with another limit: who sets it has to hear that. */
function instead(relay: Relay, of: TimesOwner, words: readonly string[]): string {
  const name = of === 'process' ? of : 'group' in of ? `group ${of.group}` : `forwarder ${of.forwarder}`;
  const keys = words.flatMap(keysOfWord);
  const timed = timedOf(relay, of);
  const status = timesStatus(relay).find((each) => each.of === name);
  if (status === undefined || !keysOf(timed).some((key) => keys.includes(key))) return '';
  return `\nNow another limit holds, by time: ${inForceText(status)}`;
}

function timedOf(relay: Relay, of: TimesOwner): TimedLimits {
  if (of === 'process') return relay.timed.limits;
  const owner = 'group' in of ? relay.groups.get(of.group) : relay.forwarders.get(of.forwarder);
  return owner?.timed.limits ?? {};
}

async function setForwarder(relay: Relay, command: Command & { kind: 'set-forwarder' }): Promise<Reply> {
  const { number, spec, limits } = command;
  const { group } = limits;
  if (group !== undefined && group !== 'off' && relay.groups.get(group) === undefined)
    return refuse(`No such group: ${group}, forwarder not set. Try: set group ?`);
  await relay.setForwarder(number, spec, withLimits(DEFAULT_OPTIONS, limits));
  const warning = await unknownHostWarning(spec.remoteHost, relay.names);
  const chosen = spec.localPort === 0 ? relay.forwarders.get(number)?.spec.localPort : undefined;
  const set = `forwarder ${number} set${chosen === undefined ? '' : `, it listens on port ${chosen}`}.`;
  return say(warning === undefined ? set : `${set}\nWarning: ${warning}`);
}

const noForwarder = (number: number): Reply => refuse(`Bad forwarder: ${number}, try: set forwarder ?`);

async function changeOptions(relay: Relay, forwarder: Forwarder, options: ForwarderOptions): Promise<void> {
  relay.setForwarderOptions(forwarder.number, options, await loadSchedules(options));
}

async function setFault(relay: Relay, command: Command & { kind: 'set-fault' }): Promise<Reply> {
  const { number, directions, changes } = command;
  const chosen = number === 'all' ? [...relay.forwarders.values()] : [relay.forwarders.get(number)];
  const planned: { forwarder: Forwarder; options: ForwarderOptions }[] = [];
  for (const forwarder of chosen) {
    if (forwarder === undefined) return noForwarder(Number(number));
    const options = withFaults(forwarder.options, directions, changes);
    if (typeof options === 'string') return refuse(options);
    planned.push({ forwarder, options });
  }
  // All files are read before the first forwarder changes.
  const schedules = await Promise.all(planned.map(({ options }) => loadSchedules(options)));
  for (const [index, { forwarder, options }] of planned.entries()) {
    relay.setForwarderOptions(forwarder.number, options, schedules[index]);
  }
  return say(number === 'all' ? faultLines(relay) : faultLine(planned[0]?.forwarder));
}

const byNumber = (relay: Relay): Forwarder[] =>
  [...relay.forwarders.values()].sort((a, b) => a.number - b.number);

function faultLine(forwarder: Forwarder | undefined): string {
  if (forwarder === undefined) return '';
  const { up, down } = forwarder.options.faults;
  return `  fault ${forwarder.number} up ${formatFaults(up)}\n  fault ${forwarder.number} down ${formatFaults(down)}`;
}

function groupLine(relay: Relay, name: string): string {
  const limits = formatTotal(relay.groups.get(name)?.limits ?? NO_LIMITS);
  return `  group ${name} ${limits === '' ? 'bandwidth 0' : limits}`;
}

const groupLines = (relay: Relay): string[] => relay.groups.names.map((name) => groupLine(relay, name));

const faultLines = (relay: Relay): string => byNumber(relay).map(faultLine).join('\n');

function forwarderLine(forwarder: Forwarder): string {
  const limits = formatLimits(forwarder.options);
  return `  forwarder ${forwarder.number} ${formatSpec(forwarder.spec)}${limits === '' ? '' : ` ${limits}`}`;
}

const timesLines = (relay: Relay): string[] => timesStatus(relay).map(timesCommand);

function show(relay: Relay, what: (Command & { kind: 'show' })['what'], json: boolean): string {
  switch (what) {
    case 'version':
      return json ? JSON.stringify({ version: VERSION }) : `iprelay ${VERSION}`;
    case 'stats': {
      const stats = collectStats(relay, VERSION);
      return json ? JSON.stringify(stats) : renderStats(stats);
    }
    case 'all':
      if (json)
        return JSON.stringify({
          variables: relay.variables,
          times: timesStatus(relay),
          groups: groupsJson(relay),
          forwarders: forwardersJson(relay),
        });
      return [
        ...VARIABLE_NAMES.map((name) => `${name}\t${relay.variables[name]}`),
        ...groupLines(relay),
        ...byNumber(relay).map(forwarderLine),
        ...timesLines(relay),
      ].join('\n');
    case 'forwarders':
      if (json) return JSON.stringify(forwardersJson(relay));
      return [...groupLines(relay), ...byNumber(relay).map(forwarderLine), ...timesLines(relay)].join('\n');
    case 'times':
      return json ? JSON.stringify(timesStatus(relay)) : showTimes(relay);
    case 'faults':
      return json ? JSON.stringify(forwardersJson(relay)) : faultLines(relay);
  }
}

const groupsJson = (relay: Relay): unknown =>
  relay.groups.names.map((name) => {
    const { up, down } = relay.groups.get(name)?.limits ?? NO_LIMITS;
    const limitInForce = {
      up: relay.groups.limit(name, 'up') ?? null,
      down: relay.groups.limit(name, 'down') ?? null,
    };
    return { name, limit: { up: up ?? null, down: down ?? null }, limitInForce };
  });

/** As in the statistics, with what is set. */
function forwardersJson(relay: Relay): unknown {
  const { forwarders } = collectSummary(relay, VERSION);
  const ofBoth = (value: (direction: Direction) => unknown): unknown => ({
    up: value('up'),
    down: value('down'),
  });
  return byNumber(relay).map((forwarder) => ({
    ...forwarders.find(({ number }) => number === forwarder.number),
    proxy: formatSpec(forwarder.spec),
    limit: ofBoth((direction) => forwarder.options.limits[direction] ?? null),
    group: forwarder.options.group ?? null,
    acceptProxy: forwarder.options.acceptProxy,
    sendProxy: forwarder.options.sendProxy ?? null,
    connectionLimit: ofBoth((direction) => forwarder.options.connectionLimits[direction] ?? null),
    faults: ofBoth((direction) => formatFaults(forwarder.options.faults[direction])),
  }));
}
