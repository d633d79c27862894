/**
 * Compiled code kept from one start to the next: to compile what an apply needs takes a fifth of it, and a line that
 * comes up waits for it (docs/benchmarks/cost.md). Node's own cache (`module.enableCompileCache`, from 22.1 on) holds no
 * functions that are compiled when they are first called, which is half of it, and Node 20 has none.
 *
 * It is root's alone, for whoever writes it decides what runs. What cannot be read, written or trusted is done without.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { Module } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

export const CODE_CACHE_FOLDER = '/var/cache/inetgw';

interface Loaded {
  exports: unknown;
  require: (id: string) => unknown;
}

/** What Node calls with the text of each CommonJS file; other loaders of compiled code use the same place. */
interface Compiling {
  _compile: (this: Loaded, text: string, path: string, ...more: unknown[]) => unknown;
}

/**
 * V8 keeps the functions that were called up to then, those that it had from the cache as well: so many starts add theirs. A
 * dry run comes before the first apply, and calls half of what that does.
 */
const LEARNING_STARTS = 4;

/**
 * From here on the files beside `entry` are compiled once for all starts. At the end of the process root keeps what was not
 * there yet.
 * @param entry a file in the folder of those that are kept, as URL
 * @param purpose what the process is for: each has a cache of its own, with the functions that it calls
 */
export function keepCompiledCode(entry: string, purpose: string): void {
  // Whoever measures what runs, or debugs, wants to see it compiled.
  if (process.execArgv.length > 0 || process.env['NODE_V8_COVERAGE'] !== undefined) return;
  if (!isRootsAlone(CODE_CACHE_FOLDER)) return;
  const own = dirname(fileURLToPath(entry));
  const added: { file: KeptFile; script: Script; starts: number }[] = [];
  const compiling = Module.prototype as unknown as Compiling;
  const compile = compiling._compile;
  compiling._compile = function (text, path, ...more) {
    // Of now: at the end another version may have been installed in its place.
    const key = dirname(path) === own ? keyOf(path) : undefined;
    if (key === undefined) return compile.call(this, text, path, ...more);
    const file = { key, place: join(CODE_CACHE_FOLDER, `${basename(path)}.${purpose}`) };
    const { code: cachedData, starts } = read(file) ?? { code: undefined, starts: 0 };
    const script = new Script(Module.wrap(text), {
      filename: path,
      columnOffset: -WRAPPER_COLUMNS,
      ...(cachedData === undefined ? {} : { cachedData }),
    });
    if (starts < LEARNING_STARTS || script.cachedDataRejected === true) added.push({ file, script, starts });
    const run = script.runInThisContext() as (...values: unknown[]) => unknown;
    const require = (id: string): unknown => this.require(id);
    return run.call(this.exports, this.exports, require, this, path, dirname(path));
  };
  process.once('exit', () => {
    if (process.geteuid?.() === 0) for (const each of added) write(each.file, each.script, each.starts + 1);
  });
}

/** Node puts a function around the text, on its first line. */
const WRAPPER_COLUMNS = Module.wrap('\0').indexOf('\0');

/** Nobody but root has written there, or can; made where it is missing, by root. */
function isRootsAlone(folder: string): boolean {
  try {
    if (process.geteuid?.() === 0) mkdirSync(folder, { mode: 0o755 });
  } catch {
    // It is there; or there can be none.
  }
  try {
    const found = lstatSync(folder);
    return found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0;
  } catch {
    return false;
  }
}

/** Another Node, another build, an edited file: another key. Undefined: the file has gone. */
function keyOf(path: string): string | undefined {
  const { size, ctimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return size === undefined ? undefined : [process.version, process.arch, path, size, ctimeMs].join(' ');
}

interface KeptFile {
  /** Of the file with the code. */
  key: string;
  /** Of what it was compiled to: a digest of the rest, in how many starts it was made, and V8's own. */
  place: string;
}

const DIGEST_BYTES = 20;

const digestOf = ({ key }: KeptFile, rest: Buffer): Buffer =>
  createHash('sha1').update(key).update(rest).digest();

/** V8 itself tells no damaged code from a whole one. */
function read(file: KeptFile): { code: Buffer; starts: number } | undefined {
  try {
    const content = readFileSync(file.place);
    const rest = content.subarray(DIGEST_BYTES);
    if (!digestOf(file, rest).equals(content.subarray(0, DIGEST_BYTES))) return undefined;
    return { code: rest.subarray(1), starts: rest.readUInt8(0) };
  } catch {
    return undefined;
  }
}

function write(file: KeptFile, script: Script, starts: number): void {
  try {
    const rest = Buffer.concat([Buffer.of(starts), script.createCachedData()]);
    // Two that write the same draft at a time make one that has no right digest.
    writeFileSync(`${file.place}.draft`, Buffer.concat([digestOf(file, rest), rest]), { mode: 0o644 });
    renameSync(`${file.place}.draft`, file.place);
  } catch {
    // A full disk, a read-only one: the next start compiles again.
  }
}
