/**
 * All that CI does: clones this checkout's HEAD into a folder of its own and runs there the commands of README.md, in
 * order, then those of .ci/steps.txt. In the end it tells once more what failed, and in the last line how many tests and
 * commands passed and failed; the exit code says the same. Of Node alone: nothing is installed yet. The folder is removed in the end.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countsOf, lastLines, toldFailures, wrongWithDemo } from './checks.mjs';
import { readmeCommands } from './readme.mjs';

const checkout = fileURLToPath(new URL('../..', import.meta.url));

/** Beyond the README: commands that are run after its own. */
function moreSteps(cwd) {
  const file = join(cwd, '.ci/steps.txt');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map((command) => ({ command }));
}

/** What is looked at in the output, by the command as it is written. */
const CHECKS = {
  'npm run demo': wrongWithDemo,
  'npm test': (output) => (countsOf(output) === undefined ? 'it does not end with its counts' : undefined),
};

const folder = mkdtempSync(join(tmpdir(), 'inetgw-ci-'));
let running;
process.on('exit', () => {
  // What runs is a group of its own: all of it ends.
  if (running !== undefined) process.kill(-running.pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
]) {
  process.on(signal, () => process.exit(128 + number));
}

function clone() {
  const target = join(folder, 'inetgw');
  // A checkout may belong to another user than the one who runs this.
  const settings = join(folder, 'gitconfig');
  writeFileSync(settings, '[safe]\n\tdirectory = *\n');
  const { status, error } = spawnSync('git', ['clone', '--quiet', '--no-hardlinks', checkout, target], {
    env: { ...process.env, GIT_CONFIG_GLOBAL: settings },
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`git clone failed${error === undefined ? '' : `: ${error.message}`}`);
  return target;
}

/**
 * Shows what the command prints and gives it back: `output` is its standard output, `all` has its errors too. A
 * signal counts as a failure.
 */
function run(command, cwd) {
  return new Promise((resolve) => {
    const child = spawn('sh', ['-c', command], {
      cwd,
      env: { ...process.env, CI: 'true' },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    running = child;
    let [output, all] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      all += text;
      process.stdout.write(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      all += text;
      process.stderr.write(text);
    });
    child.on('exit', () => {
      running = undefined;
    });
    child.on('close', (code) => {
      resolve({ code: code ?? 1, output, all });
    });
  });
}

const total = { passed: 0, failed: 0 };
/** What failed, for who sees but the end of this output. */
const atTheEnd = [];
function count({ passed, failed }) {
  total.passed += passed;
  total.failed += failed;
}

try {
  const cwd = clone();
  const commands = readmeCommands(readFileSync(join(cwd, 'README.md'), 'utf8'));
  for (const { command, notRun } of [...commands, ...moreSteps(cwd)]) {
    if (notRun !== undefined) {
      console.log(`== ${command}: not run: ${notRun}`);
      continue;
    }
    console.log(`== ${command}`);
    const { code, output, all } = await run(command, cwd);
    const counts = countsOf(output);
    if (counts !== undefined) count(counts);
    const wrong = code === 0 ? CHECKS[command]?.(output) : `exit code ${code}`;
    console.log(wrong === undefined ? `== ${command}: passed` : `== ${command}: failed: ${wrong}`);
    count(wrong === undefined ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
    const told = toldFailures(output);
    if (wrong !== undefined) atTheEnd.push(`== ${command}: failed: ${wrong}`);
    atTheEnd.push(...(wrong === undefined || told.length > 0 ? told : lastLines(all)));
  }
} catch (error) {
  atTheEnd.push(`== ${error.message}`);
  count({ passed: 0, failed: 1 });
}
for (const line of atTheEnd) console.log(line);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
