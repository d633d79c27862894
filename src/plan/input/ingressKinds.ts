/**
 * What can be done with what comes in too fast, each once: what a kind is called, whether it has the stages that rules,
 * window pacing and statistics need, and which kinds a choice of the user's allows, in the order in which they are tried.
 * The objects of each: plan.ts. Pure.
 */

interface IngressKindDefinition {
  /** For people: what polices or shapes. */
  text: string;
  /**
   * The three stages: they mark, which the rules for incoming packets ask for; they spare what windows bound; they count.
   * Without them what comes in waits in a queue on an ifb, which counts.
   */
  hasStages: boolean;
}

export type IngressKind = 'police' | 'cake' | 'htb';

export const INGRESS_KINDS: Readonly<Record<IngressKind, IngressKindDefinition>> = {
  police: { text: 'three stages', hasStages: true },
  cake: { text: 'cake', hasStages: false },
  htb: { text: 'HTB and flow queues', hasStages: false },
};

/** The user's choices, and what each allows: where the kernel lacks one kind, the next is its fallback. */
const ALLOWED = {
  auto: ['police', 'cake', 'htb'],
  police: ['police'],
  shape: ['cake', 'htb'],
  'shape-cake': ['cake'],
  'shape-htb': ['htb'],
} as const satisfies Readonly<Record<string, readonly [IngressKind, ...IngressKind[]]>>;

export type IngressChoice = keyof typeof ALLOWED;
export const INGRESS_CHOICES = Object.keys(ALLOWED) as readonly IngressChoice[];

const allowedBy = (choice: IngressChoice): readonly [IngressKind, ...IngressKind[]] => ALLOWED[choice];

export const hasStages = (kind: IngressKind): boolean => INGRESS_KINDS[kind].hasStages;

/** Whether a choice may end with the stages, without which there is no window pacing. */
export const allowsStages = (choice: IngressChoice): boolean => allowedBy(choice).some(hasStages);

/** Whether what comes in is `kind` only because something that was to be tried before it is `missing`. */
export function isFallbackFor(missing: IngressKind, kind: IngressKind, choice: IngressChoice): boolean {
  const kinds = allowedBy(choice);
  return kinds.includes(missing) && kinds.indexOf(missing) < kinds.indexOf(kind);
}

/** What is tried first: of what the choice allows, the first that is not known to be missing. */
export function firstKind(choice: IngressChoice, missing: readonly IngressKind[]): IngressKind {
  const [first] = allowedBy(choice);
  return allowedBy(choice).find((kind) => !missing.includes(kind)) ?? first;
}

/** What is tried where `kind` cannot be; undefined: nothing. */
export function nextKind(choice: IngressChoice, kind: IngressKind): IngressKind | undefined {
  const kinds = allowedBy(choice);
  return kinds.includes(kind) ? kinds[kinds.indexOf(kind) + 1] : undefined;
}
