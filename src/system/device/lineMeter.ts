/**
 * What comes in by a line, read from the pacing program's maps many times a second, and the rate that it is told. The system
 * calls are made by a perl that stays, as src/system/device/bpfMap.ts has them made by one that does not: to start one takes
 * longer than a span lasts.
 */
import { failure, missing } from '../../core/errors.ts';
import {
  arrivalsSince,
  BUCKET_MS,
  BUCKETS,
  bucketsMapName,
  followingMapName,
  followingValue,
  type Arrivals,
  type Following,
} from '../../plan/pacing/arrivals.ts';
import { BUCKET_LAYOUT } from '../../plan/pacing/pacingLayout.ts';
import { ResidentProgram } from '../exec/residentProgram.ts';
import { PIN_FOLDER, SYSCALL_NUMBER } from './bpfMap.ts';

/**
 * BPF_OBJ_GET (7), BPF_MAP_LOOKUP_ELEM (1), BPF_MAP_UPDATE_ELEM (2). Each line that it reads is a command, and each is answered by
 * one line: `r FIRST COUNT` by these elements in hexadecimal, in a circle; `w HEX` by an empty one.
 */
const SCRIPT = `
  my ($nr, $buckets, $elements, $size, $following) = @ARGV;
  $| = 1;
  sub pointer { my $p = pack("P", $_[0]); $p . "\\0" x (8 - length $p) }
  sub get { my $name = "$_[0]\\0"; my $get = pointer($name) . "\\0" x 64; my $fd = syscall($nr + 0, 7, $get, 16);
    die "$_[0]: $!\\n" if $fd < 0; $fd }
  my ($from, $to) = (get($buckets), get($following));
  while (<STDIN>) {
    my ($word, @rest) = split;
    if ($word eq "r") {
      for my $n (0 .. $rest[1] - 1) {
        my ($key, $value) = (pack("L", ($rest[0] + $n) % $elements), "\\0" x $size);
        my $lookup = pack("LL", $from, 0) . pointer($key) . pointer($value) . "\\0" x 64;
        die "$buckets: $!\\n" if syscall($nr + 0, 1, $lookup, 32) < 0;
        print unpack("H*", $value);
      }
    } else {
      my ($key, $value) = (pack("L", 0), pack("H*", $rest[0]));
      my $update = pack("LL", $to, 0) . pointer($key) . pointer($value) . "\\0" x 64;
      die "$following: $!\\n" if syscall($nr + 0, 2, $update, 32) < 0;
    }
    print "\\n";
  }
`;

const BUCKET_NS = BigInt(BUCKET_MS) * 1_000_000n;
/** The one that is being filled, by the program's clock: CLOCK_MONOTONIC. */
export const bucketNow = (): number => Number(process.hrtime.bigint() / BUCKET_NS);

/** What is told where the plan's own rate is to be in force. */
export const NO_OTHER_RATE = { payloadBytesPerSec: 0, plannedBytesPerSec: 0, queueUs: 0 } as const;

/** The plan's own rate is in force again, whatever a service that was killed has told the program. */
export async function forgetToldRate(mapSuffix: string): Promise<void> {
  const meter = new LineMeter(mapSuffix);
  try {
    await meter.follow({ ...NO_OTHER_RATE, forgetBeforeNs: 0n });
  } finally {
    meter.close();
  }
}

export class LineMeter {
  readonly #perl: ResidentProgram;
  #last = bucketNow() - 1;

  /** @param mapSuffix of a plan whose rate follows the line (`PacingConfig.follows`), in force */
  constructor(mapSuffix: string) {
    const number = SYSCALL_NUMBER[process.arch];
    if (number === undefined)
      throw missing(
        `the maps of the pacing program cannot be read on ${process.arch}`,
        'fixed rates do without: set the device up without --down-min and the like',
      );
    const [buckets, following] = [bucketsMapName, followingMapName].map(
      (name) => `${PIN_FOLDER}/${name(mapSuffix)}`,
    );
    const args = [String(number), buckets, String(BUCKETS), String(BUCKET_LAYOUT.bytes), following];
    this.#perl = new ResidentProgram('perl', ['-e', SCRIPT, ...args.map(String)]);
  }

  /** What has come in since the last call, in whole buckets, oldest first; the first call begins with the one before it. */
  async arrivals(): Promise<Arrivals[]> {
    const now = bucketNow();
    const first = Math.max(this.#last + 1, now - BUCKETS + 1);
    if (first >= now) return [];
    const hex = await this.#ask(`r ${first % BUCKETS} ${now - first}`);
    this.#last = now - 1;
    const values = Buffer.alloc(BUCKETS * BUCKET_LAYOUT.bytes);
    const read = Buffer.from(hex, 'hex');
    for (let n = 0; n < now - first; n += 1) {
      const place = ((first + n) % BUCKETS) * BUCKET_LAYOUT.bytes;
      read.copy(values, place, n * BUCKET_LAYOUT.bytes, (n + 1) * BUCKET_LAYOUT.bytes);
    }
    return arrivalsSince(values, first - 1, now);
  }

  /** Tells the program another rate; it is in force for the next window that is written. */
  async follow(following: Following): Promise<void> {
    await this.#ask(`w ${followingValue(following).toString('hex')}`);
  }

  /** The rate that was told last stays in force. */
  close(): void {
    this.#perl.close();
  }

  async #ask(command: string): Promise<string> {
    const answer = await this.#perl.ask(command);
    if (answer === undefined)
      throw failure(`the maps of the pacing program cannot be read: ${this.#perl.takeSaid()}`);
    return answer;
  }
}
