/**
 * templates/container/Containerfile, step by step as it stands there, in a clean Debian root in place of the image:
 * there is no registry to take one from. What it says of copying, running, user and entry is carried out to the letter.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, chosenSuite, CleanRoot } from './cleanRoot.ts';
import { makePackages, npmFolder, provideNode, type Packages } from './packages.ts';

const suite = chosenSuite();
const isRoot = process.getuid?.() === 0;

interface Step {
  word: string;
  rest: string;
}

/** Comments, and lines that go on with a backslash, as in Dockerfiles. */
function steps(text: string): Step[] {
  const lines = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll('\\\n', ' ')
    .split('\n');
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { word, rest };
    });
}

describe.skipIf(!isRoot)('the container image', () => {
  let made: Packages;
  let folder: string;
  let root: CleanRoot;
  let recipe: Step[];
  const stepOf = (word: string): string => recipe.find((step) => step.word === word)?.rest ?? '';
  const words = (word: string): string[] => JSON.parse(stepOf(word)) as string[];

  beforeAll(async () => {
    recipe = steps(await readFile(join(checkout, 'templates/container/Containerfile'), 'utf8'));
    made = await makePackages();
    folder = await mkdtemp(join(tmpdir(), 'inetgw-container-'));
    await execa('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: checkout });
    // What the image of Node brings: node and npm, and nothing of ours.
    root = await CleanRoot.open(suite, made.deb);
    await provideNode(root, suite, made);
    await root.run('apt-get install -y --no-install-recommends nodejs');
    await execa('cp', ['-r', await npmFolder(), join(root.path, 'usr/share/npm')]);
    await root.run(
      'ln -s /usr/share/npm/bin/npm-cli.js /usr/local/bin/npm && mkdir -p /usr/local/lib/node_modules && npm config --global set prefix /usr/local',
    );
  });
  afterAll(async () => {
    await root.close();
    await made.remove();
    await rm(folder, { recursive: true });
  });

  it('is built by steps that are all known here', async () => {
    expect(recipe.map(({ word }) => word)).toEqual([
      'FROM',
      'COPY',
      'RUN',
      'USER',
      'STOPSIGNAL',
      'ENTRYPOINT',
      'CMD',
    ]);
    for (const { word, rest } of recipe) {
      if (word === 'COPY') {
        const [source = '', target = ''] = rest.split(/\s+/);
        // The pattern is the recipe's.
        await execa('sh', ['-euc', `cp ${source} "$1"`, 'sh', join(root.path, target)], { cwd: folder });
      } else if (word === 'RUN') await root.run(rest);
    }
    expect(await root.run('ls /tmp')).toBe('');
  });

  /** The words of ENTRYPOINT and those of a user, as its user and as process 1, in the background. */
  async function start(...own: string[]): Promise<void> {
    const [uid = '', gid = ''] = stepOf('USER').split(':');
    const command = [...words('ENTRYPOINT'), ...own].map((word) => `'${word}'`).join(' ');
    await root.write(
      'tmp/start',
      `unshare --pid --fork --mount-proc setpriv --reuid ${uid} --regid ${gid} --clear-groups env -u HOME ${command} >/tmp/out 2>/tmp/err &
echo $! >/tmp/outer; wait $!; echo $? >/tmp/code\n`,
    );
    await root.run('rm -f /tmp/code; (sh /tmp/start </dev/null >/dev/null 2>&1 &)');
    await root.run(
      'until ss -Hltn sport = :8080 2>/dev/null | grep -q . || [ -e /tmp/code ]; do sleep 0.1; done',
    );
  }
  /** As a container's manager stops it: STOPSIGNAL to process 1. */
  async function stop(): Promise<string> {
    const signal = stepOf('STOPSIGNAL').replace('SIG', '');
    return root.run(
      `kill -${signal} $(cat /proc/$(cat /tmp/outer)/task/*/children); until [ -e /tmp/code ]; do sleep 0.1; done; cat /tmp/code`,
    );
  }

  it('forwards bytes, as a user without privilege, and logs to standard error', async () => {
    await root.run('apt-get install -y --no-install-recommends iproute2');
    await root.run(`(node -e "require('net').createServer((s) => s.end('through')).listen(9000, '127.0.0.1')" </dev/null >/dev/null 2>&1 &)
      until ss -Hltn sport = :9000 | grep -q .; do sleep 0.1; done`);
    await start('-b', '100k', '0.0.0.0:8080:127.0.0.1:9000');
    const read = "node -e \"require('net').connect(8080, '127.0.0.1').pipe(process.stdout)\"";
    expect(await root.run(read)).toBe('through');
    const inner = await root.run('cat /proc/$(cat /tmp/outer)/task/*/children');
    expect(await root.run(`grep -E '^(Uid|CapEff):' /proc/${inner.trim()}/status`)).toMatch(
      /^Uid:\s65534\s.*\nCapEff:\s0+$/,
    );
    expect(await root.run('cat /tmp/err')).toMatch(/CONN000001/);
  });
  it('is commanded from inside', async () => {
    const [uid = '', gid = ''] = stepOf('USER').split(':');
    const inside = 'nsenter -t $(cat /proc/$(cat /tmp/outer)/task/*/children) -p -m -r -w';
    const ctl = `${inside} setpriv --reuid ${uid} --regid ${gid} --clear-groups iprelay ctl 8080 show bandwidth`;
    expect(await root.run(ctl)).toContain('100000');
  });
  it('ends with 0 when it is stopped', async () => {
    expect(await stop()).toBe('0');
  });
  it('takes a configuration that is mounted where it looks', async () => {
    const path = words('CMD').at(-1) ?? '';
    await root.run(
      `mkdir -p "$(dirname ${path})" && printf '[forwarder.1]\\nproxy = "0.0.0.0:8080:127.0.0.1:9000"\\n' >${path}`,
    );
    await start(...words('CMD'));
    expect(await root.run("node -e \"require('net').connect(8080, '127.0.0.1').pipe(process.stdout)\"")).toBe(
      'through',
    );
    expect(await stop()).toBe('0');
  });
  it('without one says what is missing, and ends', async () => {
    await root.run(`rm ${words('CMD').at(-1) ?? ''}`);
    await start(...words('CMD'));
    expect(await root.run('cat /tmp/code /tmp/err')).toMatch(/^6\niprelay: .*iprelay\.toml/);
  });
});
