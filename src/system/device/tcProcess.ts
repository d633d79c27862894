/**
 * A tc that stays: rates that follow a line change several times a second, and to start a program for each takes longer than
 * the change. It ends by itself where a device has gone; the next change starts another one.
 */
import { failure } from '../../core/errors.ts';
import { ResidentProgram } from '../exec/residentProgram.ts';

/** tc prints what it shows line by line, after all that it was told before: its end is seen by that. */
const ASK = 'qdisc show dev lo';

export class TcProcess {
  #tc: ResidentProgram | undefined;

  /**
   * Runs the lines, all of them, one after another.
   * @throws UserError with what tc said of those that failed
   */
  async change(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const tc = (this.#tc ??= new ResidentProgram('tc', ['-force', '-batch', '-']));
    tc.takeSaid();
    const answer = await tc.ask([...lines, ASK].join('\n'));
    const said = tc.takeSaid();
    if (answer === undefined) {
      this.#tc = undefined;
      throw failure(`tc has ended: ${said}`);
    }
    if (said !== '') throw failure(`tc: ${said.replaceAll('\n', '; ')}`);
  }

  close(): void {
    this.#tc?.close();
    this.#tc = undefined;
  }
}
