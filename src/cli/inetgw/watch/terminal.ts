/** A whole screen on the user's terminal, by Node's own tty and readline; given back as it was, however the command ends. */
import { emitKeypressEvents, type Key } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';

/** xterm's control sequences: the alternate screen, the cursor; every terminal that tmux and ssh know has them. */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** Before the text: behind a full line the cursor still stands on its last column, and would erase that. */
const ERASE_LINE = '\x1b[2K';
const eraseFrom = (row: number): string => `\x1b[${row};1H\x1b[J`;

export interface Terminal {
  size: () => { columns: number; rows: number };
  show: (lines: readonly string[]) => void;
  leave: () => void;
}

export interface TerminalEvents {
  /** The character, or the name of a key that has none; with Ctrl: `^c`. */
  onKey: (key: string) => void;
  onResize: () => void;
  /** It was closed, and nothing can be read or shown any more: not everybody is told by SIGHUP. */
  onGone: () => void;
}

/** Without a keyboard (`stdin` is no terminal) no key is ever told of. */
export function enterTerminal(
  stdin: ReadStream | undefined,
  stdout: WriteStream,
  { onKey, onResize, onGone }: TerminalEvents,
): Terminal {
  let entered = true;
  const keypress = (text: string | undefined, key: Key): void => {
    onKey(key.ctrl === true ? `^${key.name ?? ''}` : (text ?? key.name ?? ''));
  };
  if (stdin !== undefined) {
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.on('keypress', keypress).on('end', onGone).on('error', onGone).resume();
  }
  stdout.on('resize', onResize).on('error', onGone);
  stdout.write(ENTER);
  const leave = (): void => {
    if (!entered) return;
    entered = false;
    process.off('exit', leave);
    stdout.off('resize', onResize);
    stdout.write(LEAVE);
    stdout.off('error', onGone);
    if (stdin === undefined) return;
    stdin.off('keypress', keypress).pause();
    stdin.setRawMode(false);
    stdin.off('end', onGone).off('error', onGone);
  };
  // Also after an error that nobody has caught.
  process.once('exit', leave);
  return {
    size: () => sizeOf(stdout),
    show: (lines) => {
      const text = lines.map((line) => `${ERASE_LINE}${line}`).join('\r\n');
      const below = lines.length < sizeOf(stdout).rows ? eraseFrom(lines.length + 1) : '';
      stdout.write(`${HOME}${text}${below}`);
    },
    leave,
  };
}

/** Some pseudo-terminals have no size, which is 0 times 0: then that of a VT100. */
function sizeOf({ columns, rows }: WriteStream): { columns: number; rows: number } {
  return columns > 0 && rows > 0 ? { columns, rows } : { columns: 80, rows: 24 };
}
