/** Names that a device had when it was set up. */
import { nameOfIndex } from './linkIndex.ts';
import { readState, recordedDevices } from '../record/state.ts';

/** What the device with this number was called when it was set up; undefined: it was not, or is still called so. */
export async function recordedNameOf(device: string, ifindex: number): Promise<string | undefined> {
  for (const name of await recordedDevices()) {
    if (name === device) continue;
    const reading = await readState(name);
    const isIt = reading.kind === 'state' && reading.state.plan.link.ifindex === ifindex;
    // Where a device has that name again, the record may be of either.
    if (isIt && (await nameOfIndex(ifindex)) === device) return name;
  }
  return undefined;
}
