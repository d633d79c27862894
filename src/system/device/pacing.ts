/** What pacing needs besides queues and filters: the program's file, and its maps, which tc pins. */
import { lstat, readFile, unlink } from 'node:fs/promises';
import { errorCode, failure } from '../../core/errors.ts';
import { PACING_OBJECTS } from '../../core/installedFiles.ts';
import { configuredObject, mapNames } from '../../plan/pacing/pacingObject.ts';
import type { PacingPlan } from '../../plan/pacing/pacing.ts';
import { PIN_FOLDER } from './bpfMap.ts';
import { followingFile } from '../record/following.ts';
import { replaceFile } from '../record/replaceFile.ts';
import { makeRunDir, removeError, runDir } from '../record/runDir.ts';

/** The program's file for a device; tc reads it when a filter is made. */
export async function pacingObjectFile(device: string): Promise<string> {
  return `${await runDir()}/${device}.pacing.o`;
}

/** The program with the plan's numbers in it. */
export async function pacingObject(pacing: PacingPlan): Promise<Buffer> {
  return configuredObject(await template(), pacing.config, pacing.mapSuffix);
}

async function template(): Promise<Buffer> {
  for (const place of PACING_OBJECTS) {
    const found = await readFile(place).catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw failure(
    'the pacing program (bpf/pacing.o) is missing from this installation',
    'install inetgw again, or do without: --pacing off',
  );
}

/** Writes the program's file, so that tc can load it. */
export async function writePacingObject(pacing: PacingPlan): Promise<void> {
  await makeRunDir();
  await replaceFile(pacing.objectFile, await pacingObject(pacing), { mode: 0o644 });
}

/** The file, the maps, and what was told of rates that follow; a filter that still stands keeps its own. */
export async function removeProgram(device: string, ifindexes: readonly number[]): Promise<void> {
  await removeMaps(ifindexes);
  await removeFile(await pacingObjectFile(device));
  await removeFile(await followingFile(device));
}

/** What `removeProgram` takes away where it is there. */
export async function pacingFiles(device: string, ifindexes: readonly number[]): Promise<string[]> {
  return [...mapFiles(ifindexes), await pacingObjectFile(device), await followingFile(device)];
}

/** The maps of devices with these numbers: of the device, or of those that had its name before. */
export async function removeMaps(ifindexes: readonly number[]): Promise<void> {
  for (const file of mapFiles(ifindexes)) await removeFile(file);
}

function mapFiles(ifindexes: readonly number[]): string[] {
  const suffixes = ifindexes.map((ifindex) => ifindex.toString(16).padStart(8, '0'));
  return suffixes.flatMap(mapNames).map((name) => `${PIN_FOLDER}/${name}`);
}

/** Nothing there is fine, and so is a folder that may not be looked into: nothing of ours could get there. */
async function removeFile(path: string): Promise<void> {
  // Looked at first: on a read-only file system, taking away what is not there is refused as well.
  const there = await lstat(path).then(
    () => true,
    () => false,
  );
  if (!there) return;
  await unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw removeError(path, error);
  });
}
