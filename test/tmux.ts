/** A terminal for a command, of so many columns and rows, by tmux: keys in, the screen out. */

/** Runs a program that must succeed, where the terminal is to be; gives what it printed. */
export type Run = (argv: readonly [string, ...string[]]) => Promise<string>;

let count = 0;

export class Tmux {
  readonly #run: Run;
  readonly #name = `inetgw-test-${process.pid}-${++count}`;

  private constructor(run: Run) {
    this.#run = run;
  }

  /** @param script for sh; the terminal stays when it has ended */
  static async open(run: Run, script: string, columns: number, rows = 24): Promise<Tmux> {
    const tmux = new Tmux(run);
    const size = ['-x', String(columns), '-y', String(rows)];
    await tmux.#tmux('-f', '/dev/null', 'new-session', '-d', ...size, `${script}\nexec sleep infinity`);
    return tmux;
  }

  async #tmux(...args: string[]): Promise<string> {
    return this.#run(['env', '-u', 'TMUX', 'LC_ALL=C.UTF-8', 'tmux', '-L', this.#name, ...args]);
  }

  /** The lines as they stand, without what is blank at their ends. */
  async screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  /** With colours, as control sequences. */
  async colouredScreen(): Promise<string> {
    return this.#tmux('capture-pane', '-p', '-e');
  }

  /** Of the process that the terminal was opened with. */
  async pid(): Promise<string> {
    return (await this.#tmux('display-message', '-p', '#{pane_pid}')).trim();
  }

  /** As tmux names them: `q`, `?`, `C-c`, `Enter`. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async resize(columns: number, rows = 24): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server');
  }
}
