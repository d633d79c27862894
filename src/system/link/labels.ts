/** Labels of addresses, which Node and getifaddrs(3) give in place of the device's name. Pure. */

/** `eth0`, or `eth0:1` of an alias: names of devices have no colon. */
export const isOfDevice = (label: string, device: string): boolean =>
  label === device || label.startsWith(`${device}:`);
