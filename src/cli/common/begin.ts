/** How each command begins: what needs none of its own code is answered before that is loaded. */
import { EXIT } from '../../core/errors.ts';
import { asksVersion, VERSION } from '../../core/version.ts';
import { keptHelp } from './keptHelp.ts';
import { runMain } from './main.ts';

interface Loaded {
  run: (argv: readonly string[]) => Promise<number>;
}

export function begin(command: string, load: () => Promise<Loaded>): void {
  const argv = process.argv.slice(2);
  if (asksVersion(argv)) {
    process.stdout.write(`${command} ${VERSION}\n`);
    return;
  }
  void runMain(command, async () => {
    const help = keptHelp(command, argv);
    if (help === undefined) return (await load()).run(argv);
    process.stdout.write(help);
    return EXIT.ok;
  });
}
