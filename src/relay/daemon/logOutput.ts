/**
 * The log, with pino, and where it goes. No worker threads (pino's transports): they would not survive being
 * bundled, and cost a start. Syslog and the journal are reached through `logger` and `systemd-cat`, because
 * their sockets are Unix datagram sockets, which Node does not have.
 */
import pino, { type DestinationStream, type Level, type Logger } from 'pino';
import { failure } from '../../core/errors.ts';
import { printableLine } from '../../core/printable.ts';
import { pipeTo } from '../../service/pipeTo.ts';
import type { Log } from '../log.ts';
import { LAST_MS, LineFile, type Lost, WAITING_BYTES } from '../../service/lineFile.ts';
import type { LogTarget } from './settings.ts';

export interface OpenLog extends Log {
  /** After the file was moved away by logrotate. */
  reopen: () => void;
  close: () => Promise<void>;
  /** After a start that failed: closes it, and leaves no file that was not there before. */
  discard: () => Promise<void>;
}

/** Priorities of syslog(3), as `<6>` at the beginning of a line. */
const PRIORITIES: Readonly<Record<number, number>> = { 10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2 };
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const LEVEL_OF_DEBUG: readonly Level[] = ['warn', 'info', 'debug'];

/**
 * `2026-01-01T12:00:00.000Z info connected connection=CONN000001`; one line whatever is in it, and nothing that
 * would steer the terminal of who reads the log.
 */
function readable(json: string, withTime: boolean): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Record<string, unknown>;
  delete fields['name'];
  const parts = Object.entries(fields).map(([key, value]) => {
    const text = typeof value === 'string' && /^[\w.:/@[\]-]+$/.test(value) ? value : JSON.stringify(value);
    return `${key}=${text}`;
  });
  const when = withTime ? `${new Date(Number(time)).toISOString()} ` : '';
  return `${when}${LEVEL_NAMES[Number(level)] ?? '?'} ${printableLine([String(msg), ...parts].join(' '))}\n`;
}

interface Sink {
  write: (json: string) => void;
  reopen: () => void;
  close: () => Promise<void>;
  discard?: () => Promise<void>;
}

/** Opens the log. Throws a `UserError` if the file cannot be written. */
export async function openLog(
  target: Exclude<LogTarget, 'none'>,
  format: 'json' | 'readable',
  name: string,
): Promise<OpenLog> {
  const sink = await openSink(target, format, name, ({ lines, why }) => {
    logger.warn({ lines, why }, 'lines of the log were lost');
  });
  const destination: DestinationStream = {
    write: (json) => {
      sink.write(json);
    },
  };
  const logger: Logger = pino({ level: 'info', base: { name } }, destination);
  const say =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (fields: object, message: string): void => {
      logger[level](fields, message);
    };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    setDebug: (level) => {
      logger.level = LEVEL_OF_DEBUG[level] ?? 'debug';
    },
    reopen: sink.reopen,
    close: sink.close,
    discard: sink.discard ?? sink.close,
  };
}

const nothing = (): void => undefined;

/** Node writes to a socket without waiting, but keeps what is not taken, and does not end before it is. */
function stderrSocket(): Pick<LineFile, 'write' | 'close'> {
  const { stderr } = process;
  return {
    write: (line) => {
      if (stderr.writableLength < WAITING_BYTES) stderr.write(line);
    },
    close: async () => {
      for (let ms = 0; ms < LAST_MS && stderr.writableLength > 0; ms += 20) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      // With the exit code that is set by then.
      if (stderr.writableLength > 0) setTimeout(() => process.exit(), LAST_MS).unref();
    },
  };
}

/** A descriptor of our own, so that it can be one that does not wait; a socket (the journal's) cannot be opened again. */
function openStderr(onLost: (lost: Lost) => void): Pick<LineFile, 'write' | 'close'> {
  try {
    return new LineFile('/proc/self/fd/2', onLost);
  } catch {
    return stderrSocket();
  }
}

async function openSink(
  target: Exclude<LogTarget, 'none'>,
  format: 'json' | 'readable',
  name: string,
  onLost: (lost: Lost) => void,
): Promise<Sink> {
  const shape = (json: string, withTime: boolean): string =>
    format === 'json' ? json : readable(json, withTime);
  if (target === 'stderr') {
    // Under systemd standard error is the journal, which reads the priority from the line (sd-daemon(3)).
    const journal = process.env['JOURNAL_STREAM'] !== undefined;
    const file = openStderr(onLost);
    return {
      write: (json) => {
        file.write(journal ? prioritised(json, shape(json, false)) : shape(json, true));
      },
      reopen: nothing,
      close: () => file.close(),
    };
  }
  if (typeof target === 'object') {
    let file: LineFile;
    try {
      file = new LineFile(target.file, onLost);
    } catch (error) {
      throw failure(`cannot write the log: ${(error as Error).message}`);
    }
    return {
      write: (json) => {
        file.write(shape(json, true));
      },
      reopen: () => {
        file.reopen();
      },
      close: () => file.close(),
      discard: () => file.discard(),
    };
  }
  const argv: readonly [string, ...string[]] =
    target === 'syslog'
      ? ['logger', '--prio-prefix', '--priority', 'daemon.info', '--tag', `iprelay[${process.pid}]`]
      : ['systemd-cat', '--identifier', `iprelay-${name}`, '--level-prefix=true'];
  let gone: string | undefined;
  const pipe = pipeTo(argv, (why) => (gone = why));
  // Long enough to notice that the program is not there at all.
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (gone !== undefined) throw failure(`cannot log to ${target}: ${gone.split('\n')[0] ?? ''}`);
  return {
    write: (json) => {
      pipe.write(prioritised(json, shape(json, false)));
    },
    reopen: nothing,
    close: pipe.end,
  };
}

function prioritised(json: string, line: string): string {
  const level = Number(/"level":(\d+)/.exec(json)?.[1] ?? 30);
  return `<${PRIORITIES[level] ?? 6}>${line}`;
}
