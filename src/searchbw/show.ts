/** `searchbw show FILE`: a stored result again, in any form. */
import { readFile } from 'node:fs/promises';
import { EXIT, failure, UserErrors } from '../errors.ts';
import type { OutputSettings } from './arguments.ts';
import { fileErrors, renderResult, screenFor, writeFiles } from './output.ts';
import { parseResult } from './resultFile.ts';

export async function show({ file, output }: { file: string; output: OutputSettings }): Promise<number> {
  const errors = await fileErrors(output);
  if (errors.length > 0) throw new UserErrors(errors);
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw failure(code === 'ENOENT' ? `${file} does not exist` : `${file} could not be read: ${message}`);
  }
  const result = parseResult(content, file);
  process.stdout.write(renderResult(result, output, screenFor(process.stdout, process.env, output.color)));
  await writeFiles(result, output);
  return EXIT.ok;
}
