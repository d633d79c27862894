/**
 * What can be done with what comes in too fast, each once: what a kind is called, what it needs of the kernel, and which kinds a
 * choice of the user's allows, in the order in which they are tried. The objects of each: plan/ingress/. Pure.
 */

interface IngressKindDefinition {
  /** For people: what polices or shapes. */
  text: string;
  /**
   * The three stages: they mark, which the rules for incoming packets ask for; they spare what windows bound; they count.
   * Without them what comes in waits in a queue on an ifb, which counts.
   */
  hasStages: boolean;
  /** The qdisc without which there is only the fallback; absent: one that egress needs as well. */
  needsQdisc?: string;
  /** What is said where the kernel cannot do it and its fallback was taken, which has its queue on `queueDevice`. */
  whenMissing?: (queueDevice: string) => string;
}

export const INGRESS_KINDS = {
  police: {
    text: 'three stages',
    hasStages: true,
    whenMissing: (queueDevice) =>
      `this kernel cannot police as the three stages need it: what comes in is shaped on ${queueDevice} instead`,
  },
  cake: {
    text: 'cake',
    hasStages: false,
    needsQdisc: 'cake',
    whenMissing: () => 'this kernel has no cake: HTB with flow queues shapes what comes in',
  },
  htb: { text: 'HTB and flow queues', hasStages: false },
} as const satisfies Readonly<Record<string, IngressKindDefinition>>;

export type IngressKind = keyof typeof INGRESS_KINDS;
export const INGRESS_KIND_NAMES = Object.keys(INGRESS_KINDS) as readonly IngressKind[];

/** The kinds without stages, which have their queue on an ifb. */
export type ShapedKind = {
  [K in IngressKind]: (typeof INGRESS_KINDS)[K]['hasStages'] extends false ? K : never;
}[IngressKind];

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

/** In the order in which they are tried. */
export const kindsOf = (choice: IngressChoice): readonly [IngressKind, ...IngressKind[]] => ALLOWED[choice];

export const ingressKind = (kind: IngressKind): IngressKindDefinition => INGRESS_KINDS[kind];

export const hasStages = (kind: IngressKind): kind is Exclude<IngressKind, ShapedKind> =>
  INGRESS_KINDS[kind].hasStages;

/** Whether a choice may end with the stages, without which there is no window pacing. */
export const allowsStages = (choice: IngressChoice): boolean => kindsOf(choice).some(hasStages);

/** The kinds that the choice has before `kind`: that it is in force shows that the kernel lacks them. */
export function kindsBefore(kind: IngressKind, choice: IngressChoice): readonly IngressKind[] {
  const kinds = kindsOf(choice);
  return kinds.slice(0, Math.max(0, kinds.indexOf(kind)));
}

/** What is tried first: of what the choice allows, the first that is not known to be missing. */
export function firstKind(choice: IngressChoice, missing: readonly IngressKind[]): IngressKind {
  const [first] = kindsOf(choice);
  return kindsOf(choice).find((kind) => !missing.includes(kind)) ?? first;
}

/** What is tried where `kind` cannot be; undefined: nothing. */
export function nextKind(choice: IngressChoice, kind: IngressKind): IngressKind | undefined {
  const kinds = kindsOf(choice);
  return kinds.includes(kind) ? kinds[kinds.indexOf(kind) + 1] : undefined;
}
