/** How a framing is typed, as options of a command. Pure. */
import { countsAlike, type Framing } from './framing.ts';
import { framingByName } from './framingChoice.ts';

/**
 * ` --framing pppoe-llcsnap`, or by its parts; empty where it is what `inetgw` takes `byItself`. Rates mean something
 * only together with the framing they were measured with.
 */
export function framingOptions(used: Framing, byItself: Framing): string {
  if (countsAlike(used, byItself)) return '';
  const known = framingByName(used.name);
  if (known !== undefined && countsAlike(used, known)) return ` --framing ${used.name}`;
  // Told even where it is 0, if the file says otherwise: parts that are not typed are taken from there.
  const mpu = used.mpuBytes > 0 || byItself.mpuBytes > 0 ? ` --mpu ${used.mpuBytes}` : '';
  return ` --linklayer ${used.linkLayer} --overhead ${used.overheadBytes}${mpu}`;
}
