/** What a network device can be called. Pure. */

/** IFNAMSIZ - 1 in include/uapi/linux/if.h. */
const MAX_NAME_LENGTH = 15;

/**
 * Says what is wrong with a device name, or nothing. Stricter than the kernel: what would mean something
 * else to tc, iptables (`+`) or nft is refused.
 */
export function deviceNameProblem(name: string): string | undefined {
  if (name === '') return 'the device name is empty';
  if (name.length > MAX_NAME_LENGTH) {
    return `'${name.slice(0, 40)}' is no device name: it is longer than ${MAX_NAME_LENGTH} characters`;
  }
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) {
    return `${JSON.stringify(name)} is no device name: letters, digits, '_', '.' and '-' are allowed, not first '.' or '-'`;
  }
  return undefined;
}

/** What to type instead of a word that is no device name, where that is clear. */
export function deviceNameHint(name: string): string | undefined {
  const path = /^\/(?:dev|sys\/class\/net)\/([^/]+)\/?$/.exec(name)?.[1];
  if (path !== undefined && deviceNameProblem(path) === undefined)
    return `network devices have no path: ${path}`;
  const label = /^([^:]+):[\w.-]+$/.exec(name)?.[1];
  if (label !== undefined && deviceNameProblem(label) === undefined)
    return `that is the label of an address; the device is ${label}`;
  // As a section of the file has it, and a help what may be left out.
  const bare = name.replace(/^[[<{(]/, '').replace(/[\]>})]$/, '');
  if (bare !== name && deviceNameProblem(bare) === undefined) return `a device has no brackets: ${bare}`;
  return undefined;
}
