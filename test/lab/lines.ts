/** Splits what comes out of a stream into lines, whatever pieces it comes in. */
export class LineReader {
  #rest: string[] = [];
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  push(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.#rest.push(text.slice(start, end));
      start = end + 1;
      const line = this.#rest.join('');
      this.#rest = [];
      this.#onLine(line);
    }
    if (start < text.length) this.#rest.push(text.slice(start));
  }
}
