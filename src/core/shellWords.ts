/** Words for a shell and for systemd. Pure. */

/** One word for a POSIX shell. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The word that `shellWord` has written. */
export function fromShellWord(text: string): string {
  return text.startsWith("'") ? text.slice(1, -1).replaceAll(`'\\''`, "'") : text;
}

/** One word of a systemd command line: specifiers and variables of systemd's are taken for what they are. */
export function systemdWord(word: string): string {
  const plain = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_@+=:,./$%-]+$/.test(plain)
    ? plain
    : `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** A device name as part of a unit's name, as systemd-escape makes it. */
export function systemdEscape(name: string): string {
  return name.replaceAll(
    /[^A-Za-z0-9:_.]|^\./g,
    (sign) => `\\x${sign.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
