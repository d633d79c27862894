/** Run inside a network namespace by reverseNames.test.ts: names of the addresses as they are known at once, and in the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ReverseNames } from '../../../src/system/device/reverseNames.ts';

const [wanted = '0', ...addresses] = process.argv.slice(2);
const names = new ReverseNames();
const atOnce = names.read(addresses);
while (names.read(addresses).size < Number(wanted)) await sleep(20);
process.stdout.write(JSON.stringify([Object.fromEntries(atOnce), Object.fromEntries(names.read(addresses))]));
names.close();
