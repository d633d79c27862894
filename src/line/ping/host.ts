/** Host names and addresses as a user types them. Pure. */
import { isIP } from 'node:net';

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;

/**
 * Why a text is no host, or nothing if it is one: an IPv4 or IPv6 address (with `%device`), or a name. A
 * host that begins with `-` would become an option of ping, so it never gets that far.
 */
export function hostError(host: string): string | undefined {
  if (host === '') return 'is empty';
  if (host.startsWith('-')) return "begins with '-'";
  const [address = '', zone, ...more] = host.split('%');
  if (isIP(address) !== 0 && more.length === 0) {
    if (zone === undefined) return undefined;
    return isIP(address) === 6 && /^[a-zA-Z0-9_.-]{1,15}$/.test(zone) ? undefined : 'has an odd zone';
  }
  // Four numbers that are no address would be looked up as a name and fail late.
  if (/^[\d.]+$/.test(host)) return 'is not an IP address';
  const labels = host.replace(/\.$/, '').split('.');
  if (host.length > 253 || !labels.every((label) => LABEL.test(label))) {
    return 'is neither an IP address nor a host name';
  }
  return undefined;
}

/** Private or shared address space (RFC 1918, RFC 6598, RFC 4193, link-local): not routed on the internet. */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 6) return /^(f[cd]|fe[89ab])/i.test(address);
  const [a = 0, b = 0] = address.split('.').map(Number);
  return (
    a === 10 ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168) ||
    (a === 169 && b === 254) ||
    (a === 100 && b >= 64 && b < 128)
  );
}
