/** What one run of a measure gave. */
export interface Sample {
  /** Figures by name; rows pick theirs. */
  readonly figures: Readonly<Record<string, number>>
  /** Runs that were lost or happened twice, and wrong answers, in words; empty when all was as it must be. */
  readonly faults: readonly string[]
}

/** What a row is held against. */
export type Target = { readonly atMost: number } | { readonly atLeast: number }

/** One line of the page. */
export interface Row {
  readonly label: string
  readonly unit: string
  /** The figure it shows. */
  readonly figure: string
  /** The figure of the bare limit, measured in the same run. */
  readonly bare?: string
  /** Absent: it is published, but nothing is asked of it. */
  readonly target?: Target
}

/** A measure that was set up. Each call measures once, the bare limit too. */
export interface Bench extends AsyncDisposable {
  sample(): Promise<Sample>
}

/** Something that is measured several times. */
export interface Measure {
  /** Short name by which it can be measured alone. */
  readonly letter: string
  readonly title: string
  /** How it is measured, in one sentence. */
  readonly method: string
  readonly rows: readonly Row[]
  setUp(): Promise<Bench>
}

/** A measure that is set up: takes samples, and gives back what it holds, if anything, at its end. */
export function benchOf(sample: () => Promise<Sample>, held = new AsyncDisposableStack()): Bench {
  return { sample, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
