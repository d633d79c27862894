/** Completions, asked for in real shells. */
import { execa } from 'execa';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inetgw, ROOT } from './helpers/built.ts';

const file = (shell: string, name: string): string => `${ROOT}/templates/completions/${shell}/${name}`;

/** What \`inetgw completion SHELL\` prints, in a file; of all three commands. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inetgw-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout } = await inetgw('completion', shell);
    expect(code).toBe(0);
    await writeFile(join(folder, shell), stdout);
  }
});
afterAll(() => rm(folder, { recursive: true }));

/** What the last word may become. */
async function bash(line: string, from?: string): Promise<string[]> {
  const words = line.split(' ');
  const script = `source "$1"; COMP_WORDS=("\${@:2}"); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    spec=$(complete -p "$2"); [[ $spec == "complete -F _$2 $2" ]] || exit 1
    "_$2"; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await execa(
    'bash',
    ['-c', script, 'bash', from ?? file('bash', words[0] ?? ''), ...words],
    {
      stdin: 'ignore',
    },
  );
  return stdout.split('\n').filter((word) => word !== '');
}
async function fish(line: string, from?: string): Promise<string[]> {
  const script = `source ${from ?? file('fish', `${line.split(' ')[0] ?? ''}.fish`)}; complete -C ${JSON.stringify(line)}`;
  const { stdout } = await execa('fish', ['--no-config', '-c', script], { stdin: 'ignore' });
  return stdout.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0] ?? '']));
}

describe.each([
  ['bash', bash],
  ['fish', fish],
] as const)('%s', (shell, complete) => {
  it('reads what inetgw completion prints, for all three commands', async () => {
    const printed = join(folder, shell);
    expect(await complete('inetgw install-hook n', printed)).toEqual(['networkmanager']);
    expect(await complete('inetgw completion z', printed)).toEqual(['zsh']);
    expect(await complete('searchbw lo D', printed)).toEqual(['DOWN']);
    expect(await complete('iprelay at', printed)).toEqual(['attach']);
  });
  it('knows commands, devices, options and their values', async () => {
    expect(await complete('inetgw ')).toEqual(
      expect.arrayContaining(['apply', 'install-hook', 'lo', 'status']),
    );
    expect(await complete('inetgw lo ')).toEqual(['clear']);
    expect(await complete('inetgw clear l')).toEqual(['lo']);
    expect(await complete('inetgw lo clear l')).toEqual([]);
    expect(await complete('inetgw uninstall ')).toEqual([]);
    expect(await complete('inetgw install-hook n')).toEqual(['networkmanager']);
    expect(await complete('inetgw --mark 30 rules e')).toEqual(['egress']);
    expect(await complete('inetgw rules egress l')).toEqual(['lo']);
    expect(await complete('inetgw --fram')).toEqual(['--framing']);
    expect(await complete('inetgw lo 210 1710 --framing pppoe-l')).toEqual(['pppoe-llcsnap']);
    expect(await complete('inetgw lo 210 1710 --framing vdsl,wireguard')).toEqual([
      'vdsl,wireguard',
      'vdsl,wireguard6',
    ]);
    expect(await complete('inetgw lo --firewall n')).toEqual(expect.arrayContaining(['nft', 'none']));
    expect(await complete('inetgw --config /etc/host')).toEqual(expect.arrayContaining(['/etc/hosts']));
    expect(await complete('searchbw lo D')).toEqual(['DOWN']);
    expect(await complete('searchbw lo DOWN --linklayer a')).toEqual(['atm']);
    expect(await complete('iprelay --log-format j')).toEqual(['json']);
    expect(await complete('iprelay at')).toEqual(['attach']);
  });
});

describe('zsh', () => {
  const zsh = async (from: string, ...lines: string[]): Promise<string> =>
    (
      await execa('zsh', ['-f', `${ROOT}/test/cli/helpers/zshComplete.zsh`, from, ...lines], {
        stdin: 'ignore',
      })
    ).stdout;
  it('completes what there is only one way to complete', async () => {
    const shown = await zsh(
      file('zsh', '_inetgw'),
      'inetgw --mark 30 rules eg',
      'inetgw --fram',
      'inetgw lo cl',
      'inetgw lo 1 2 --framing pppoe-l',
      'inetgw lo 1 2 --framing vdsl,openvpn6',
    );
    for (const line of [
      '--mark 30 rules egress ',
      'inetgw --framing ',
      'inetgw lo clear ',
      '--framing pppoe-llcsnap ',
      '--framing vdsl,openvpn6 ',
    ])
      expect(shown).toContain(line);
    expect(await zsh(file('zsh', '_searchbw'), 'searchbw lo DO')).toContain('searchbw lo DOWN ');
    expect(await zsh(file('zsh', '_iprelay'), 'iprelay --log-format js')).toContain('--log-format json ');
  });
  it('reads what inetgw completion prints, for all three commands', async () => {
    const shown = await zsh(join(folder, 'zsh'), 'inetgw --fram', 'searchbw lo DO', 'iprelay at');
    for (const line of ['inetgw --framing ', 'searchbw lo DOWN ', 'iprelay attach '])
      expect(shown).toContain(line);
  });
  it('is read by a zsh that has not started its completions, and starts them', async () => {
    const { exitCode, all } = await execa(
      'zsh',
      [
        '-f',
        '-c',
        'source $1; print $_comps[inetgw] $_comps[searchbw] $_comps[iprelay]',
        'zsh',
        join(folder, 'zsh'),
      ],
      { stdin: 'ignore', all: true, env: { ZDOTDIR: folder } },
    );
    expect([exitCode, all]).toEqual([0, '_inetgw _searchbw _iprelay']);
  });
});

describe('inetgw completion', () => {
  it('prints one command alone, as the file that is installed', async () => {
    for (const [shell, name] of [
      ['bash', 'searchbw'],
      ['zsh', '_searchbw'],
      ['fish', 'searchbw.fish'],
    ] as const) {
      const { stdout } = await inetgw('completion', shell, 'searchbw');
      expect(stdout).toBe(await readFile(file(shell, name), 'utf8'));
    }
  });
  it.each([
    [[], 'completion knows bash, zsh, fish'],
    [['zhs'], 'did you mean zsh?'],
    [['bash', 'cat'], 'takes one of inetgw, searchbw, iprelay'],
    [['bash', 'inetgw', 'x'], 'takes one of inetgw, searchbw, iprelay'],
  ])('%j is wrong usage', async (words, message) => {
    const { code, stdout, stderr } = await inetgw('completion', ...words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });
});
