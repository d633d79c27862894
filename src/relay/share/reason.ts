/** Why the engine cannot be had, in words that say what to do. Pure. */

/** What the text of an error means; a text that needs no help is left as it is. */
export function reasonOf(text: string, tls: boolean): string {
  const line = text.split('\n')[0] ?? text;
  // It counts the words of a command before it says NOAUTH.
  if (line.includes('unauthenticated')) return 'NOAUTH: it wants a password';
  if (/unknown command '?evalsha/i.test(line))
    return 'it knows no scripts (EVALSHA): a sentinel? The address has to lead to the master itself';
  // OpenSSL names its own source files too.
  const alert = /:SSL routines:[^:]*:([^:]+):/.exec(line)?.[1];
  if (alert?.includes('certificate required') === true)
    return `${alert}: relays have no certificate of their own, the engine needs tls-auth-clients no`;
  if (alert !== undefined) return alert;
  if (tls && line === 'connect ETIMEDOUT')
    return `${line}: does it speak TLS at this port? Without: redis://`;
  // Which of the two it is, and whether there is an alert before it, is a matter of who is first.
  if (/^(?:read ECONNRESET|write EPIPE)$/.test(line))
    return tls
      ? `${line}: if it wants a certificate of the relay, it needs tls-auth-clients no`
      : `${line}: does it speak TLS at this port? Then: rediss://`;
  return line;
}
