/** The order of the test files: so that of the two guests of the lab none is left with a long file in the end. */
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of the lab that take a guest a minute or more of processor time, the longest first. */
const LONG = [
  ...['lifecycle', 'pacing', 'conditions', 'ingress', 'searchbw', 'kill', 'tunnels', 'wayback', 'shape'],
  ...['heal', 'foreign', 'marks', 'uplinks', 'egress', 'article', 'gateway', 'examples', 'check', 'line'],
];

/** Those that are not named come last, in vitest's own order. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = moduleId.includes('/test/lab/') ? LONG.indexOf(basename(moduleId, '.test.ts')) : -1;
      return found < 0 ? LONG.length : found;
    };
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}
