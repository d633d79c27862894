/** The files of templates/, as they are installed with the commands. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { failure } from '../../core/errors.ts';
import { TEMPLATES } from '../../core/installedFiles.ts';

/** The text of a file below templates/, such as `inetgw.conf.example`. */
export async function readTemplate(name: string): Promise<string> {
  const text = await readFile(templatePath(name), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw failure(`templates/${name} is missing from this installation`, 'install inetgw again');
  return text;
}

/** Where it is in this installation. */
export function templatePath(name: string): string {
  return fileURLToPath(new URL(name, TEMPLATES));
}
