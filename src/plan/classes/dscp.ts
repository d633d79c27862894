/** DSCP values by name (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622). */
export const DSCP_BY_NAME: ReadonlyMap<string, number> = new Map([
  ['cs0', 0],
  ['le', 1],
  ...[1, 2, 3, 4, 5, 6, 7].map((level): [string, number] => [`cs${level}`, level * 8]),
  ...[1, 2, 3, 4].flatMap((level) =>
    [1, 2, 3].map((precedence): [string, number] => [`af${level}${precedence}`, level * 8 + precedence * 2]),
  ),
  ['va', 44],
  ['ef', 46],
]);
