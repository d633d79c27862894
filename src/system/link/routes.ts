/** By which device the kernel would send to an address, remembered for a while. */
import { UserError } from '../../core/errors.ts';
import { parseJsonOutput, UnreadableOutput } from '../../tc/parse.ts';
import { ProgramError, type Runner } from '../exec/run.ts';

/** A link that comes up or goes may change it. */
const HOLDS_MS = 30_000;
const MOST_KNOWN = 4096;

export class Routes {
  readonly #run: Runner;
  readonly #nowMs: () => number;
  readonly #known = new Map<string, { device: string | undefined; untilMs: number }>();

  constructor(run: Runner, nowMs = (): number => performance.now()) {
    this.#run = run;
    this.#nowMs = nowMs;
  }

  /**
   * Asks the kernel for those that are not known, all at once.
   * @returns why it could not be asked
   */
  async learn(addresses: readonly string[]): Promise<string | undefined> {
    const unknown = addresses.filter((each) => (this.#known.get(each)?.untilMs ?? 0) <= this.#nowMs());
    if (unknown.length === 0) return undefined;
    const devices = await this.#ask(unknown);
    if (typeof devices === 'string') return devices;
    for (const address of unknown) {
      this.#known.delete(address);
      this.#known.set(address, { device: devices.get(address), untilMs: this.#nowMs() + HOLDS_MS });
    }
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_KNOWN) break;
      this.#known.delete(oldest);
    }
    return undefined;
  }

  /** Undefined: there is no way to it, or it was not asked for. */
  deviceTo(address: string): string | undefined {
    return this.#known.get(address)?.device;
  }

  async #ask(addresses: readonly string[]): Promise<ReadonlyMap<string, string> | string> {
    const input = addresses.map((address) => `route get ${address}\n`).join('');
    try {
      // One that nothing leads to is an answer as well: the others are told all the same.
      const { stdout } = await this.#run(['ip', '-force', '-j', '-batch', '-'], { input, okCodes: [1, 2] });
      return parseRoutes(stdout);
    } catch (error) {
      if (error instanceof ProgramError || error instanceof UserError || error instanceof UnreadableOutput)
        return error.message;
      throw error;
    }
  }
}

/** A line for each: `[{"dst":"192.0.2.1","dev":"ppp0",…}]`. */
export function parseRoutes(text: string): ReadonlyMap<string, string> {
  const devices = new Map<string, string>();
  for (const line of text.split('\n').filter((each) => each.startsWith('['))) {
    const [route] = parseJsonOutput('ip', line) as { dst?: unknown; dev?: unknown }[];
    if (typeof route?.dst === 'string' && typeof route.dev === 'string') devices.set(route.dst, route.dev);
  }
  return devices;
}
