/** Brings a running relay to what its configuration file says now, without touching what stays the same. */
import { AccessList } from '../clients/access.ts';
import { loadSchedules } from '../prompt/options.ts';
import type { Relay } from '../forwarding/relay.ts';
import { formatSpec } from '../settings/spec.ts';
import {
  assign,
  DEFAULT_VARIABLES,
  type ParsedVariable,
  VARIABLE_NAMES,
  type Variables,
} from '../settings/variables.ts';
import { requireZone } from '../forwarding/localTime.ts';
import {
  type FileSettings,
  type ForwarderSettings,
  type GroupSettings,
  type Settings,
  timesOf,
} from './settings.ts';

/** What the command line said stays. */
type Started = Pick<Settings, 'fromCommandLine' | 'allowFromCommandLine' | 'timesFromCommandLine'>;

/**
 * Applies the file, or throws and leaves all as it was. Forwarders from the command line stay, so do those set at
 * the prompt; those that the former file had and this one has not are deleted. Connections stay open throughout.
 */
export async function reload(relay: Relay, file: FileSettings, started: Started): Promise<void> {
  const times = timesOf(file, started);
  const timed = [{ times }, ...file.groups, ...file.forwarders.map(({ options }) => options)];
  if (timed.some((each) => each.times.length > 0)) requireZone();
  const schedules = await Promise.all(file.forwarders.map(({ options }) => loadSchedules(options)));
  const forwarders = file.forwarders.map((each, index) => ({ ...each, schedules: schedules[index] }));
  const stays = ({ number, spec }: ForwarderSettings): boolean => {
    const running = relay.forwarders.get(number);
    return running !== undefined && formatSpec(running.asked) === formatSpec(spec);
  };
  const staying = forwarders.filter(stays);
  const wanted = new Set(file.forwarders.map(({ number }) => number));
  const gone = [...relay.fromFile].filter((number) => !wanted.has(number));
  const { access } = relay;
  // Those that are new may be wanted by forwarders; what stays has its limits changed only when all else is done.
  const isNew = ({ name }: GroupSettings): boolean => relay.groups.get(name) === undefined;
  const newGroups = file.groups.filter(isNew);
  for (const { name, limits, times: ofGroup } of newGroups) relay.setGroup(name, limits, ofGroup);
  const variables = { ...relay.variables };
  // First, because they say where new forwarders listen, and for whom.
  relay.access = new AccessList([...started.allowFromCommandLine, ...file.allow]);
  setVariables(relay, variablesOf(file, started, relay));
  try {
    await relay.replaceForwarders(
      forwarders.filter((each) => !staying.includes(each)),
      gone,
    );
  } catch (error) {
    for (const { name } of newGroups) relay.deleteGroup(name);
    relay.access = access;
    setVariables(relay, variables);
    throw error;
  }
  relay.setTimes(times);
  for (const { name, limits, times: ofGroup } of file.groups) relay.setGroup(name, limits, ofGroup);
  for (const each of staying) {
    // Names were looked up: it may have been deleted meanwhile, at the prompt.
    if (relay.forwarders.has(each.number))
      relay.setForwarderOptions(each.number, each.options, each.schedules);
  }
  for (const name of relay.groupsFromFile)
    if (!file.groups.some((group) => group.name === name)) relay.deleteGroup(name);
  relay.groupsFromFile.clear();
  for (const { name } of file.groups) relay.groupsFromFile.add(name);
  relay.fromFile.clear();
  for (const number of wanted) relay.fromFile.add(number);
}

/** The variables as they shall be: of the command line, else of the file, else the defaults. */
function variablesOf(file: FileSettings, { fromCommandLine }: Started, relay: Relay): Variables {
  const variables = { ...DEFAULT_VARIABLES };
  for (const parsed of file.variables) assign(variables, parsed);
  for (const name of fromCommandLine) assign(variables, valueOf(relay.variables, name));
  return variables;
}

function setVariables(relay: Relay, variables: Variables): void {
  for (const name of VARIABLE_NAMES) {
    if (relay.variables[name] !== variables[name]) relay.setVariable(valueOf(variables, name));
  }
}

const valueOf = (variables: Variables, name: keyof Variables): ParsedVariable =>
  ({ name, value: variables[name] }) as ParsedVariable;
