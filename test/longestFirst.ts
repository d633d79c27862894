/** The order of the test files of the lab: as `labFiles.ts` has them, the longest first. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { FIRST_FILES, pathOf, TURNS } from './labFiles.ts';

/** A file's place in the first list that has it; far behind where none has. */
const PLACES = new Map(
  [...TURNS, FIRST_FILES].flatMap((names) => names.map((name, at) => [pathOf(name), at])),
);

/** Those that are not named come last, in vitest's own order. */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number =>
      PLACES.get(/test\/lab\/[^/]+$/.exec(moduleId)?.[0] ?? '') ?? Number.MAX_SAFE_INTEGER;
    return sorted.toSorted((one, other) => place(one) - place(other));
  }
}
