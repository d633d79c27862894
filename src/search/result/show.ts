/** `searchbw show FILE`: a stored result again, in any form. */
import { EXIT, failure, UserErrors } from '../../core/errors.ts';
import { readTextFile, whyUnreadable } from '../../system/exec/textFile.ts';
import type { OutputSettings } from '../arguments/arguments.ts';
import { fileErrors, renderResult, screenFor, writeFiles } from './output.ts';
import { parseResult } from './resultFile.ts';

/** A thousand lines of ten thousand pings each are below this. */
const RESULT_LIMIT_BYTES = 400 * 1024 * 1024;

export async function show({ file, output }: { file: string; output: OutputSettings }): Promise<number> {
  const errors = await fileErrors(output);
  if (errors.length > 0) throw new UserErrors(errors);
  let content: string;
  try {
    content = await readTextFile(file, { limitBytes: RESULT_LIMIT_BYTES });
  } catch (error) {
    throw failure(`${file} could not be read: ${whyUnreadable(error)}`);
  }
  const result = parseResult(content, file);
  process.stdout.write(renderResult(result, output, screenFor(process.stdout, process.env, output.color)));
  await writeFiles(result, output);
  return EXIT.ok;
}
