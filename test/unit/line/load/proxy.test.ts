import { describe, expect, it } from 'vitest';
import { describeProxy, proxyFor } from '../../../../src/line/load/proxy.ts';

describe('the proxy for a URL', () => {
  const environment = {
    http_proxy: 'http://user:secret@proxy.example:3128',
    HTTPS_PROXY: 'http://tls.example:3128',
    no_proxy: 'localhost, .intern.example,192.0.2.7',
  };
  it.each([
    ['http://files.example/100M', 'http://user:secret@proxy.example:3128'],
    ['https://files.example/100M', 'http://tls.example:3128'],
    ['http://localhost/', undefined],
    ['http://a.intern.example/', undefined],
    ['http://192.0.2.7:8080/', undefined],
  ])('%s', (url, proxy) => {
    expect(proxyFor(url, environment)).toBe(proxy);
  });
  it('is none without one, and none where all are exempt', () => {
    expect(proxyFor('http://files.example/', {})).toBeUndefined();
    expect(proxyFor('http://files.example/', { ...environment, no_proxy: '*' })).toBeUndefined();
    // A CGI's `Proxy:` header becomes HTTP_PROXY.
    expect(proxyFor('http://files.example/', { HTTP_PROXY: 'http://evil.example' })).toBeUndefined();
    expect(proxyFor('http://files.example/', { ALL_PROXY: 'socks5h://s.example:1080' })).toBe(
      'socks5h://s.example:1080',
    );
  });
  it('is told without its password', () => {
    expect(describeProxy('http://user:secret@proxy.example:3128')).toBe('http://proxy.example:3128');
    expect(describeProxy('proxy.example:3128')).toBe('proxy.example:3128');
  });
});
