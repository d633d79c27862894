/** Compiled code that `inetgw` keeps from one start to the next, in a /var/cache of its own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { amongOwnProcesses, isRoot, ROOT } from './helpers/built.ts';
import { build } from './helpers/buildOnce.ts';

beforeAll(build);

const CACHE = '/var/cache/inetgw';
/** Each `run` prints a digest of what the command says, its exit code, and the numbers of the files that are kept. */
const SET_UP = `
  mount -t tmpfs tmpfs /var/cache; mkdir /run/app; cp -r '${ROOT}/dist' '${ROOT}/templates' /run/app
  node='${process.execPath} /run/app/dist/bin/inetgw.js'
  run() {
    $1 $node completion bash >/run/said 2>/run/errors; code=$?
    echo "$(md5sum </run/said) $code $(wc -c </run/errors) $(ls -i ${CACHE} 2>/dev/null | md5sum)"
  }
  damage() { printf damaged | dd of=${CACHE}/command.js.rest bs=1 seek=5000 conv=notrunc status=none; }`;

interface Run {
  said: string;
  files: string;
}

async function runs(script: string): Promise<Run[]> {
  const { stdout } = await amongOwnProcesses(`${SET_UP}\n${script}`);
  const all = stdout.trim().split('\n');
  return all.map((line) => {
    const [said = '', , code, errors, files = ''] = line.split(/\s+/);
    expect([code, errors]).toEqual(['0', '0']);
    return { said, files };
  });
}

describe('the code cache', () => {
  it('is made by the first four starts, and taken by the next as it is', async () => {
    const all = await runs('run; run; run; run; run; run');
    expect(new Set(all.map(({ files }) => files))).toHaveProperty('size', 4);
    expect(all.slice(4)).toEqual([all[3], all[3]]);
  });

  it('changes nothing of what the command says, made, damaged or out of reach', async () => {
    const all = await runs(`
      run; damage; run
      truncate -s 100 ${CACHE}/command.js.rest; run
      damage; mount -o remount,ro /var/cache; run; mount -o remount,rw /var/cache
      rm -r ${CACHE}; echo >${CACHE}; run
      rm ${CACHE}; ln -s /run ${CACHE}; run
      umount /var/cache; mount -t tmpfs -o ro tmpfs /var/cache; run`);
    expect(all).toHaveLength(7);
    expect(new Set(all.map(({ said }) => said))).toHaveProperty('size', 1);
  });

  it('is made anew where it is damaged, or the code is other code', async () => {
    const all = await runs(`
      four() { run; run; run; run; }
      four >/dev/null; run; damage; four; run
      sed -i s/a/a/ /run/app/dist/lib/command.js; four; run`);
    const files = all.map((each) => each.files);
    expect(files).toHaveLength(11);
    expect(new Set(files)).toHaveProperty('size', 9);
    expect([files[5], files[10]]).toEqual([files[4], files[9]]);
  });

  it('is not that of a version which was replaced while it ran', async () => {
    const { stdout } = await amongOwnProcesses(`${SET_UP}
      printf "process.on('exit', () => require('child_process').execSync('sed -i s/knows/KNOWS/ /run/app/dist/lib/*.js'))" >/run/upgrade.js
      said() { $node completion nosuch 2>&1 | grep -io knows; }
      NODE_OPTIONS='--require /run/upgrade.js' said; ls ${CACHE} | grep -c .; said`);
    const [before, kept, after] = stdout.trim().split('\n');
    expect([before, after]).toEqual(['knows', 'KNOWS']);
    expect(Number(kept)).toBeGreaterThan(3);
  });

  it('is neither taken nor written where others can write', async () => {
    const [first, others] = await runs(`run; damage; chmod 777 ${CACHE}; run`);
    expect(others).toEqual(first);
  });

  // A user namespace of somebody who is not root has one user.
  it.skipIf(!isRoot)("is root's: another user writes none, and another's folder is not taken", async () => {
    const [first, users, theirs] = await runs(`
      run; run 'setpriv --reuid=65534 --regid=65534 --clear-groups'
      damage; chown 65534 ${CACHE}; run`);
    expect([users, theirs]).toEqual([first, first]);
  });

  it('is taken away when it is uninstalled', async () => {
    const { stdout } = await amongOwnProcesses(`${SET_UP}
      run >/dev/null; ls ${CACHE} | grep command.js; $node uninstall >/dev/null 2>&1; ls -d ${CACHE} || echo gone`);
    expect(stdout).toBe('command.js.rest\ngone\n');
  });
});
