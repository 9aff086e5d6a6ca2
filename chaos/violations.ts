/** What is promised, and counted here: the six invariants, and that the books are in order. */
export const INVARIANTS = {
  1: 'an acknowledged run is never lost and made once; it ends, or rests',
  2: 'an occurrence is on record once and makes one run',
  3: 'a task has one owner at a time and is executed once per attempt',
  4: 'what a dead instance was running ends within its lease, by policy',
  5: 'a singleton runs once, and again within the lease; no job outlives its server',
  6: 'nothing grows without a bound; nothing is left behind',
  books: 'states are legal, counts are right, the database is sound',
} as const

/** One of {@link INVARIANTS}. */
export type Invariant = keyof typeof INVARIANTS

/** A promise that was broken. */
export interface Violation {
  readonly invariant: Invariant
  readonly text: string
  readonly at: string
  readonly evidence: unknown
}

/** More of one sort than this are only counted. */
const KEPT_EACH = 50

/** Collects what was broken. The same thing, seen again in a later look, counts once. */
export class Violations {
  readonly list: Violation[] = []
  readonly #counts = new Map<Invariant, number>()
  readonly #known = new Set<string>()
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void = () => undefined) {
    this.#say = say
  }

  /** Notes one. The text is what tells one violation from another. */
  add(invariant: Invariant, text: string, evidence: unknown = null): void {
    const key = `${invariant} ${text}`
    if (this.#known.has(key)) return
    this.#known.add(key)
    const count = this.of(invariant) + 1
    this.#counts.set(invariant, count)
    if (count > KEPT_EACH) return
    this.list.push({ invariant, text, at: new Date().toISOString(), evidence })
    this.#say(`VIOLATION of ${invariant}: ${text}`)
  }

  /** How many there are of one invariant. */
  of(invariant: Invariant): number {
    return this.#counts.get(invariant) ?? 0
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }
}
