/** The proxies that the environment names, as curl and others read it. Pure. */

type Environment = Readonly<Record<string, string | undefined>>;

/** The proxy for a URL; undefined: none. `http_proxy` counts in small letters only, as a CGI's `Proxy:` header sets the other. */
export function proxyFor(url: string, environment: Environment): string | undefined {
  const { protocol, hostname } = new URL(url);
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy'];
  const proxy = [...names, 'all_proxy', 'ALL_PROXY'].map((name) => environment[name]).find(Boolean);
  if (proxy === undefined || proxy === '') return undefined;
  const without = (environment['no_proxy'] ?? environment['NO_PROXY'] ?? '').split(/[\s,]+/).filter(Boolean);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isExempt = without.some((entry) => {
    const name = entry.replace(/^\*?\./, '').replace(/:\d+$/, '');
    return entry === '*' || host === name || host.endsWith(`.${name}`);
  });
  return isExempt ? undefined : proxy;
}

/** A proxy without the password that may stand in it. */
export function describeProxy(proxy: string): string {
  return proxy.replace(/^([a-z0-9]+:\/\/)?[^@/]*@/i, '$1');
}
