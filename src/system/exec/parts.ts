/** Work in parts that do not need one another: one that fails keeps none of the others from being done, and is told. */
import { UserError } from '../../core/errors.ts';

export class Parts {
  readonly #failures: UserError[] = [];

  /** What could not be done and why, one line each. */
  get failures(): readonly UserError[] {
    return this.#failures;
  }

  /**
   * Does one part; true if it could be done. Only what a user can meet counts as a failure: a bug ends everything.
   * @param what as in `could not take away the queues`
   */
  async do(what: string, body: () => Promise<unknown>): Promise<boolean> {
    try {
      await body();
      return true;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.note(what, error);
      return false;
    }
  }

  /** The same for a question; `otherwise` is the answer where it cannot be had. */
  async get<T>(what: string, body: () => Promise<T>, otherwise: T): Promise<T> {
    let answer = otherwise;
    await this.do(what, async () => {
      answer = await body();
    });
    return answer;
  }

  note(what: string, { exitCode, message, hint, cause }: UserError): void {
    // A tool that is missing is missing to each part that needs it: the way to get it is told once.
    const told = this.#failures.some((each) => each.hint === hint);
    this.#failures.push(
      new UserError(exitCode, `could not ${what}: ${message}`, told ? undefined : hint, { cause }),
    );
  }
}
