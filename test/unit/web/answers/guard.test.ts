/** Whom the page answers: nobody whom a page of another origin sends. */
import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../../src/web/answers/guard.ts';

const TOKEN = 'correct horse'.replace(' ', '-');

function statusOf(headers: Record<string, string>, { method = 'GET', url = '/', token = '' } = {}): number {
  const settings = { names: ['gw', 'gw.example.net'], token: token === '' ? undefined : token };
  return refusalOf({ method, url, headers }, settings)?.status ?? 200;
}

describe('the Host', () => {
  it.each([
    '127.0.0.1:8080',
    '[::1]:8080',
    'localhost',
    'LOCALHOST:8080',
    'gw',
    'GW.example.net:1',
    '192.0.2.1',
  ])('%s is ours', (host) => {
    expect(statusOf({ host })).toBe(200);
  });
  it.each([
    'evil.example',
    'gw.evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '',
    '[evil]',
  ])('%j is not', (host) => {
    expect(statusOf({ host })).toBe(403);
  });
  it('has to be there', () => {
    expect(statusOf({})).toBe(403);
  });
});

describe('the Origin', () => {
  const host = '127.0.0.1:8080';
  it('may be the page itself, or not be said', () => {
    expect(statusOf({ host, origin: `http://${host}` })).toBe(200);
    expect(statusOf({ host })).toBe(200);
  });
  it.each(['http://evil.example', 'null', 'http://127.0.0.1:8081', ''])('%j is refused', (origin) => {
    expect(statusOf({ host, origin })).toBe(403);
  });
  it('is told by Fetch Metadata, too: others do not read, and may link here', () => {
    const site = { host, 'sec-fetch-site': 'cross-site' };
    expect(statusOf({ ...site, 'sec-fetch-mode': 'no-cors' })).toBe(403);
    expect(statusOf({ ...site, 'sec-fetch-mode': 'navigate' })).toBe(200);
    expect(statusOf({ host, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })).toBe(200);
  });
});

it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'CONNECT'])('%s is no GET', (method) => {
  expect(statusOf({ host: 'localhost' }, { method })).toBe(405);
});

it('asks for a path', () => {
  expect(statusOf({ host: 'localhost' }, { url: 'http://localhost/' })).toBe(400);
});

describe('with a token', () => {
  const asked = (authorization: string): number =>
    statusOf({ host: 'localhost', authorization }, { token: TOKEN });
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  it('it may come as a token, or as the password of any user', () => {
    expect([asked(`Bearer ${TOKEN}`), asked(basic(`me:${TOKEN}`)), asked(basic(`:${TOKEN}`))]).toEqual([
      200, 200, 200,
    ]);
  });
  it.each([
    '',
    TOKEN,
    'Bearer',
    'Bearer wrong',
    `Bearer ${TOKEN}x`,
    `Digest ${TOKEN}`,
    basic(`${TOKEN}:`),
    'Basic ====',
  ])('%j is refused', (authorization) => {
    expect(asked(authorization)).toBe(401);
  });
  it('a foreign page is told nothing of it', () => {
    expect(statusOf({ host: 'evil.example' }, { token: TOKEN })).toBe(403);
  });
});

describe('a change', () => {
  const url = '/api/v1/devices/ppp0/rates';
  const host = '127.0.0.1:8080';
  const right = { host, 'content-type': 'application/json', authorization: 'Bearer x' };
  const asked = (
    headers: Record<string, string>,
    { method = 'POST', at = url, changes = true } = {},
  ): number =>
    refusalOf({ method, url: at, headers }, { names: [], token: undefined, changes })?.status ?? 200;

  it('is let through with a token in either header, whatever it is: the privileged side knows the right one', () => {
    expect(asked(right)).toBe(200);
    expect(asked({ host, 'content-type': 'application/json; charset=utf-8', 'x-inetgw-token': 'x' })).toBe(
      200,
    );
  });
  it('needs no token for reading besides', () => {
    const settings = { names: [], token: TOKEN, changes: true };
    expect(refusalOf({ method: 'POST', url, headers: right }, settings)).toBeUndefined();
    expect(refusalOf({ method: 'GET', url: '/', headers: right }, settings)?.status).toBe(401);
  });
  it('is refused where changes are not allowed, anywhere else, and by another method', () => {
    expect(asked(right, { changes: false })).toBe(405);
    expect(asked(right, { at: '/api/v1/devices/ppp0' })).toBe(405);
    expect(asked(right, { at: '/api/v1/devices/ppp0/reboot' })).toBe(405);
    expect(asked(right, { method: 'GET' })).toBe(405);
    expect(asked(right, { method: 'PUT' })).toBe(405);
  });
  it.each([
    [401, { authorization: '' }],
    [401, { authorization: 'Basic eDp4' }],
    [401, { authorization: `Bearer ${'x'.repeat(257)}` }],
    [413, { 'content-length': '1025' }],
    [415, { 'content-type': 'application/x-www-form-urlencoded' }],
    [415, { 'content-type': 'text/plain' }],
    [415, { 'content-type': '' }],
    [403, { origin: 'http://evil.example' }],
    [403, { origin: 'null' }],
    [403, { host: 'evil.example' }],
    [403, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
    [403, { 'sec-fetch-site': 'same-site' }],
  ])('%i with %j', (status, headers) => {
    expect(asked({ ...right, ...headers })).toBe(status);
  });
  it('of the page behind a proxy that says another Host is its own where the browser says so', () => {
    const origin = 'https://gw.example.net';
    expect(asked({ ...right, host: 'localhost', origin })).toBe(403);
    expect(asked({ ...right, host: 'localhost', origin, 'sec-fetch-site': 'same-origin' })).toBe(200);
  });
});
