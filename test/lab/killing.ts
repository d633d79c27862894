/**
 * Programs of a guest that count the calls of inetgw, and kill their caller at one of them. What stands in front of the real ones
 * looks at files below /run/killing: `at`, the number of the call; `half`, how much of a batch of tc is done before, in per cent of
 * its lines; `too`, processes that die with the caller; `changes`, only calls that change something count. The calls are in `calls`.
 */
import { LONG } from './forms.ts';
import type { Guest } from './guest.ts';

/** Where a batch of tc is cut, in per cent of its lines; the short form cuts it once. */
export const CUTS = LONG ? [30, 70, 100] : [50];
/** No run makes so many calls: they are counted, and nobody is killed. */
const NEVER = 9999;

const PROGRAMS = `
  mkdir -p /usr/local/sbin /run/killing
  for program in tc ip nft iptables-restore ip6tables-restore iptables-save ip6tables-save unshare; do
    real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $program)
    cat > /usr/local/sbin/$program <<EOF
#!/bin/sh
# Only what inetgw itself calls counts, and not what the service reads meanwhile.
[ -e /run/killing/at ] && grep -q inetgw.js /proc/\\$PPID/cmdline && ! grep -qzx serve /proc/\\$PPID/cmdline || exec $real "\\$@"
[ ! -e /run/killing/changes ] || case "$program \\$*" in *' show '*|*' list '*|*-save*|'tc -s '*) exec $real "\\$@" ;; esac
echo "$program \\$*" >>/run/killing/calls
[ "\\$(wc -l </run/killing/calls)" = "\\$(cat /run/killing/at)" ] || exec $real "\\$@"
if [ "$program \\$1" = 'tc -batch' ]; then
  cat >/run/killing/batch
  lines=\\$(( \\$(wc -l </run/killing/batch) * \\$(cat /run/killing/half) / 100 ))
  head -n \\$lines /run/killing/batch | $real -batch -
else
  $real "\\$@"
fi
rm /run/killing/at
kill -KILL \\$(cat /run/killing/too) \\$PPID
EOF
    chmod 755 /usr/local/sbin/$program
  done`;

export async function putKillingPrograms(
  guest: Guest,
  { changesOnly }: { changesOnly: boolean },
): Promise<void> {
  await guest.run(['sh', '-ec', changesOnly ? `${PROGRAMS}\ntouch /run/killing/changes` : PROGRAMS]);
}

export async function removeKillingPrograms(guest: Guest): Promise<void> {
  await guest.run(['sh', '-ec', 'rm -rf /usr/local/sbin/* /run/killing']);
}

/** From now on calls are counted, and the caller dies at that one, with these processes. */
export async function killAt(
  guest: Guest,
  call: number,
  { half, too = [] }: { half: number; too?: readonly number[] },
): Promise<void> {
  const script = `cd /run/killing; : >calls; echo ${half} >half; echo '${too.join(' ')}' >too; echo ${call} >at`;
  await guest.run(['sh', '-ec', script]);
}

/** Whether it has; if not, it no longer will. */
export const hasKilled = async (guest: Guest): Promise<boolean> =>
  (await guest.exec(['rm', '/run/killing/at'])).code !== 0;

export const countCalls = (guest: Guest): Promise<void> => killAt(guest, NEVER, { half: 100 });

/** Since they are counted, each with its words. */
export const countedCalls = async (guest: Guest): Promise<string[]> =>
  (await guest.run(['cat', '/run/killing/calls'])).trim().split('\n');
