/** Names of hosts from a file that somebody has named, read again when it has changed. */
import { stat } from 'node:fs/promises';
import { configError } from '../../core/errors.ts';
import { parseHostNames, type HostNames } from '../../core/hostNames.ts';
import { readTextFile, whyUnreadable } from '../exec/textFile.ts';

/** A hundred thousand leases. */
const LIMIT_BYTES = 8 * 1024 * 1024;

export class HostNamesFile {
  readonly #file: string;
  #names: HostNames;
  #version: string;

  private constructor(file: string, names: HostNames, version: string) {
    this.#file = file;
    this.#names = names;
    this.#version = version;
  }

  /** @throws UserError where it cannot be read, or has no names in any form that is known */
  static async open(file: string): Promise<HostNamesFile> {
    const version = await versionOf(file);
    const text = await textOf(file).catch((error: unknown) => {
      throw configError(`cannot read ${file}: ${whyUnreadable(error)}`);
    });
    const names = parseHostNames(text);
    if (names === undefined)
      throw configError(
        `${file}: no lease file of dnsmasq, Kea or dhcpd, and no hosts file`,
        'for example: --names /var/lib/misc/dnsmasq.leases',
      );
    return new HostNamesFile(file, names, version);
  }

  /** Those of now; while the file cannot be read, those of before. */
  async read(): Promise<HostNames> {
    const version = await versionOf(this.#file);
    if (version === this.#version) return this.#names;
    const names = parseHostNames(await textOf(this.#file).catch(() => ''));
    if (version !== '' && names !== undefined) this.#names = names;
    this.#version = version;
    return this.#names;
  }
}

const textOf = (file: string): Promise<string> =>
  readTextFile(file, { limitBytes: LIMIT_BYTES, regularOnly: true });

/** Another one where the file has changed; empty: there is none. */
async function versionOf(file: string): Promise<string> {
  const found = await stat(file).catch(() => undefined);
  return found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
}
