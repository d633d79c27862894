/** After the last test: what processes of this run left in `.lab/run/` is removed. */
import { sweepRunFolders } from './runFolder.ts';

export default function setup(): () => Promise<void> {
  return async () => {
    await sweepRunFolders();
  };
}
