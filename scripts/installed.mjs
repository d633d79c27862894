/**
 * Exit code 0 where node_modules/ holds what package-lock.json says, whoever installed it; 1 otherwise. By what npm
 * itself wrote down there: times say nothing after `git checkout` of an older state.
 */
import { readFileSync } from 'node:fs';

function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return {};
  }
}

const wanted = Object.entries(packagesIn('package-lock.json')).filter(([path]) => path !== '');
const there = packagesIn('node_modules/.package-lock.json');
// Packages for other systems are optional and not there.
const complete = wanted.every(([path, { version, optional }]) =>
  there[path] === undefined ? optional === true : there[path].version === version,
);
process.exitCode = complete && wanted.length > 0 ? 0 : 1;
