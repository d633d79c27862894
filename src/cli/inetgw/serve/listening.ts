/** `inetgw serve --listen`: the page, and what feeds it, beside the service that follows lines. */
import { stat } from 'node:fs/promises';
import { configError, usageError } from '../../../core/errors.ts';
import { messageLine } from '../../../core/messageLine.ts';
import { shellWord } from '../../../core/shellWords.ts';
import { parsePerHost } from '../../../report/metrics/hosts.ts';
import { CONFIG_LIMIT_BYTES, readTextFile, whyUnreadable } from '../../../system/exec/textFile.ts';
import { isLocal, parseListen } from '../../../web/feed/listen.ts';
import { Changer } from '../../../web/source/changer.ts';
import { Listener } from '../../../web/source/listener.ts';
import { ReportFeed } from '../../../web/source/reportFeed.ts';
import { warn } from '../../common/warn.ts';
import { HostNamer } from '../watch/hostNamer.ts';
import type { Options } from '../words/program.ts';
import { Sampler } from './sampler.ts';

/** Shorter ones are guessed; longer ones, and others than these, do not come through a header and a field of the page. */
const TOKEN = /^[\x21-\x7e]{16,256}$/;

export interface Listening {
  decide: (device: string, text: string) => void;
  /** Keeps what was seen, and no longer listens. False: what is paused could not be set up again. */
  close: () => Promise<boolean>;
}

/** Resolves when it listens. @throws UserError where it cannot */
export async function startListening(
  word: string,
  device: string | undefined,
  options: Options,
  tell: (text: string) => void,
): Promise<Listening> {
  const listen = parseListen(word);
  if (!isLocal(listen) && options.tokenFile === undefined)
    throw usageError(
      `--listen ${word} can be reached from other machines, and asks nobody who he is`,
      'add --token-file FILE, or listen on unix:/run/inetgw/http.sock behind a proxy',
    );
  if (options.socketGroup !== undefined && listen.kind !== 'unix')
    throw usageError('--socket-group goes with --listen unix:PATH alone');
  const perHost = options.perHost === undefined ? 0 : parsePerHost(options.perHost);
  const token = await tokenIn(options.tokenFile, options);
  const changeToken = await tokenIn(options.changeTokenFile, options);
  // Whoever listens knows the one, and must not know the other.
  if (changeToken !== undefined && changeToken === token)
    throw configError('the token for changes is the one for reading', 'put another one into its file');
  const reports = options.reports === undefined ? undefined : await ReportFeed.open(options.reports, tell);
  const names = await HostNamer.open(options);
  const changer =
    changeToken === undefined ? undefined : await Changer.open({ token: changeToken, only: device, log });
  const { socketGroup } = options;
  const change = changer?.answer.bind(changer);
  const listener = await Listener.start({
    ...{ listen, socketGroup, token, change, tell },
    ...{ reports: reports !== undefined, quiet: options.quiet === true, env: process.env },
  });
  changer?.begin();
  const ending = new AbortController();
  const sampling = new Sampler(listener, {
    ...{ only: device, names, perHost, changer },
    sendsPings: options.ping !== false,
  }).run(ending.signal);
  const reporting = reports?.run(listener, ending.signal);
  // A bug in them ends the command as any other does.
  Promise.all([sampling, reporting]).catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
  return {
    decide: (followed, text) => {
      listener.decide({ device: followed, atMs: Date.now(), text });
    },
    close: async () => {
      ending.abort();
      names.close();
      const allBack = (await changer?.close()) ?? true;
      await sampling;
      await listener.close();
      return allBack;
    },
  };
}

/** Whoever changes anything is told of even where nothing else is (--quiet). */
function log(text: string): void {
  process.stderr.write(messageLine('inetgw', text));
}

async function tokenIn(file: string | undefined, { quiet }: Options): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const token = await readToken(file);
  if (quiet !== true) await warnIfOpen(file);
  return token;
}

/** S_IROTH, and S_IWGRP with S_IWOTH, of inode(7). */
const READ_BY_OTHERS = 0o004;
const WRITTEN_BY_OTHERS = 0o022;

/** `file` was read a moment ago. */
async function warnIfOpen(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & WRITTEN_BY_OTHERS) !== 0)
    warn(`others than its owner can write a token of their own into ${file}: chmod go-w ${shellWord(file)}`);
  if ((mode & READ_BY_OTHERS) !== 0)
    warn(`every user of this machine can read the token in ${file}: chmod o= ${shellWord(file)}`);
}

async function readToken(file: string): Promise<string> {
  const text = await readTextFile(file, { limitBytes: CONFIG_LIMIT_BYTES }).catch((error: unknown) => {
    throw configError(`cannot read ${file}: ${whyUnreadable(error)}`);
  });
  const token = text.trim();
  if (!TOKEN.test(token))
    throw configError(
      `${file}: the token is one word of 16 to 256 letters, digits and signs of ASCII`,
      `make one with: openssl rand -hex 16 >${file}`,
    );
  return token;
}
