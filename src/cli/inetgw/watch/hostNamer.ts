/** Names of hosts for whoever shows them: from a file, and by reverse look-up, as far as either was asked for. */
import { withFlowNames, type FlowsFigures } from '../../../report/flows/flows.ts';
import { withNames, type HostFigures } from '../../../report/watch/hosts.ts';
import { HostNamesFile } from '../../../system/device/hostNames.ts';
import { ReverseNames } from '../../../system/device/reverseNames.ts';
import type { GlobalOptions } from '../words/program.ts';

/** More are no table that anybody reads. */
const MOST_HOSTS = 256;
/** IPv4, where a host has it, and the first of IPv6: it may have many. */
const MOST_ADDRESSES = 2;

export class HostNamer {
  readonly #file: HostNamesFile | undefined;
  readonly #reverse: ReverseNames | undefined;

  private constructor(file: HostNamesFile | undefined, reverse: ReverseNames | undefined) {
    this.#file = file;
    this.#reverse = reverse;
  }

  /** @throws UserError where the file cannot be read */
  static async open({ names, resolve }: Pick<GlobalOptions, 'names' | 'resolve'>): Promise<HostNamer> {
    const file = names === undefined ? undefined : await HostNamesFile.open(names);
    return new HostNamer(file, resolve === true ? new ReverseNames() : undefined);
  }

  /** With the names that are known by now; who has none in the file is asked for. */
  async name<Of extends { line: { hosts: HostFigures[] | null } | null }>(figures: Of): Promise<Of> {
    const named = withNames(figures, await this.#file?.read());
    if (this.#reverse === undefined) return named;
    const nameless = (named.line?.hosts ?? []).filter(({ name }) => name === null).slice(0, MOST_HOSTS);
    const addresses = nameless.flatMap((host) => host.addresses.slice(0, MOST_ADDRESSES));
    return withNames(named, this.#reverse.read(addresses));
  }

  /** The same of flows, of both ends; who takes most is asked for first. */
  async nameFlows(figures: FlowsFigures): Promise<FlowsFigures> {
    const named = withFlowNames(figures, await this.#file?.read());
    if (this.#reverse === undefined) return named;
    const nameless = (named.flows ?? [])
      .flatMap(({ host, remote }) => [host, remote])
      .filter(({ name }) => name === null);
    return withFlowNames(named, this.#reverse.read([...new Set(nameless.map(({ address }) => address))]));
  }

  /** Names are looked up. */
  get resolves(): boolean {
    return this.#reverse !== undefined;
  }

  close(): void {
    this.#reverse?.close();
  }
}
