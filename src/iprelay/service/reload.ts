/** Brings a running relay to what its configuration file says now, without touching what stays the same. */
import { AccessList } from '../access.ts';
import { loadSchedules } from '../options.ts';
import type { Relay } from '../relay.ts';
import { formatSpec } from '../spec.ts';
import { DEFAULT_VARIABLES, parseVariable, VARIABLE_NAMES } from '../variables.ts';
import type { FileSettings, Settings } from './settings.ts';

/**
 * Applies the file. Forwarders from the command line stay, so do those set at the prompt; those that the
 * former file had and this one has not are deleted. Connections stay open throughout.
 */
export async function reload(relay: Relay, file: FileSettings, started: Settings): Promise<void> {
  const schedules = await Promise.all(file.forwarders.map(({ options }) => loadSchedules(options)));
  for (const [index, { number, spec, options }] of file.forwarders.entries()) {
    const running = relay.forwarders.get(number);
    if (running !== undefined && formatSpec(running.spec) === formatSpec(spec)) {
      relay.setForwarderOptions(number, options, schedules[index]);
    } else await relay.setForwarder(number, spec, options, schedules[index]);
    relay.fromFile.add(number);
  }
  const wanted = new Set(file.forwarders.map(({ number }) => number));
  for (const number of relay.fromFile) {
    if (wanted.has(number)) continue;
    relay.deleteForwarder(number);
    relay.fromFile.delete(number);
  }
  const commandLine = new Set(started.fromCommandLine);
  const said = new Map(file.variables.map((parsed) => [parsed.name, parsed]));
  for (const name of VARIABLE_NAMES) {
    if (commandLine.has(name)) continue;
    const parsed = said.get(name) ?? parseVariable(name, String(DEFAULT_VARIABLES[name]));
    if (typeof parsed !== 'string' && relay.variables[name] !== parsed.value) relay.setVariable(parsed);
  }
  relay.access = new AccessList([...started.allowFromCommandLine, ...file.allow]);
}
