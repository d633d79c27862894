/**
 * A tc that stays: rates that follow a line change several times a second, and to start a program for each takes longer than
 * the change. It ends by itself where a device has gone; the next change starts another one.
 */
import { failure } from '../../core/errors.ts';
import { ResidentProgram } from '../exec/residentProgram.ts';

/**
 * No command of tc's: it complains by two lines, after all that it was told before, and so its end is seen. To standard error, for
 * tc 7.3 keeps what it shows until it ends.
 */
const ASK = 'inetgw';
const isEnd = (line: string): boolean => line.startsWith(`Object "${ASK}" is unknown`);

export class TcProcess {
  #tc: ResidentProgram | undefined;

  /**
   * Runs the lines, all of them, one after another.
   * @throws UserError with what tc said of those that failed
   */
  async change(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const tc = (this.#tc ??= new ResidentProgram('tc', ['-force', '-batch', '-'], 'stderr'));
    const said: string[] = [];
    let line = await tc.ask([...lines, ASK].join('\n'));
    while (line !== undefined && !isEnd(line)) {
      said.push(line);
      line = await tc.nextLine();
    }
    // Which line of its input that was.
    if (line !== undefined) await tc.nextLine();
    else {
      this.#tc = undefined;
      throw failure(`tc has ended: ${[...said, tc.takeSaid()].filter((each) => each !== '').join('; ')}`);
    }
    if (said.length > 0) throw failure(`tc: ${said.join('; ')}`);
  }

  close(): void {
    this.#tc?.close();
    this.#tc = undefined;
  }
}
