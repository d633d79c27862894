import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../../src/relay/share/reason.ts';

describe('why the engine cannot be had', () => {
  it.each([
    [
      "ERR unknown command 'evalsha', with args beginning with: 'a'",
      false,
      /^it knows no scripts .* a sentinel\?/,
    ],
    ['ERR max number of clients reached\nand more', false, /^ERR max number of clients reached$/],
    ['ERR unauthenticated multibulk length', false, /^NOAUTH: it wants a password$/],
    [
      '803C:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/x.c:1:SSL alert',
      true,
      /^tlsv13 alert certificate required: .* tls-auth-clients no$/,
    ],
    [
      '803C:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/x.c:1:',
      true,
      /^wrong version number$/,
    ],
    ['connect ETIMEDOUT', true, / Without: redis:\/\/$/],
    ['connect ETIMEDOUT', false, /^connect ETIMEDOUT$/],
    ['read ECONNRESET', false, / Then: rediss:\/\/$/],
    ['write EPIPE', true, / it needs tls-auth-clients no$/],
  ])('%s (TLS: %s)', (text, tls, said) => {
    expect(reasonOf(text, tls)).toMatch(said);
  });
});
