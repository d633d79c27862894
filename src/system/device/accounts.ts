/** Reads what the pacing program knows, state and accounts of hosts, with one perl: src/system/device/bpfMap.ts says why. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import {
  answersMapName,
  flowsMapName,
  parseAccounts,
  totalsMapName,
  type Accounts,
} from '../../plan/pacing/accounts.ts';
import {
  activeEpochs,
  parsePacingState,
  stateMapName,
  type PacingState,
} from '../../plan/pacing/pacingObject.ts';
import {
  ANSWERS_LAYOUT,
  FLOW_KEY_LAYOUT,
  FLOW_LAYOUT,
  STATE_LAYOUT,
  TOTAL_LAYOUT,
} from '../../plan/pacing/pacingLayout.ts';
import type { PacingPlan } from '../../plan/pacing/pacing.ts';
import { isHidden, parseArpTable, parseConntrack, type KnownAddresses } from '../../plan/pacing/addresses.ts';
import { UserError } from '../../core/errors.ts';
import { ProgramError, type Runner } from '../exec/run.ts';
import { PIN_FOLDER, SYSCALL_NUMBER } from './bpfMap.ts';

/**
 * BPF_OBJ_GET (7), BPF_MAP_LOOKUP_ELEM (1), BPF_MAP_GET_NEXT_KEY (4). A line each for the state, each connection, and each host that
 * has connections or answers. A key that goes away begins the round anew; what was told is not told again. Maps that a program
 * of an earlier version does not have are passed over.
 */
const SCRIPT = `
  my ($nr, $states, $state, $flows, $key, $flow, $host, $epoch, $window, $totals, $total, $answers, $answer) = @ARGV;
  sub pointer { my $p = pack("P", $_[0]); $p . "\\0" x (8 - length $p) }
  sub get { my $name = "$_[0]\\0"; my $get = pointer($name) . "\\0" x 64; syscall($nr + 0, 7, $get, 16) }
  sub value { my ($fd, $key, $size) = @_; my $value = "\\0" x $size;
    my $lookup = pack("LL", $fd, 0) . pointer($key) . pointer($value) . "\\0" x 64;
    syscall($nr + 0, 1, $lookup, 32) < 0 ? undef : $value }
  sub keys_of { my ($fd, $size) = @_; my ($key, @keys, %seen);
    while ($fd >= 0) {
      my $next = "\\0" x $size;
      my $ask = pack("LL", $fd, 0) . (defined $key ? pointer($key) : "\\0" x 8) . pointer($next) . "\\0" x 64;
      last if syscall($nr + 0, 4, $ask, 32) < 0 || $seen{$next}++;
      push @keys, $key = $next;
    }
    @keys }
  my $from = get($states);
  die "$states: $!\\n" if $from < 0;
  print "s ", unpack("H*", value($from, pack("L", 0), $state)), "\\n";
  my ($from_flows, $from_totals, $from_answers) = (get($flows), get($totals), get($answers));
  exit if $from_totals < 0 || $from_answers < 0;
  my %hosts;
  for my $each (keys_of($from_flows, $key)) {
    my $value = value($from_flows, $each, $flow);
    next unless defined $value;
    my ($whose, $when, $told) =
      (unpack("x$host S", $value), unpack("x$epoch L", $value), unpack("x$window S", $value));
    $hosts{$whose} = 1 if $whose;
    print "f ", unpack("H*", $each), " $whose $when $told\\n";
  }
  for my $each (keys_of($from_answers, 4)) {
    my $number = unpack("L", $each);
    my $value = value($from_answers, $each, $answer);
    print "a $number ", unpack("H*", $value), "\\n" if defined $value;
    $hosts{$number} = 1;
  }
  for my $number (keys %hosts) {
    my $value = value($from_totals, pack("L", $number), $total);
    print "t $number ", unpack("H*", $value), "\\n" if defined $value;
  }
`;

export interface PacingKnowledge {
  state: PacingState;
  /** Undefined: the program that stands is of a version that did not count. */
  accounts: Accounts | undefined;
}

/** Undefined where the maps cannot be read. */
export async function readPacingKnowledge(
  { mapSuffix }: PacingPlan,
  run: Runner,
): Promise<PacingKnowledge | undefined> {
  const number = SYSCALL_NUMBER[process.arch];
  if (number === undefined) return undefined;
  const args = [
    ...[number, `${PIN_FOLDER}/${stateMapName(mapSuffix)}`, STATE_LAYOUT.bytes],
    ...[`${PIN_FOLDER}/${flowsMapName(mapSuffix)}`, FLOW_KEY_LAYOUT.bytes],
    ...[FLOW_LAYOUT.bytes, FLOW_LAYOUT.at.host, FLOW_LAYOUT.at.epoch, FLOW_LAYOUT.at.window_field],
    ...[`${PIN_FOLDER}/${totalsMapName(mapSuffix)}`, TOTAL_LAYOUT.bytes],
    ...[`${PIN_FOLDER}/${answersMapName(mapSuffix)}`, ANSWERS_LAYOUT.bytes],
  ];
  try {
    const { stdout } = await run(['perl', '-e', SCRIPT, ...args.map(String)]);
    const [first = '', ...lines] = stdout.trimEnd().split('\n');
    const value = Buffer.from(first.slice(2), 'hex');
    if (value.length !== STATE_LAYOUT.bytes) return undefined;
    const nowNs = process.hrtime.bigint();
    const isActive = activeEpochs(value, nowNs);
    return {
      state: parsePacingState(value, nowNs),
      accounts: lines.length === 0 ? undefined : parseAccounts(lines, isActive),
    };
  } catch (error) {
    if (error instanceof ProgramError || error instanceof UserError) return undefined;
    throw error;
  }
}

/** What tells whose the connections are. Where a file cannot be read, it tells nothing. */
export async function readKnownAddresses(accounts: Accounts): Promise<KnownAddresses> {
  const own = Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).map(({ address }) => address),
  );
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');
  const ipv4 = [
    ...own.filter((address) => !address.includes(':')),
    ...parseArpTable(await read('/proc/net/arp')),
  ];
  // A large table takes long to read: only where the neighbours do not explain it.
  const tracked = isHidden(accounts, ipv4) ? await read('/proc/net/nf_conntrack') : '';
  return { ipv4, own: new Set(own), behindNat: parseConntrack(tracked) };
}
