import { expect, it } from 'vitest';
import { addressText, isLocal, parseListen } from '../../../../src/web/feed/listen.ts';

it.each([
  ['unix:/run/inetgw/http.sock', true, 'unix:/run/inetgw/http.sock'],
  ['127.0.0.1:8080', true, 'http://127.0.0.1:8080/'],
  ['[::1]:8080', true, 'http://[::1]:8080/'],
  ['127.9.9.9:1', true, 'http://127.9.9.9:1/'],
  ['192.0.2.1:8080', false, 'http://192.0.2.1:8080/'],
  ['0.0.0.0:8080', false, 'http://0.0.0.0:8080/'],
  ['[::]:8080', false, 'http://[::]:8080/'],
  ['[2001:db8::1]:443', false, 'http://[2001:db8::1]:443/'],
  // It is that address for the kernel, and for nobody who reads it.
  ['[::ffff:127.0.0.1]:8080', false, 'http://[::ffff:127.0.0.1]:8080/'],
])('%s: for this machine alone: %s', (word, local, text) => {
  const address = parseListen(word);
  expect([isLocal(address), addressText(address)]).toEqual([local, text]);
});

it.each([
  ...['', '8080', ':8080', 'localhost:8080', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:x'],
  ...['::1:8080', '[127.0.0.1]:8080', '127.1:8080', 'unix:', 'unix:http.sock', 'unix:/run/'],
  `unix:/${'x'.repeat(107)}`,
])('%j is no address', (word) => {
  expect(() => parseListen(word)).toThrow(/--listen/);
});

it.each(['8080', ':8080', 'localhost:8080'])('%s: which address that may be is said', (word) => {
  expect(() => parseListen(word)).toThrow(
    expect.objectContaining({ hint: 'an address, for this machine alone: 127.0.0.1:8080, or [::1]:8080' }),
  );
});
